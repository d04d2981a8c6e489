package live

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/share"
)

// put writes a file of a run.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// more appends to a file of a run.
func more(t *testing.T, dir, name, text string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// shown is a page that serves.
type shown struct {
	*Page
	base, token string
}

func show(t *testing.T, results string) *shown {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := New(Config{Results: results, Every: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error)
	go func() { over <- p.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(p.URL(ln.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	return &shown{p, "http://" + u.Host, u.Fragment}
}

// ask asks for a path, with the token unless it is empty.
func (s *shown) ask(t *testing.T, method, path, token string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// viewer reads a stream.
type viewer struct {
	t    *testing.T
	from *bufio.Reader
}

func (s *shown) view(t *testing.T) *viewer {
	t.Helper()
	answer := s.ask(t, "GET", "/events", s.token)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("HTTP %d, %s", answer.StatusCode, answer.Header)
	}
	return &viewer{t, bufio.NewReader(answer.Body)}
}

// next is the next event.
func (v *viewer) next() (name string, data map[string]any) {
	v.t.Helper()
	for {
		text, err := v.from.ReadString('\n')
		if err != nil {
			v.t.Fatalf("the stream ended: %v", err)
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(text), ": ")
		switch word {
		case "event":
			name = rest
		case "data":
			if strings.HasPrefix(rest, "[") {
				rest = `{"lines":` + rest + "}"
			}
			if err := json.Unmarshal([]byte(rest), &data); err != nil {
				v.t.Fatal(err)
			}
		case "":
			return name, data
		}
	}
}

// until reads up to an event of a name that is so.
func (v *viewer) until(name string, is func(map[string]any) bool) map[string]any {
	v.t.Helper()
	for range 2000 {
		if got, data := v.next(); got == name && is(data) {
			return data
		}
	}
	v.t.Fatalf("no such %s came", name)
	return nil
}

func whatever(map[string]any) bool { return true }

const zero = 1795690485.5

// running is results/ with a job of two trials, of which one is over.
func running(t *testing.T) (results, dir string) {
	t.Helper()
	results = t.TempDir()
	dir = filepath.Join(results, "4711")
	put(t, dir, "events.tsv", fmt.Sprintf("%.1f\tphase\tinitialise\tstart\n%.1f\tfact\tscenario\tto look at\n%.1f\tphase\texecute\tstart\n"+
		"%.1f\tdeployment\td1\tstart\n%.1f\tdeployment\td1\tready\n"+
		"%.1f\ttrial\t0001\tstart\tc1\n%.1f\ttrial\t0001\tcomplete\n%.1f\ttrial\t0002\tstart\tc8\n", zero, zero, zero+1, zero+1, zero+3, zero+5, zero+15, zero+16))
	put(t, dir, "ledger.tsv", "0001\td1\t10\tmissing\tk1\tc1\n0002\td1\t10\tmissing\tk2\tc8\n0003\td2\t10\tmissing\tk3\tc9\n")
	put(t, dir, "nodes.tsv", "client\tcn1\t127.0.0.1\t20106\nserver\tcn2\t127.0.0.1\t20100\n")
	put(t, dir, "monitor-cn2.csv", fmt.Sprintf("time_s,cpu_busy_ratio,mem_total_bytes,mem_used_bytes,gpu0_utilization_ratio,gpu1_utilization_ratio,gpu0_memory_used_bytes\n"+
		"%.1f,0.5,100,40,0.2,0.4,7\n%.1f,,100,41,,,\n", zero+1, zero+2))
	put(t, dir, "0001/series.csv", "time_s,step_s,measured,due,sent,ok,failed,in_flight,output_tokens,ttft_s_p50,ttft_s_p99\n0,1,1,9,9,8,1,1.5,64,0.02,0.03\n1,1,1,9,9,0,0,1,0,,\n")
	put(t, dir, "0001/summary.json", `{"requests": {"ok": 8, "failed": 1, "by_outcome": {"ok": 8, "timeout": 1}}, "throughput": {"requests_per_s": 4}, "latency": {"ttft_s": {"p50": 0.02, "p99": "inf"}}}`)
	put(t, dir, "0001/cn1/records.jsonl", fmt.Sprintf(`{"schema":1,"trial":"0001","node":"cn1","start_unix_ns":%d,"clock_offset_s":0.5}`+"\n", int64((zero+6.5)*1e9)))
	put(t, dir, "0001/server.csv", fmt.Sprintf("time_s,endpoint,running,waiting,kv_usage_ratio\n%.1f,http://127.0.0.1:20100,3,1,0.25\n%.1f,http://127.0.0.1:20100,,,\n", zero+7, zero+8))
	put(t, dir, "logs/client.cn1.log", `{"time":"2026-11-26T10:54:50Z","level":"WARN","message":"<b>late</b>","node":"cn1","component":"executor"}`+"\n")
	return results, dir
}

// column is a value of a point, by the name of its column.
func column(data map[string]any, columns []string, point int, name string) any {
	for k, c := range columns {
		if c == name {
			return data["points"].([]any)[point].([]any)[k+1]
		}
	}
	return "no such column"
}

func at(data map[string]any, point int) float64 {
	return data["points"].([]any)[point].([]any)[0].(float64)
}

func TestWhoComesLateSeesTheWholeRun(t *testing.T) {
	results, _ := running(t)
	v := show(t, results).view(t)
	if name, _ := v.next(); name != "reset" {
		t.Errorf("the first event is %s", name)
	}
	job := v.until("job", whatever)
	trials := job["trials"].([]any)
	if job["id"] != "4711" || job["scenario"] != "to look at" || job["state"] != "running" || job["phase"] != "execute" || len(trials) != 3 {
		t.Fatalf("job %v", job)
	}
	first, last := trials[0].(map[string]any), trials[2].(map[string]any)
	if first["state"] != "complete" || first["ok"] != 8.0 || first["by_outcome"].(map[string]any)["timeout"] != 1.0 || fmt.Sprint(first["ttft_s"]) != "[0.02 <nil>]" {
		t.Errorf("first trial %v", first)
	}
	if last["state"] != "missing" || last["deployment"] != "d2" || last["ok"] != nil {
		t.Errorf("last trial %v", last)
	}
	trial := v.until("trial", whatever)
	if trial["of"] != "0001" || at(trial, 0) != 6.5 || column(trial, trialColumns, 0, "ok") != 8.0 || column(trial, trialColumns, 0, "ttft_s_p99") != 0.03 ||
		column(trial, trialColumns, 0, "tpot_s_p50") != nil || column(trial, trialColumns, 1, "ttft_s_p50") != nil {
		t.Errorf("trial %v", trial)
	}
	node := v.until("node", whatever)
	if node["of"] != "cn2" || at(node, 0) != 1 || column(node, nodeColumns, 0, "cpu_busy_ratio") != 0.5 || fmt.Sprintf("%.2f", column(node, nodeColumns, 0, "gpu_utilization_ratio")) != "0.30" ||
		column(node, nodeColumns, 1, "cpu_busy_ratio") != nil || column(node, nodeColumns, 1, "gpu_memory_used_bytes") != nil {
		t.Errorf("node %v", node)
	}
	server := v.until("server", whatever)
	if server["of"] != "http://127.0.0.1:20100" || column(server, serverColumns, 0, "waiting") != 1.0 || column(server, serverColumns, 1, "running") != nil {
		t.Errorf("server %v", server)
	}
	line := v.until("log", whatever)["lines"].([]any)[0].(map[string]any)
	if line["text"] != "<b>late</b>" || line["level"] != "WARN" || line["node"] != "cn1" {
		t.Errorf("line %v", line)
	}
}

// What is new is sent once, and only that.
func TestWhatIsNewComes(t *testing.T) {
	results, dir := running(t)
	v := show(t, results).view(t)
	v.until("tick", whatever)
	more(t, dir, "monitor-cn2.csv", fmt.Sprintf("%.1f,0.75,100,42,,,\n%.1f,0.9", zero+3, zero+4))
	node := v.until("node", whatever)
	if len(node["points"].([]any)) != 1 || column(node, nodeColumns, 0, "cpu_busy_ratio") != 0.75 || node["all"] != nil {
		t.Errorf("new of the node: %v", node)
	}
	more(t, dir, "monitor-cn2.csv", ",100,43,,,\n")
	if node := v.until("node", whatever); at(node, 0) != 4 {
		t.Errorf("a row whose end came later: %v", node)
	}
	more(t, dir, "events.tsv", fmt.Sprintf("%.1f\ttrial\t0002\tfailed\thang\n%.1f\tfailure\ttrial 0002\t1\thang\n", zero+30, zero+30))
	job := v.until("job", whatever)
	if failed := job["trials"].([]any)[1].(map[string]any); failed["state"] != "failed" || failed["text"] != "hang" || len(job["failures"].([]any)) != 1 {
		t.Errorf("after the failure: %v", job)
	}
	more(t, dir, "events.tsv", fmt.Sprintf("%.1f\texit\t1\n", zero+31))
	put(t, dir, "report.html", "<title>the report</title>")
	job = v.until("job", func(j map[string]any) bool { return j["report"] == true })
	if job["state"] != "failed" || job["exit_status"] != 1.0 {
		t.Errorf("at the end: %v", job)
	}
}

func TestANewerJobTakesThePlaceOfTheOneBefore(t *testing.T) {
	results, dir := running(t)
	p := New(Config{Results: results})
	p.run.look(t.Context(), time.Now())
	_, seen := p.run.since(mark{})
	other := filepath.Join(results, "4712")
	put(t, other, "events.tsv", fmt.Sprintf("%.1f\tphase\tinitialise\tstart\n", zero+100))
	p.run.look(t.Context(), time.Now().Add(time.Second))
	if p.run.dir != dir {
		t.Errorf("after a second %s is watched", p.run.dir)
	}
	p.run.look(t.Context(), time.Now().Add(2*chooseEvery))
	events, _ := p.run.since(seen)
	if p.run.dir != other || len(events) < 2 || events[0].name != "reset" || events[1].data.(jobView).ID != "4712" {
		t.Errorf("%s is watched, events %v", p.run.dir, events)
	}
}

func TestBeforeTheFirstJob(t *testing.T) {
	results := filepath.Join(t.TempDir(), "results")
	v := show(t, results).view(t)
	if job := v.until("job", whatever); job["state"] != "waiting" || job["id"] != "" {
		t.Errorf("job %v", job)
	}
	put(t, results, "4711/events.tsv", fmt.Sprintf("%.1f\tphase\tdeploy\tstart\n", zero))
	if job := v.until("job", func(j map[string]any) bool { return j["id"] == "4711" }); job["phase"] != "deploy" {
		t.Errorf("job %v", job)
	}
	if _, err := Newest(filepath.Join(t.TempDir(), "no", "results")); err == nil {
		t.Error("results in a directory that is not there")
	}
}

func TestWhatCantBeReadIsSaid(t *testing.T) {
	results, dir := running(t)
	put(t, dir, "events.tsv", fmt.Sprintf("%.1f\tphase\tinitialise\tstart\nnonsense\n", zero))
	v := show(t, results).view(t)
	job := v.until("job", func(j map[string]any) bool { return len(j["trouble"].([]any)) > 0 })
	if text := fmt.Sprint(job["trouble"]); !strings.Contains(text, "events.tsv:2") {
		t.Errorf("trouble %s", text)
	}
}

// All times are by the clock of the job's first node.
func TestClocksThatDiffer(t *testing.T) {
	results, dir := running(t)
	more(t, dir, "events.tsv", fmt.Sprintf("%.1f\tpreflight\tcn2\tclock\twarn\tthis node's clock is 7.000 s behind the first node's, give or take 0.1 ms\n", zero+16))
	r := newRun(results)
	r.look(t.Context(), time.UnixMilli(int64((zero+20)*1e3)))
	if at := r.nodes["cn2"].curve.points[0][0]; at != 8 {
		t.Errorf("a reading of cn2 is at %g s, want 8", at)
	}
	r.executors["cn1"] = &executorSeen{node: "cn1", runs: true, live: share.Live{StartUnixS: zero + 16}}
	r.executors["cn2"] = &executorSeen{node: "cn2", runs: true, live: share.Live{StartUnixS: zero + 9}}
	if all := r.running(); len(all) != 2 {
		t.Errorf("%d executors run one trial, want 2", len(all))
	}
}
