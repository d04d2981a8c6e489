//go:build e2e

package testbed

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A job starts its own Prometheus on the monitor node and a Pushgateway beside it; what the first stored is in the results, where
// view.sh opens it when the job is long over.
func TestStoredMetricsAreSeenAfterTheJob(t *testing.T) {
	t.Parallel()
	j := compile(t, "stores", 3).submit()
	j.until("start of the first trial", j.started("0001"))
	prometheus, monitor := j.store("prometheus"), j.nodesOf("monitor")[0]
	for _, address := range []string{prometheus, j.store("pushgateway")} {
		if !strings.HasPrefix(address, monitor[1]+":") {
			t.Errorf("%s is not on the monitor node, %s", address, monitor[1])
		}
		if status, _ := ask(t, "POST", "http://"+address+"/api/v1/admin/tsdb/delete_series?match[]=up", ""); status < 400 {
			t.Errorf("%s lets a stranger delete: HTTP %d", address, status)
		}
		if status, _ := ask(t, "PUT", "http://"+address+"/api/v1/admin/wipe", ""); status < 400 {
			t.Errorf("%s lets a stranger wipe it: HTTP %d", address, status)
		}
	}
	client := j.nodesOf("client")[0][0]
	want := []map[string]string{{"__name__": "dummy_requests_total", "phase": "measure", "host": client, "job": "client", "jobid": j.id, "scenario": `testbed "stores"`}}
	for _, node := range j.nodes {
		want = append(want, map[string]string{"__name__": "hpcbench_memory_used_bytes", "host": node, "job": "node", "jobid": j.id, "scenario": `testbed "stores"`})
	}
	j.until("reading of all nodes", func() bool { return missing(query(t, prometheus, stored), want) == nil })
	pushed := "http://" + j.store("pushgateway") + "/metrics"
	j.until("group of all nodes", func() bool {
		_, text := ask(t, "GET", pushed, "")
		return strings.Contains(text, fmt.Sprintf("dummy_requests_total{host=%q,instance=\"\",job=\"client\",jobid=%q,node=%q,phase=\"measure\",scenario=%q}", client, j.id, client, `testbed "stores"`)) &&
			!slices.ContainsFunc(j.nodes, func(node string) bool {
				return !strings.Contains(text, fmt.Sprintf("hpcbench_memory_used_bytes{host=%q,instance=\"\",job=\"node\",jobid=%q,node=%q,", node, j.id, node))
			})
	})
	j.wait(completed)
	if _, err := os.Stat(j.path("addresses", "prometheus")); err == nil {
		t.Error("a Prometheus that is over is still published")
	}
	j.wantViewed(want...)
}

// stored is a query of some of what is in a snapshot.
const stored = `{__name__=~"dummy_requests_total|hpcbench_memory_used_bytes|up"}`

// missing is the first of the labels that no series has, nil when all are there.
func missing(all []series, want []map[string]string) map[string]string {
	for _, labels := range want {
		if !slices.ContainsFunc(all, func(s series) bool { return s.has(labels) }) {
			return labels
		}
	}
	return nil
}

// What keeps metrics may die, and nothing else does: here it runs beside the client, and is killed in the first trial.
func TestStoresMayDie(t *testing.T) {
	t.Parallel()
	j := edited(t, "stores", 2, "total_nodes: 3", "total_nodes: 2", "    monitors: {nodes: 1}\n", "").submit()
	j.until("start of the first trial", j.started("0001"))
	client := j.nodesOf("client")[0]
	prometheus := j.store("prometheus")
	j.store("pushgateway")
	j.until("reading", func() bool { return len(query(t, prometheus, `up{job="client"} == 1`)) > 0 })
	on(t, client[0], "pkill", "-KILL", "-u", "bench", "-x", "prometheus")
	on(t, client[0], "pkill", "-KILL", "-u", "bench", "-f", "^/bin/bash .*/node/pushgateway.sh") // its script, which it is not to outlive
	j.wait(completed)
	for name, words := range map[string]string{"prometheus": "prometheus ended by itself with status 137. logs/", "pushgateway": ""} {
		if !strings.Contains(j.output(), name+" is gone, and measuring goes on without it: "+words) {
			t.Errorf("the job does not say that %s is gone", name)
		}
		if !strings.Contains(textOf(j.path("events.tsv")), "\tfact\t"+name+"\tended in trial 0001") {
			t.Errorf("events.tsv does not have that %s is gone", name)
		}
	}
	j.wantViewed(map[string]string{"host": client[0], "job": "client", "jobid": j.id})
}

// A job that is cancelled leaves nothing of a Prometheus in a container on its node, though no step can start any more.
func TestCancelEndsStores(t *testing.T) {
	t.Parallel()
	image := storeImage(t)
	j := edited(t, "stores", 2, "total_nodes: 3", "total_nodes: 2", "    monitors: {nodes: 1}\n", "",
		"program: /usr/bin/prometheus,", "image: "+image+",", "duration: 6s", "duration: 2m").submit()
	j.until("start of the trial", j.started("0001"))
	prometheus := j.store("prometheus")
	j.until("reading", func() bool { return len(query(t, prometheus, `up{job="client"} == 1`)) > 0 })
	j.wantViewedLive()
	shell(t, "scancel "+j.id)
	if !within(patience, j.over) {
		t.Fatalf("job %s does not end", j.id)
	}
	wantEmpty(t, j.nodes)
	if _, err := os.Stat(j.path("prometheus.part")); err == nil {
		t.Error("half a copy of Prometheus's data is left in the results")
	}
}

