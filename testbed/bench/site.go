package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"hpcbench/agent/workload"
	"hpcbench/testbed/bench/proc"
)

// The nodes of a site. All are this machine.
const (
	clientNode = "client"
	serverNode = "server"
	elsewhere  = "elsewhere" // such as the login node, where agent watch runs
)

// site is a job's processes as a bundle starts them: a server and its monitor, an executor and its monitor, and who looks on.
type site struct {
	dir, agent string
	all        []*resident
	gateway    *httptest.Server // stands for a Pushgateway; nil: nothing is pushed
	page       string           // the URL that agent watch printed
}

// resident is a process that stays until the site ends.
type resident struct {
	node, log string
	cmd       *exec.Cmd
}

// newSite starts all that is there before the load, and returns when all of it answers.
func (b *bench) newSite(dir string, w watching) (s *site, err error) {
	s = &site{dir: dir, agent: b.agent}
	defer func() {
		if err != nil {
			_, ended := s.end()
			err = firstError(err, ended)
		}
	}()
	for _, name := range []string{"executors", "exporters", "logs"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			return s, err
		}
	}
	if err := os.WriteFile(s.path("control.token"), []byte(strings.Repeat("5f", 32)), 0o600); err != nil {
		return s, err
	}
	server, executor, err := freePorts()
	if err != nil {
		return s, err
	}
	table := fmt.Sprintf("client\t%s\t127.0.0.1\t%d\nserver\t%s\t127.0.0.1\t%d\n", clientNode, executor, serverNode, server)
	if err := os.WriteFile(s.path("nodes.tsv"), []byte(table), 0o644); err != nil {
		return s, err
	}
	if w.watch.Push != nil {
		s.gateway = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // what is pushed costs its sender, and that is what counts
			rw.WriteHeader(http.StatusAccepted)
		}))
		w.watch.Push.URL = s.gateway.URL
	}
	return s, s.startAll(b.ctx, w, server, executor)
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func freePorts() (a, c int, err error) {
	for _, at := range []*int{&a, &c} {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return 0, 0, err
		}
		defer ln.Close() // when both are known
		*at = ln.Addr().(*net.TCPAddr).Port
	}
	return a, c, nil
}

// startAll starts server, executor, monitors and viewer.
func (s *site) startAll(ctx context.Context, w watching, server, executor int) error {
	var watch []string
	if w.watch.Schema != 0 {
		text, err := json.Marshal(w.watch)
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.path("watch.json"), text, 0o644); err != nil {
			return err
		}
		watch = []string{"--watch", s.path("watch.json")}
	}
	if err := s.start(serverNode, "dummy", "--listen", fmt.Sprint("127.0.0.1:", server)); err != nil {
		return err
	}
	args := append([]string{"serve", "--listen", fmt.Sprint("127.0.0.1:", executor), "--token-file", s.path("control.token"), "--out", s.dir, "--node", clientNode,
		"--service", "dummy", "--ready-file", s.path("executors/" + clientNode)}, watch...)
	if err := s.start(clientNode, args...); err != nil {
		return err
	}
	if w.logs {
		if err := s.collect(); err != nil {
			return err
		}
	}
	for _, node := range []string{clientNode, serverNode} {
		if w.monitor == 0 {
			break
		}
		args := append([]string{"monitor", "--node", node, "--interval", w.monitor.String(), "--out", s.path("monitor-" + node + ".csv")}, watch...)
		if w.scraped {
			args = append(args, "--listen", "127.0.0.1:0", "--ready-file", s.path("exporters/"+node))
		}
		if err := s.start(node, args...); err != nil {
			return err
		}
	}
	return s.await(ctx, w, server)
}

// collect starts the collector of logs, which runs beside the job script, on the job's first node.
func (s *site) collect() error {
	text, err := json.Marshal(workload.Logs{JSONLines: true, FlushS: 2, Aggregation: "merged", SizeMB: 500})
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("logs.json"), text, 0o644); err != nil {
		return err
	}
	return s.start(clientNode, "logs", s.dir, "--collect", s.path("logs.json"))
}

