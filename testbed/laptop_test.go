//go:build e2e

package testbed

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// A run is watched from a laptop: tunnel.sh brings the metrics of its nodes through one ssh connection, a Prometheus there finds them, and
// every query of every dashboard gets data. Another bundle's job comes through a jump host to the same Prometheus, and a later job of the
// first is found by itself. What --check says is so; ctrl-C leaves nothing.
func TestARunIsWatchedFromALaptop(t *testing.T) {
	t.Parallel()
	nodes := take(t, 5)
	l := newLaptop(t, nodes[0])
	vllm, ollama := l.bundle("vllm", nodes[1:3]), l.bundle("ollama", nodes[3:5])
	playGPUs(t, nodes[1:]...)
	first, other := vllm.submit(), ollama.submit()

	tests, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, l.dir+"/vllm/monitoring/alerts-test.yml", string(tests))
	for _, check := range []string{"check config prometheus-2.yml", "check rules alerts.yml", "test rules alerts-test.yml"} {
		if said, status := l.run("vllm", "promtool "+check+" 2>&1"); status != 0 {
			t.Errorf("promtool %s: status %d\n%s", check, status, said)
		}
	}
	prometheus := l.start("vllm", l.bash+" ./prometheus.sh")
	grafana := l.playGrafana("hpcbench-vllm") // Grafana is no Debian package
	l.wantCheck("vllm", 1, "targets      none in ", "dashboard    hpcbench-vllm: http://127.0.0.1:3001/d/hpcbench-vllm", "dashboard    hpcbench_nodes: Grafana at 127.0.0.1:3001 does not have it")

	// the directory is not where gen would have put it: the job is found by Slurm's queue
	tunnel := l.start("vllm", l.bash+" ./tunnel.sh --host login --port 2223 --key ../../key")
	jumping := l.start("ollama", l.bash+" ./tunnel.sh --host laptop-login --jump laptop-jump --first 25500 --targets ../../vllm/monitoring/targets --dir "+ollama.dir)
	first.until("executors", func() bool { return len(first.nodesOf("client")) == 1 })
	tunnel.until("words about each node", func() bool {
		return tunnel.says("  client "+first.nodesOf("client")[0][0]+": http://127.0.0.1:25") && tunnel.says("  node "+first.nodesOf("server")[0][0]+": http://127.0.0.1:25")
	})
	l.until("all targets up", func() bool { return len(l.query(`up == 1`)) == 6 })
	for _, up := range l.query("up") {
		want := map[string]string{"jobid": first.id, "scenario": "watched vllm"}
		if slices.Contains(nodes[3:], up.Metric["host"]) {
			want = map[string]string{"jobid": other.id, "scenario": "watched ollama"}
		}
		for label, value := range want {
			if up.Metric[label] != value {
				t.Errorf("%v: want %s=%s", up.Metric, label, value)
			}
		}
	}
	grafana("hpcbench_nodes")
	l.until("a good --check", func() bool {
		stdout, status := l.run("vllm", l.bash+" ./tunnel.sh --check 2>/dev/null")
		return status == 0 && strings.Count(stdout, " is up\n") == 6 && strings.Count(stdout, "\ndashboard ") == 2
	})
	l.wantPanels(vllm, "vllm.json", first.id)
	l.wantPanels(vllm, "nodes-and-gpus.json", first.id)
	l.wantPanels(ollama, "ollama.json", other.id)
	l.wantSpecQueries()
	l.wantRules()

	l.sshd.stop()
	tunnel.until("words about the lost connection", func() bool { return tunnel.says("the connection is lost") })
	startSSHDAt(t, l.sshd.port)
	tunnel.until("another connection", func() bool { return tunnel.says("connected again") })

	run(t, "as", "bench", "login", "scancel", first.id)
	tunnel.until("no targets of the job that has ended", func() bool { return l.targets(first.id) == 0 && tunnel.says("no job of this bundle runs") })
	later := vllm.submit()
	l.until("the nodes of the later job", func() bool { return len(l.query(`up{jobid="`+later.id+`"} == 1`)) == 3 })

	l.interrupt("tunnel.sh")
	for what, c := range map[string]*command{"tunnel": tunnel, "with a jump host": jumping} {
		if status := c.wait(); status != 130 {
			t.Errorf("%s, interrupted: status %d\n%s", what, status, c.text())
		}
	}
	if n := l.targets(later.id) + l.targets(other.id); n != 0 {
		t.Errorf("%d files of targets are left", n)
	}
	if left := on(t, l.node, "bash", "-c", "pgrep -a -x ssh; ls -d /tmp/hpcbench-tunnel.* 2>/dev/null; :"); left != "" {
		t.Errorf("this is left:\n%s", left)
	}
	l.wantCheck("vllm", 1, "targets      none in ")
	l.interrupt("prometheus")
	prometheus.wait()
}