// storeImage is Debian's Prometheus with the libraries that it wants, as a SIF of the user's.
func storeImage(t *testing.T) string {
	t.Helper()
	dir := "/srv/jobs/" + t.Name() + "-image"
	shell(t, "chmod -R u+w "+dir+" 2>/dev/null; rm -rf "+dir+"; mkdir -p "+dir+"/box/{bin,usr/bin,lib64,etc,dev,proc,sys,tmp,root,home,srv,opt,project} && cd "+dir+` &&
		cp /usr/bin/prometheus box/usr/bin/ && cp /bin/sh box/bin/ && echo root:x:0:0:root:/root:/bin/sh >box/etc/passwd && echo root:x:0: >box/etc/group &&
		{ ldd /usr/bin/prometheus; ldd /bin/sh; } | grep -o '/[^ ]*' | sort -u | xargs cp --parents -Lt box &&
		APPTAINER_TMPDIR=$PWD APPTAINER_CACHEDIR=$PWD/cache apptainer -q build -F --mksquashfs-args "-Xcompression-level 1" prometheus.sif box`)
	return dir + "/prometheus.sif"
}

// store waits for the address that a Prometheus or a Pushgateway publishes.
func (j *job) store(name string) string {
	j.t.Helper()
	var text []byte
	j.until("address of "+name, func() bool { text, _ = os.ReadFile(j.path("addresses", name)); return len(text) > 0 })
	return strings.TrimSpace(string(text))
}

// series is what Prometheus answers to a query of an instant, one of them.
type series struct{ Metric map[string]string }

func (s series) has(labels map[string]string) bool {
	for name, value := range labels {
		if s.Metric[name] != value {
			return false
		}
	}
	return true
}

// query asks a Prometheus that the login node reaches.
func query(t *testing.T, address, expr string) []series {
	t.Helper()
	status, text := ask(t, "GET", "http://"+address+"/api/v1/query?query="+url.QueryEscape(expr), "")
	return resultOf(t, status, text)
}

func resultOf(t *testing.T, status int, text string) []series {
	t.Helper()
	var answer struct {
		Error string
		Data  struct{ Result []series }
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Error != "" {
		t.Fatalf("Prometheus answers HTTP %d: %v %.300s", status, err, text)
	}
	return answer.Data.Result
}

var viewed = regexp.MustCompile(`127\.0\.0\.1:(\d+)/graph\S*range_input=(\d+)s&g0\.end_input=([0-9%A-F-]+)`)

// wantViewed opens the job's snapshot by view.sh on the login node, asks for the whole time of the run, and wants these labels; and
// the snapshot to be as it was.
func (j *job) wantViewed(want ...map[string]string) {
	t := j.t
	t.Helper()
	before := j.snapshot()
	if !slices.ContainsFunc(before, func(line string) bool { return strings.Contains(line, "prometheus/wal/") }) {
		t.Fatalf("there is no snapshot: %q", before)
	}
	found, said := j.view("results/"+j.id, `end=$(stat -c %Y results/`+j.id+`/job.json)
		asked "query_range?query=`+url.QueryEscape(stored)+`&start=$((end - 600))&end=$end&step=1"`)
	if !viewed.MatchString(said) {
		t.Errorf("view.sh names no page with the time of the run:\n%s", said)
	}
	if missing(found, want) != nil {
		t.Errorf("the snapshot has no series with %v: %v", missing(found, want), found)
	}
	if after := j.snapshot(); !slices.Equal(before, after) {
		t.Errorf("view.sh changed the snapshot: %q before, and %q after", before, after)
	}
}

// wantViewedLive has view.sh on the login node look at the job while it runs: a Prometheus there finds its client by tunnel.sh.
func (j *job) wantViewedLive() {
	j.t.Helper()
	found, said := j.view("", `for ((k = 0; k < 600; k++)); do asked "query?query=up%7Bjobid=%22`+j.id+`%22%7D==1" >found; grep -q '"job":"client"' found && break; sleep 0.1; done; cat found`)
	if client := j.nodesOf("client")[0][0]; missing(found, []map[string]string{{"host": client, "job": "client"}}) != nil {
		j.t.Errorf("the Prometheus of view.sh does not read %s: %v\n%s", client, found, said)
	}
}

// view runs view.sh on the login node with these arguments, and meanwhile lines of bash, in which asked WORDS has Prometheus's answer;
// it gives what these write, and what view.sh says. That is to end when it is told to, and to leave nothing.
func (j *job) view(args, lines string) (found []series, said string) {
	j.t.Helper()
	out, said, status := try(j.t, `cd '`+j.dir+`' && mkdir tmp && (TMPDIR=$PWD/tmp monitoring/view.sh `+args+` 2>view.log & pid=$!
		for ((k = 0; k < 600; k++)); do grep -q 'ctrl-C ends it' view.log && break; kill -0 $pid || break; sleep 0.1; done
		address=$(grep -o '127.0.0.1:[0-9]*' view.log | head -n 1)
		asked() { exec 3<>"/dev/tcp/${address%:*}/${address#*:}" && printf 'GET /api/v1/%s HTTP/1.0\r\n\r\n' "$1" >&3 && sed '1,/^\r$/d' <&3; }
		`+lines+`
		kill -TERM $pid; wait $pid; echo "view.sh ended with $?" >>view.log; cat view.log >&2; rmdir tmp)`)
	if status != 0 || !strings.Contains(said, "view.sh ended with 143") {
		j.t.Errorf("view.sh does not end cleanly, or leaves something (%d):\n%s", status, said)
	}
	return resultOf(j.t, 200, out), said
}

// snapshot is each file of it, with its size and time.
func (j *job) snapshot() []string {
	var all []string
	err := filepath.Walk(j.path("prometheus"), func(path string, info os.FileInfo, err error) error {
		if err == nil {
			all = append(all, fmt.Sprint(path, info.Size(), info.ModTime()))
		}
		return err
	})
	if err != nil {
		j.t.Fatal(err)
	}
	return all
}