// chat appends lines to the server's log, as a server does that tells of each request.
func (s *site) chat(ctx context.Context) error {
	log, err := os.OpenFile(s.path("logs/"+logNames["dummy"]), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	const round = 100 * time.Millisecond
	for k := 0; ctx.Err() == nil; k++ {
		var text strings.Builder
		for i := range logLines / int(time.Second/round) {
			fmt.Fprintf(&text, "INFO %s [logger.py:43] Received request 0001-%d: prompt: 32 tokens, params: SamplingParams(n=1, temperature=0.0, max_tokens=16)\n",
				time.Now().Format("01-02 15:04:05"), k*100+i)
		}
		if _, err := log.WriteString(text.String()); err != nil {
			return err
		}
		time.Sleep(round)
	}
	return nil
}

// await waits until all answer, and opens the live page.
func (s *site) await(ctx context.Context, w watching, server int) error {
	files := []string{s.path("executors/" + clientNode)}
	if w.scraped {
		files = append(files, s.path("exporters/"+clientNode), s.path("exporters/"+serverNode))
	}
	for range 1000 {
		ready := true
		for _, name := range files {
			_, err := os.Stat(name)
			ready = ready && err == nil
		}
		if _, err := page(fmt.Sprintf("http://127.0.0.1:%d/metrics", server)); ready && err == nil {
			if !w.viewer {
				return nil
			}
			return s.open()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("not all of the site answers: %s", s.tails())
}

// logNames are how a job calls the logs of its components.
var logNames = map[string]string{"dummy": "server.d1.1.server.log", "serve": "client.client.log", "monitor": "monitors.%s.log", "logs": "collect.log"}

// start starts a verb of the agent on a node.
func (s *site) start(node string, args ...string) error {
	name := strings.Replace(logNames[args[0]], "%s", node, 1)
	r := &resident{node: node, log: s.path("logs/" + name), cmd: exec.Command(s.agent, args...)}
	log, err := os.Create(r.log)
	if err != nil {
		return err
	}
	defer log.Close()
	r.cmd.Stderr = log
	if err := r.cmd.Start(); err != nil {
		return err
	}
	s.all = append(s.all, r)
	return nil
}

// open starts agent watch, and takes its page's URL from it.
func (s *site) open() error {
	r := &resident{node: elsewhere, log: s.path("logs/watch.log"), cmd: exec.Command(s.agent, "watch", s.dir)}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	s.all = append(s.all, r)
	line, err := bufio.NewReader(out).ReadString('\n')
	s.page = strings.TrimSpace(line)
	return err
}

// look does what lookers-on do, until the function it returns is called: a browser that reads events, and a Prometheus.
func (s *site) look(ctx context.Context, w watching) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var failed []error
	var mu sync.Mutex
	look := func(what func(context.Context) error) {
		wg.Go(func() {
			if err := what(ctx); err != nil && ctx.Err() == nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	if w.viewer {
		look(s.view)
	}
	if w.scraped {
		look(s.scrape)
	}
	if w.logs {
		look(s.chat)
	}
	return func() error {
		cancel()
		wg.Wait()
		return errors.Join(failed...)
	}
}

// view reads the page's events as a browser does.
func (s *site) view(ctx context.Context) error {
	at, err := url.Parse(s.page)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at.Host+"/events", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+at.Fragment)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the live page answers %s", answer.Status)
	}
	if n, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	} else if n == 0 {
		return errors.New("the live page tells of nothing")
	}
	return nil
}

// scrape asks all pages for Prometheus a second after the start, and each 15 s from then on.
func (s *site) scrape(ctx context.Context) error {
	for wait := time.Second; ; wait = 15 * time.Second {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		for _, name := range []string{"executors/" + clientNode, "exporters/" + clientNode, "exporters/" + serverNode} {
			address, err := os.ReadFile(s.path(name))
			if err != nil {
				return err
			}
			text, err := page("http://" + strings.TrimSpace(string(address)) + "/metrics/prometheus")
			if err != nil {
				return err
			}
			if !strings.Contains(text, "host=") {
				return fmt.Errorf("%s shows no metric: %.80q", name, text)
			}
		}
	}
}

// trial drives the executor through a trial, as the job script does.
func (s *site) trial(ctx context.Context, t workload.Trial) (rate float64, err error) {
	text, err := json.Marshal(t)
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(s.path("trials"), 0o755); err != nil {
		return 0, err
	}
	if err := os.WriteFile(s.path("trials/0001.json"), text, 0o644); err != nil {
		return 0, err
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	cmd := exec.CommandContext(ctx, s.agent, "trial", "--workload", s.path("trials/0001.json"), "--nodes", s.path("nodes.tsv"), "--executors", s.path("executors"),
		"--token-file", s.path("control.token"), "--out", s.path("0001"), "--key", "bench")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("agent trial: %w: %s", err, out)
	}
	if text, err = os.ReadFile(s.path("0001/summary.json")); err != nil {
		return 0, err
	}
	return rateOf(text)
}

// end ends all processes, those that look on first, and returns the CPU-seconds of each node's.
func (s *site) end() (cpu map[string]float64, err error) {
	cpu = map[string]float64{}
	var failed []error
	for i := len(s.all) - 1; i >= 0; i-- {
		r := s.all[i]
		err := r.cmd.Process.Signal(syscall.SIGTERM)
		if ended := r.cmd.Wait(); err == nil {
			err = ended
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w: %s", filepath.Base(r.log), err, proc.Tail(r.log)))
		}
		cpu[r.node] += (r.cmd.ProcessState.UserTime() + r.cmd.ProcessState.SystemTime()).Seconds()
	}
	if s.gateway != nil {
		s.gateway.Close()
	}
	return cpu, errors.Join(failed...)
}

// collected wants the server's lines among those that the collector wrote.
func (s *site) collected() error {
	text, err := os.ReadFile(s.path("logs/aggregated.jsonl"))
	if n := strings.Count(string(text), "Received request"); err == nil && n < logLines {
		err = fmt.Errorf("the collector has %d lines of the server", n)
	}
	return err
}

// tails is the end of each log.
func (s *site) tails() string {
	var all []string
	for _, r := range s.all {
		all = append(all, filepath.Base(r.log)+": "+proc.Tail(r.log))
	}
	return strings.Join(all, "; ")
}