// laptop is a node that reaches the cluster by ssh alone: nothing there uses Slurm.
type laptop struct {
	t    *testing.T
	node string
	dir  string // with a copy of each bundle, and the key
	bash string // and exec before it; LAPTOP_BASH names another than the nodes' own, such as a 3.2 in their root, as macOS has it
	sshd *sshd
	http http.Client
}

func newLaptop(t *testing.T, node string) *laptop {
	l := &laptop{t: t, node: node, dir: workspace(t), bash: "exec " + cmp.Or(os.Getenv("LAPTOP_BASH"), "bash")}
	letIn(t, node, l.dir)
	l.sshd = startSSHDAt(t, "2223")
	l.http = http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		return dialFrom(node, network, address)
	}}}
	config := fmt.Sprintf("Host laptop-*\n HostName login\n Port 2223\n User bench\n IdentityFile %s/key\n", l.dir)
	writeFile(t, "/home/bench/.ssh/config", config)
	t.Cleanup(func() {
		if err := os.Remove(outside("/home/bench/.ssh/config")); err != nil {
			t.Error(err)
		}
	})
	return l
}

// dialFrom makes a socket in a node's network, as dialFromLogin.
func dialFrom(node, network, address string) (conn net.Conn, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		conn, err = dialIn(node, network, address)
	}()
	<-done
	return conn, err
}

// bundle compiles the recipe for a service of this name, which is the dummy, and copies it to the laptop, where Prometheus is to look every two
// seconds.
func (l *laptop) bundle(service string, nodes []string) *bundle {
	l.t.Helper()
	folder, there := l.dir+"/services/"+service, l.dir+"/there-"+service
	shell(l.t, fmt.Sprintf("mkdir -p '%s' '%s'", folder, there))
	for _, name := range []string{"service.yaml", "argv.tmpl"} {
		text, err := os.ReadFile(filepath.Join("../templates/services/dummy", name))
		if err != nil {
			l.t.Fatal(err)
		}
		writeFile(l.t, folder+"/"+name, served(service, string(text)))
	}
	text, err := os.ReadFile("recipes/watched.yaml")
	if err != nil {
		l.t.Fatal(err)
	}
	writeFile(l.t, there+"/recipe.yaml", strings.ReplaceAll(string(text), "SERVICE", service))
	shell(l.t, fmt.Sprintf("cd '%s' && /opt/hpcbench/bin/gen recipe.yaml -o . --services ../services", there))
	b := bundleIn(l.t, there, nodes)
	shell(l.t, fmt.Sprintf("cp -r '%s' '%s/%s' && sed -i 's/_interval: 15s/_interval: 2s/' '%[2]s/%[3]s/monitoring/'prometheus*.yml", b.dir, l.dir, service))
	return b
}

// served is the dummy's folder under another name. The one called vllm tells all that vLLM does: what a dummy has no number for is played by
// the one of requests that wait. The one called ollama tells nothing of itself, as Ollama does not.
func served(service, text string) string {
	text = strings.Replace(text, "name: dummy", "name: "+service, 1)
	if service == "ollama" {
		before, _, _ := strings.Cut(text, "\nmetrics:")
		return strings.Replace(before, "\nproof:", "\nlimits: []\nproof:", 1) + "\n"
	}
	return strings.Replace(text, "num_requests_waiting: waiting", "num_requests_waiting: waiting, kv_usage, preemptions", 1)
}

