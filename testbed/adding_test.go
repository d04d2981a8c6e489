//go:build e2e

package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// parrot is a server that hpcbench does not know: it says the prompt's words again.
const parrot = `package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

func main() {
	at, perches := flag.String("at", "127.0.0.1:7000", ""), flag.Int("perches", 4, "")
	pause := flag.Duration("pause", 5*time.Millisecond, "")
	flag.Parse()
	if *perches == 0 {
		fmt.Fprintln(os.Stderr, "parrot: 0 perches, nowhere to sit")
		os.Exit(3)
	}
	fmt.Printf("parrot: %d perches\n", *perches)
	ready, words, free := time.Now().Add(time.Second), atomic.Int64{}, make(chan bool, *perches)
	http.HandleFunc("GET /awake", func(w http.ResponseWriter, r *http.Request) {
		if time.Now().Before(ready) {
			http.Error(w, "asleep", http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "# TYPE parrot_sitting gauge\nparrot_sitting %d\n# TYPE parrot_words_total counter\nparrot_words_total %d\n", len(free), words.Load())
	})
	http.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		var ask struct {
			Messages   []struct{ Content string }
			Max_tokens int
			Stream     bool
		}
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || len(ask.Messages) == 0 {
			http.Error(w, "what?", http.StatusBadRequest)
			return
		}
		free <- true
		defer func() { <-free }()
		said := strings.Fields(ask.Messages[len(ask.Messages)-1].Content)
		first, last := "{\"choices\":[{\"message\":{\"content\":\"", "\"},\"finish_reason\":\"length\"}]}"
		before, after := "", " "
		if ask.Stream {
			w.Header().Set("Content-Type", "text/event-stream")
			first, last = "", "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]\n\n"
			before, after = "data: {\"choices\":[{\"delta\":{\"content\":\"", " \"}}]}\n\n"
		}
		fmt.Fprint(w, first)
		for k := range ask.Max_tokens {
			fmt.Fprint(w, before, said[k%len(said)], after)
			w.(http.Flusher).Flush()
			time.Sleep(*pause)
		}
		fmt.Fprint(w, last)
		words.Add(int64(ask.Max_tokens))
	})
	fmt.Println(http.ListenAndServe(*at, nil))
	os.Exit(1)
}
`

// A block is one of docs/services.md: a file, more of one, or commands and what they say.
type block struct{ kind, text string }

var fenced = regexp.MustCompile("(?s)```(yaml|console)\n(.*?)```")

// steps are the blocks of "Adding one, step by step".
func steps(t *testing.T) []block {
	t.Helper()
	page, err := os.ReadFile("../docs/services.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n## Adding one, step by step\n")
	text, _, ends := strings.Cut(rest, "\n## ")
	if !found || !ends {
		t.Fatal("docs/services.md tells no steps")
	}
	var all []block
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		all = append(all, block{m[1], m[2]})
	}
	return all
}

// Someone who does what docs/services.md says, word for word, for a server that hpcbench does not know: one file makes it a
// service; it runs on this machine and on the cluster, to a report; and when it dies, its own cause and cure are told.
func TestAddingAServiceGoesAsItIsWritten(t *testing.T) {
	t.Parallel()
	buildParrot(t)
	nodes, dir, done := take(t, 1), workspace(t), 0
	for _, b := range steps(t) {
		if b.kind == "yaml" {
			writeStep(t, dir, b.text)
			continue
		}
		for _, step := range strings.Split("\n"+strings.TrimSpace(b.text), "\n$ ")[1:] {
			command, said, _ := strings.Cut(step, "\n")
			follow(t, dir, nodes, command, strings.Split(said, "\n"))
			done++
		}
	}
	if done != 8 {
		t.Errorf("%d commands were followed, want eight", done)
	}
}

// buildParrot puts the server where the nodes find programs.
func buildParrot(t *testing.T) {
	t.Helper()
	src := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(src, []byte(parrot), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(root, "usr/local/bin/parrot"), src)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the parrot: %v\n%s", err, out)
	}
}

// writeStep writes a block into the file that its first line names: "# FILE", or "# FILE, further" for what comes at its end.
func writeStep(t *testing.T, dir, text string) {
	t.Helper()
	head, body, _ := strings.Cut(text, "\n")
	name, further := strings.CutSuffix(strings.TrimPrefix(head, "# "), ", further")
	if further {
		before, err := os.ReadFile(outside(dir + "/" + name))
		if err != nil {
			t.Fatal(err)
		}
		body = string(before) + body
	}
	shell(t, "mkdir -p '"+dir+"/"+filepath.Dir(name)+"'")
	writeFile(t, dir+"/"+name, body)
}

// follow runs a command as it is written, for this cluster, and wants what it should say, … being anything. One that tells of a
// failure fails; a job that it submits runs to its end.
func follow(t *testing.T, dir string, nodes []string, command string, want []string) {
	t.Helper()
	command = strings.ReplaceAll(command, "--cluster CLUSTER", "--cluster testbed")
	onNodes := strings.Contains(command, "-on-nodes/submit.sh")
	if onNodes {
		command += " --nodelist=" + nodes[0]
	}
	stdout, stderr, status := try(t, "cd '"+dir+"' && PATH=/opt/hpcbench/bin:$PATH && "+command)
	fails := strings.Contains(strings.Join(want, "\n"), "FAILED")
	if (status != 0) != fails {
		t.Fatalf("$ %s\nends with status %d:\n%s%s", command, status, stdout, stderr)
	}
	said := strings.Join(strings.Fields(stdout+" "+stderr), " ")
	for _, line := range want {
		if words := strings.ReplaceAll(regexp.QuoteMeta(strings.Join(strings.Fields(line), " ")), "…", ".*"); !regexp.MustCompile(words).MatchString(said) {
			t.Errorf("$ %s\ndoes not say %q:\n%s%s", command, line, stdout, stderr)
		}
	}
	if onNodes {
		b := &bundle{t, dir + "/out/parrot-on-nodes", nodes}
		j := &job{b, submitted.FindStringSubmatch(stdout)[1]}
		t.Cleanup(j.leave)
		j.wait(completed)
		wantReport(t, j.path(), 2)
		for k := range 2 {
			j.wantGood(fmt.Sprintf("%04d", k+1))
		}
		j.wantOwnWords()
	}
}

// wantOwnWords wants what the parrot tells of itself under our names: with eight requests in flight, four sit; and the line that
// proves it in job.json.
func (j *job) wantOwnWords() {
	j.t.Helper()
	var trial struct {
		Server struct {
			Running struct {
				Max float64 `json:"max"`
			} `json:"running"`
			GenTokens float64 `json:"gen_tokens"`
		} `json:"server"`
	}
	readJSON(j.t, j.path("0002", "summary.json"), &trial)
	if s := trial.Server; s.Running.Max != 4 || s.GenTokens <= 0 {
		j.t.Errorf("the server tells of itself %+v, want four at once and some tokens", s)
	}
	var told struct {
		Deployments []struct {
			Proof []struct{ Name, Value string } `json:"proof"`
		} `json:"deployments"`
	}
	readJSON(j.t, j.path("job.json"), &told)
	if len(told.Deployments) != 1 || fmt.Sprint(told.Deployments[0].Proof) != "[{perches parrot: 4 perches}]" {
		j.t.Errorf("job.json has %+v, want the parrot's perches as proof", told.Deployments)
	}
}
