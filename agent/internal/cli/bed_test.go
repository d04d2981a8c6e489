package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/ask"
	mock "hpcbench/agent/internal/dummy"
)

// service runs a verb that lasts until its end is called, which returns its status and log.
func service(t *testing.T, args ...string) (end func() (int, string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var log bytes.Buffer
	over := make(chan int, 1)
	go func() { over <- run(ctx, args, &call{stdout: &log, stderr: &log}) }()
	ended := false
	end = func() (int, string) {
		ended = true
		cancel()
		return <-over, log.String()
	}
	t.Cleanup(func() {
		if !ended {
			_, _ = end()
		}
	})
	return end
}

// appears waits for a file.
func appears(t *testing.T, path string) string {
	t.Helper()
	for range 1000 {
		text, err := os.ReadFile(path)
		if err == nil {
			return string(text)
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("%s never came", path)
	return ""
}

// The verbs of a job's client side, as the job script uses them: serve, ready, trial, stop.
func TestATrialFromEndToEnd(t *testing.T) {
	dir := t.TempDir()
	token := put(t, dir, "control.token", "secret\n")
	if err := os.Chmod(token, 0o600); err != nil {
		t.Fatal(err)
	}
	published := filepath.Join(dir, "host-1")
	end := service(t, "serve", "--listen", "127.0.0.1:0", "--token-file", token, "--out", dir, "--node", "host-1", "--ready-file", published)
	client := strings.TrimSpace(appears(t, published))
	_, port, err := net.SplitHostPort(client)
	if err != nil {
		t.Fatal(err)
	}
	_, serverPort, err := net.SplitHostPort(strings.TrimPrefix(server(t, mock.Config{ITL: time.Millisecond}), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	nodes := put(t, dir, "nodes.tsv", "client\thost-1\t127.0.0.1\t"+port+"\nserver\thost-2\t127.0.0.1\t"+serverPort+"\n")
	work := put(t, dir, "trials/0001.json", `{"schema":1,"trial":"0001","name":"c2-r1","workload":{"dialect":"openai-chat","model":"tiny",
		"stream":true,"concurrency":2,"requests":10,"duration_s":60,"drain_s":5,"timeout_s":5,"input_tokens":8,"max_tokens":4}}`)

	if status, _, stderr := agent(t, "ready", "--nodes", nodes, "--health", "/health", "--dialect", "openai-chat", "--model", "tiny"); status != done {
		t.Fatalf("ready: status %d: %s", status, stderr)
	}
	trial := []string{"trial", "--workload", work, "--nodes", nodes, "--token-file", token, "--out", filepath.Join(dir, "0001"), "--key", "5f2c", "--poll", "20ms"}
	status, stdout, stderr := agent(t, trial...)
	if status != done || !strings.HasPrefix(stdout, "10 ok, 0 failed · ") || !strings.Contains(stderr, "trial 0001: ") {
		t.Errorf("trial: status %d\n%s%s", status, stdout, stderr)
	}
	if key := content(t, filepath.Join(dir, "0001", "key")); key != "5f2c\n" {
		t.Errorf("key %q", key)
	}
	if status, _, stderr := agent(t, "stop", "--nodes", nodes, "--token-file", token); status != done || !strings.Contains(stderr, "stop: host-1 is complete") {
		t.Errorf("stop: status %d: %s", status, stderr)
	}
	status, log := end()
	if status != done || !strings.Contains(log, `"message":"started"`) || !strings.Contains(log, `"component":"executor"`) {
		t.Errorf("serve: status %d, log:\n%s", status, log)
	}
	if strings.Contains(log, "secret") {
		t.Errorf("the log has the token:\n%s", log)
	}
	status, _, stderr = agent(t, trial...)
	last := stderr[strings.LastIndex(strings.TrimSpace(stderr), "\n")+1:]
	if status != bad || !strings.HasPrefix(last, "trial 0001: executor of host-1 (") || !strings.Contains(last, "connection refused") {
		t.Errorf("trial without its executor: status %d: %s", status, stderr)
	}
}

func TestServeNeedsAToken(t *testing.T) {
	dir := t.TempDir()
	empty, open := put(t, dir, "empty", "\n"), put(t, dir, "open", "sesame\n")
	if err := os.Chmod(empty, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{empty, refused, "it is empty"},
		{filepath.Join(dir, "none"), refused, "no such file"},
		{open, bad, "others may read or write it (mode 0644): chmod 600 " + open},
	} {
		status, _, stderr := agent(t, "serve", "--listen", "127.0.0.1:0", "--token-file", c.path, "--out", dir)
		if status != c.status || !strings.Contains(stderr, c.want) || strings.Contains(stderr, "sesame") {
			t.Errorf("%s: status %d: %s", c.path, status, stderr)
		}
	}
}

func TestServeListensOnOneAddressOfThisNode(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ listen, others, want string }{
		{"0.0.0.0:0", "", "--listen 0.0.0.0:0: want the address of one interface"},
		{":20106", "", "--listen :20106: want the address"},
		{"[::]:20106", "", "want the address"},
		{"mel2001:20106", "", "want the address"},
		{"127.0.0.1:0", "20196", "--or-ports 20196: want two port numbers"},
		{"127.0.0.1:0", "9-8", "want two port numbers"},
		{"127.0.0.1:0", "0-8", "want two port numbers"},
		{"127.0.0.1:0", "65530-65540", "want two port numbers"},
	} {
		status, _, stderr := agent(t, "serve", "--listen", c.listen, "--or-ports", c.others, "--token-file", dir, "--out", dir)
		if status != refused || !strings.Contains(stderr, c.want) {
			t.Errorf("%s %s: status %d, %s; want %q", c.listen, c.others, status, stderr, c.want)
		}
	}
}

func TestMonitorWritesRowsUntilItIsEnded(t *testing.T) {
	out := filepath.Join(t.TempDir(), "monitor-host-1.csv")
	end := service(t, "monitor", "--out", out, "--node", "host-1", "--interval", "100ms", "--gpu", "none")
	appears(t, out)
	for range 1000 {
		if strings.Count(content(t, out), "\n") > 2 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if status, log := end(); status != done || strings.Count(content(t, out), "\n") < 3 {
		t.Errorf("status %d, %s\n%s", status, log, content(t, out))
	}
}

// The last row is shown, at another port where somebody has the one that was meant; who has no port for it still gets rows.
func TestMonitorShowsItsLastRow(t *testing.T) {
	dir, taken := t.TempDir(), squat(t).address
	out, ready := filepath.Join(dir, "monitor-host-1.csv"), filepath.Join(dir, "exporter")
	end := service(t, "monitor", "--out", out, "--node", "host-1", "--interval", "100ms", "--gpu", "none", "--listen", taken, "--or-ports", "1-1", "--ready-file", ready)
	address := strings.TrimSpace(appears(t, ready))
	if address == taken {
		t.Errorf("it listens at %s, and somebody else does", address)
	}
	const want = `hpcbench_collector_success{collector="memory",host="host-1"} 1`
	text := ""
	for range 1000 {
		answer, err := ask.Send(t.Context(), ask.Request{URL: "http://" + address + "/metrics/prometheus", Timeout: time.Minute})
		if err != nil || answer.Status != 200 {
			t.Fatal(answer, err)
		}
		if text = string(answer.Body); strings.Contains(text, want) {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if !strings.Contains(text, want) || !strings.Contains(text, `hpcbench_memory_used_bytes{host="host-1"} `) {
		t.Errorf("it shows\n%s", text)
	}
	if status, log := end(); status != done || !strings.Contains(log, "another program has the port") {
		t.Errorf("status %d, %s", status, log)
	}
	end = service(t, "monitor", "--out", out, "--node", "host-1", "--interval", "100ms", "--gpu", "none", "--listen", taken)
	for range 1000 {
		if text, err := os.ReadFile(out); err == nil && strings.Count(string(text), "\n") > 2 {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if status, log := end(); status != done || !strings.Contains(log, "readings are not shown") || strings.Count(content(t, out), "\n") < 3 {
		t.Errorf("status %d, %s\n%s", status, log, content(t, out))
	}
}