// playGPUs puts an nvidia-smi on nodes, which no other node sees: two GPUs that are busy and held by their power cap.
func playGPUs(t *testing.T, nodes ...string) {
	t.Helper()
	const smi = `#!/bin/bash
case $* in *clocks_event_reasons.active*) ;; *) exit 2 ;; esac
while :; do
  for gpu in 0 1; do echo "$gpu, 9$gpu, 41000, 81559, 301.5, 61, 1410, 1593, 0x0000000000000004, 3, 0"; done
  sleep 1
done
`
	for _, node := range nodes {
		on(t, node, "bash", "-c", `mkdir /run/played && cp -a /usr/local/bin/. /run/played && printf %s "$1" >/run/played/nvidia-smi &&
			chmod 755 /run/played /run/played/nvidia-smi && mount --bind /run/played /usr/local/bin`, "bash", smi)
		t.Cleanup(func() { on(t, node, "bash", "-c", "umount /usr/local/bin && rm -r /run/played") })
	}
}

// start begins a line in monitoring/ of the laptop's copy of a bundle.
func (l *laptop) start(bundle, line string) *command {
	l.t.Helper()
	c := startOn(l.t, l.node, "cd '"+l.dir+"/"+bundle+"/monitoring' && unset MLUX_USER MLUX_KEY && "+line)
	// what goes on when the test has failed would keep its output open
	l.t.Cleanup(func() { on(l.t, l.node, "bash", "-c", "pkill -KILL -u bench; :") })
	return c
}

// run is start for what ends, with its standard output and status.
func (l *laptop) run(bundle, line string) (string, int) {
	l.t.Helper()
	c := l.start(bundle, line)
	status := c.wait()
	return c.text(), status
}

// wantCheck wants --check to have a status and to say things.
func (l *laptop) wantCheck(bundle string, want int, words ...string) {
	l.t.Helper()
	said, status := l.run(bundle, l.bash+" ./tunnel.sh --check 2>/dev/null")
	for _, line := range words {
		if status != want || !strings.Contains(said, line) {
			l.t.Errorf("--check has status %d, want %d and %q:\n%s", status, want, line, said)
		}
	}
}

// targets counts the files by which Prometheus finds a job.
func (l *laptop) targets(job string) int {
	found, err := filepath.Glob(outside(l.dir) + "/vllm/monitoring/targets/" + job + ".*")
	if err != nil {
		l.t.Fatal(err)
	}
	return len(found)
}

// interrupt is ctrl-C for what runs on the laptop under a name.
func (l *laptop) interrupt(name string) {
	l.t.Helper()
	on(l.t, l.node, "pkill", "-INT", "-u", "bench", "-f", name)
}

// until waits for something, for a laptop is as busy as the machine that plays it.
func (l *laptop) until(what string, yes func() bool) {
	l.t.Helper()
	if !within(patience, yes) {
		l.t.Fatalf("no %s", what)
	}
}

