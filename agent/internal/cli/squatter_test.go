package cli

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// squatter has a port first and answers every request as an executor would, as far as it can. What it heard is in heard.
type squatter struct {
	address string
	mu      sync.Mutex
	heard   strings.Builder
}

func squat(t *testing.T) *squatter {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	s := &squatter{address: ln.Addr().String()}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go s.answer(conn)
		}
	}()
	return s
}

func (s *squatter) answer(conn net.Conn) {
	defer conn.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		s.mu.Lock()
		s.heard.Write(buffer[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
		const body = `{"status":"ok","node":"host-1","state":"idle","trial":"0001","proof":"0000"}`
		if _, err := conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)); err != nil {
			return
		}
	}
}

func (s *squatter) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard.String()
}

// A stranger who took the port of an executor first is moved on from; and when the job is told that he is the executor, by
// nodes.tsv or because he took the port after it had died, he is asked for a proof, and never shown the token.
func TestSquatterNeverSeesTheToken(t *testing.T) {
	dir, s := t.TempDir(), squat(t)
	const secret = "00ff00ff00ff00ff00ff00ff00ff00ff"
	token := put(t, dir, "control.token", secret)
	if err := os.Chmod(token, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	published := filepath.Join(dir, "executors", "host-1")
	if err := os.Mkdir(filepath.Dir(published), 0o755); err != nil {
		t.Fatal(err)
	}
	// Of one port that is free and one that is the squatter's, the executor takes the kernel's third.
	end := service(t, "serve", "--listen", s.address, "--or-ports", port+"-"+port, "--token-file", token, "--out", dir, "--node", "host-1", "--ready-file", published)
	address := strings.TrimSpace(appears(t, published))
	if address == s.address {
		t.Fatalf("the executor says that it listens on %s, where the squatter does", address)
	}
	nodes := put(t, dir, "nodes.tsv", "client\thost-1\t127.0.0.1\t"+port+"\nserver\thost-2\t127.0.0.1\t1\n")

	if status, _, stderr := agent(t, "stop", "--nodes", nodes, "--executors", filepath.Dir(published), "--token-file", token); status != done || !strings.Contains(stderr, "host-1 is idle") {
		t.Errorf("stop at the published address: status %d, %s", status, stderr)
	}
	if s.text() != "" {
		t.Errorf("the squatter heard something although the executor had published another address:\n%s", s.text())
	}
	status, _, stderr := agent(t, "stop", "--nodes", nodes, "--token-file", token)
	if status != bad || !strings.Contains(stderr, "does not know this job's token") {
		t.Errorf("stop at nodes.tsv's address: status %d, %s", status, stderr)
	}
	work := put(t, dir, "trials/0001.json", `{"schema":1,"trial":"0001","name":"c1","workload":{"dialect":"openai-chat","model":"tiny",
		"stream":true,"concurrency":1,"requests":1,"duration_s":60,"drain_s":5,"timeout_s":5,"input_tokens":8,"max_tokens":4}}`)
	status, _, stderr = agent(t, "trial", "--workload", work, "--nodes", nodes, "--token-file", token, "--out", filepath.Join(dir, "0001"), "--key", "5f2c", "--poll", "20ms")
	if status != bad || !strings.Contains(stderr, "does not know this job's token") {
		t.Errorf("trial at nodes.tsv's address: status %d, %s", status, stderr)
	}
	if heard := s.text(); !strings.Contains(heard, "challenge=") || strings.Contains(heard, secret) || strings.Contains(heard, "POST") {
		t.Errorf("the squatter should have heard a challenge, no token, and no request to do something:\n%s", heard)
	}
	if status, log := end(); status != done || !strings.Contains(log, "another program has the port") || strings.Contains(log, secret) {
		t.Errorf("serve: status %d, %s", status, log)
	}
}

func TestTakenPortThatTheRecipeFixesIsNamed(t *testing.T) {
	dir, s := t.TempDir(), squat(t)
	token := put(t, dir, "control.token", "secret")
	if err := os.Chmod(token, 0o600); err != nil {
		t.Fatal(err)
	}
	status, _, stderr := agent(t, "serve", "--listen", s.address, "--token-file", token, "--out", dir)
	if status == done || !strings.Contains(stderr, s.address+": bind: address already in use: set another clients.port") {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// An address counts only when the job's own user wrote it, and it is of that node.
func TestPublishedAddressOfSomebodyElse(t *testing.T) {
	dir := t.TempDir()
	token := put(t, dir, "control.token", "secret")
	if err := os.Chmod(token, 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := put(t, dir, "nodes.tsv", "client\thost-1\t10.0.0.1\t20106\n")
	stop := func(want string) {
		t.Helper()
		status, _, stderr := agent(t, "stop", "--nodes", nodes, "--executors", filepath.Join(dir, "executors"), "--token-file", token)
		if status == done || !strings.Contains(stderr, "executor of host-1: ") || !strings.Contains(stderr, want) {
			t.Errorf("status %d, %s; want %q", status, stderr, want)
		}
	}
	published := filepath.Join(dir, "executors", "host-1")
	stop("no such file")
	put(t, dir, "executors/host-1", "10.0.0.9:20106\n")
	stop("names 10.0.0.9:20106, and the node's address is 10.0.0.1")
	if err := os.Chmod(published, 0o666); err != nil {
		t.Fatal(err)
	}
	stop("others may write it")
	if err := os.Remove(published); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(put(t, dir, "elsewhere", "10.0.0.1:20106\n"), published); err != nil {
		t.Fatal(err)
	}
	stop("it is a symbolic link")
}

// A client node that takes connections and answers nothing gives a trial a status of its own: the job script then blames no server.
func TestATrialWhoseClientNodeDoesNotAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as a node may be silent")
	}
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // whose queue takes them
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	dir := t.TempDir()
	token := put(t, dir, "control.token", "a-token-of-the-job\n")
	if err := os.Chmod(token, 0o600); err != nil {
		t.Fatal(err)
	}
	nodes := put(t, dir, "nodes.tsv", "server\ts1\t127.0.0.1\t1\nclient\tc1\t127.0.0.1\t"+port+"\n")
	work := put(t, dir, "trials/0001.json", `{"schema":1,"trial":"0001","name":"c1","workload":{"dialect":"openai-chat","model":"tiny",
		"concurrency":1,"requests":1,"duration_s":1,"drain_s":1,"timeout_s":1,"input_tokens":8,"max_tokens":4}}`)
	status, _, stderr := agent(t, "trial", "--workload", work, "--nodes", nodes, "--token-file", token,
		"--out", filepath.Join(dir, "0001"), "--key", "5f2c", "--poll", "20ms")
	if status != deaf || !strings.Contains(stderr, "client node c1 has not been heard for ") {
		t.Errorf("status %d, want %d: %s", status, deaf, stderr)
	}
}