// playGrafana answers as Grafana does when it is asked whether it has a dashboard. The function adds one.
func (l *laptop) playGrafana(first string) (add func(uid string)) {
	l.t.Helper()
	mux := http.NewServeMux()
	add = func(uid string) {
		mux.HandleFunc("GET /api/dashboards/uid/"+uid, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"dashboard":{}}`) })
	}
	add(first)
	var listener net.Listener
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err = enterNetwork(l.node); err == nil {
			listener, err = net.Listen("tcp", "127.0.0.1:3001")
		}
	}()
	if <-done; err != nil {
		l.t.Fatal(err)
	}
	server := &http.Server{Handler: mux}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // until it is closed
	}()
	l.t.Cleanup(func() {
		_ = server.Close() // it has nothing to lose
		<-ended
	})
	return add
}

// sample is a series with its value now.
type sample struct {
	Metric    map[string]string
	Value     [2]any
	Histogram []any
}

// has tells whether there is a number, or a native histogram.
func (s sample) has() bool { return len(s.Histogram) > 0 || s.Value[1] != nil && s.Value[1] != "NaN" }

// query asks the laptop's Prometheus. No answer, as before it listens, is no sample.
func (l *laptop) query(expr string) []sample {
	l.t.Helper()
	var answer struct {
		Status, Error string
		Data          struct{ Result []sample }
	}
	if !l.get("/api/v1/query?query="+url.QueryEscape(expr), &answer) {
		return nil
	}
	if answer.Status != "success" {
		l.t.Fatalf("%s: %s", expr, answer.Error)
	}
	return slices.DeleteFunc(answer.Data.Result, func(s sample) bool { return !s.has() })
}

func (l *laptop) get(path string, into any) bool {
	l.t.Helper()
	response, err := l.http.Get("http://127.0.0.1:9092" + path)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(text, into) != nil {
		l.t.Fatalf("%s: %v\n%s", path, err, text)
	}
	return true
}

// shownDashboard is what a test wants of a dashboard's file.
type shownDashboard struct {
	Annotations struct {
		List []struct{ Name, Expr string }
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      json.RawMessage
		}
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

// absent are readings that neither this machine nor an nvidia-smi has.
var absent = []string{"hpcbench_infiniband_", "hpcbench_gpu_nvlink_", "hpcbench_gpu_pcie_", "hpcbench_gpu_energy_", "hpcbench_gpu_processes", "hpcbench_cgroup_"}

// wantPanels wants data for each query of a dashboard of a bundle, for a job, and lists them.
func (l *laptop) wantPanels(b *bundle, file, job string) {
	l.t.Helper()
	var d shownDashboard
	readJSON(l.t, outside(b.dir)+"/monitoring/grafana/dashboards/"+file, &d)
	chosen := strings.NewReplacer("$scenario", ".*", "$jobid", job, "$host", ".*", "$__rate_interval", "1m")
	want := func(what, expr string) {
		expr, n := chosen.Replace(expr), 0
		if slices.ContainsFunc(absent, func(name string) bool { return strings.Contains(expr, name) }) {
			l.t.Logf("%s · %s · %s · %d samples: nothing here has it", file, what, expr, len(l.query(expr)))
			return
		}
		if !within(2*time.Minute, func() bool { n = len(l.query(expr)); return n > 0 }) {
			l.t.Errorf("%s · %s · %s: no data", file, what, expr)
			return
		}
		l.t.Logf("%s · %s · %s · %d samples", file, what, expr, n)
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			want(p.Title, q.Expr)
		}
	}
	for _, a := range d.Annotations.List {
		want("annotation "+a.Name, a.Expr)
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			l.wantValues(v.Name, chosen.Replace(string(v.Query)))
		}
	}
}

// wantValues wants a dashboard's variable to have values, by its query label_values(SERIES, LABEL).
func (l *laptop) wantValues(name, text string) {
	l.t.Helper()
	var query struct{ Query string }
	if err := json.Unmarshal([]byte(text), &query); err != nil {
		l.t.Fatal(err)
	}
	inner, _ := strings.CutPrefix(strings.TrimSuffix(query.Query, ")"), "label_values(")
	k := strings.LastIndex(inner, ", ")
	var values struct{ Data []string }
	if !l.get("/api/v1/label/"+inner[k+2:]+"/values?match[]="+url.QueryEscape(inner[:k]), &values) || len(values.Data) == 0 {
		l.t.Errorf("the variable %s has no value: %s", name, query.Query)
	}
	l.t.Logf("variable %s · %s · %v", name, query.Query, values.Data)
}

// wantSpecQueries wants the queries of the spec (§7.6) to work as it has them.
func (l *laptop) wantSpecQueries() {
	l.t.Helper()
	for _, expr := range []string{
		"ollama_workload_running", "sum(ollama_throughput_rps)", "histogram_quantile(0.95, ollama_request_latency_seconds)",
		"100 * (sum(rate(ollama_errors_total[5m])) / sum(rate(ollama_requests_total[5m])))",
		"vllm_workload_running", "vllm_throughput_rps", "vllm_request_latency_seconds", "vllm_tokens_per_request", "vllm_cache_usage",
	} {
		if n := len(l.query(expr)); n == 0 {
			l.t.Errorf("%s: no data", expr)
		} else {
			l.t.Logf("spec · %s · %d samples", expr, n)
		}
	}
}

// wantRules wants Prometheus to have been able to tell of each alert whether it fires.
func (l *laptop) wantRules() {
	l.t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Name  string
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	l.until("word on each alert", func() bool {
		return l.get("/api/v1/rules", &answer) && !strings.Contains(fmt.Sprint(answer), " unknown ")
	})
	n := 0
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			if n++; rule.Health != "ok" {
				l.t.Errorf("%s: %s is %s: %s", group.Name, rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	if n < 10 {
		l.t.Errorf("%d alert rules: %+v", n, answer)
	}
}
