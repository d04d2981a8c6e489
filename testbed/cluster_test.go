//go:build e2e

package testbed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// nodeCount is how many compute nodes there are: the largest test wants six, and others run beside it.
const nodeCount = 10

// root is the nodes' shared root directory, as this process sees it.
var root = filepath.Join(cmp.Or(os.Getenv("BED"), "/var/tmp/hpcbench-bed"), "root")

func TestMain(m *testing.M) {
	if err := raise(); err != nil {
		fmt.Fprintln(os.Stderr, "testbed:", err)
		os.Exit(1)
	}
	for _, node := range compute() {
		pool <- node
	}
	status := m.Run()
	if err := document.write(); err != nil {
		fmt.Fprintln(os.Stderr, "testbed: docs/reliability.md:", err)
		status = 1
	}
	os.Exit(status)
}

// raise brings up the cluster with its images, and installs gen and agent where its users find them.
func raise() error {
	for _, cmd := range [][]string{{"./cluster", "up", fmt.Sprint(nodeCount)}, {"./images"}} {
		c := exec.Command(cmd[0], cmd[1:]...)
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(cmd, " "), err)
		}
	}
	for _, program := range []string{"gen", "agent", "agent-gpu"} {
		err := install("../bin/"+program, filepath.Join(root, "opt/hpcbench/bin", program))
		if err != nil && !(program == "agent-gpu" && errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("installing %s (make build makes it): %w", program, err)
		}
	}
	return nil
}

func install(from, to string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to+".new", program, 0o755); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
}

// on runs a command on a node as root and gives its output. It must succeed.
func on(t *testing.T, node string, args ...string) string {
	t.Helper()
	return run(t, append([]string{"on", node}, args...)...)
}

// shell runs a line of bash on the login node as the user bench and gives its standard output. It must succeed.
func shell(t *testing.T, line string) string {
	t.Helper()
	return run(t, "as", "bench", "login", "bash", "-c", line)
}

// try is shell for what may fail: it gives standard output, standard error and the exit status.
func try(t *testing.T, line string) (stdout, stderr string, status int) {
	t.Helper()
	var out, err strings.Builder
	c := exec.CommandContext(t.Context(), "./cluster", "as", "bench", "login", "bash", "-c", line)
	c.Stdout, c.Stderr = &out, &err
	var exit *exec.ExitError
	if e := c.Run(); e != nil && !errors.As(e, &exit) {
		t.Fatalf("running %q: %v", line, e)
	}
	return out.String(), err.String(), c.ProcessState.ExitCode()
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, err strings.Builder
	c := exec.Command("./cluster", args...)
	c.Stdout, c.Stderr = &out, &err
	if e := c.Run(); e != nil {
		t.Fatalf("cluster %s: %v\n%s%s", strings.Join(args, " "), e, out.String(), err.String())
	}
	return out.String()
}

// outside is the path by which this process reaches a file that the nodes know as path.
func outside(path string) string { return filepath.Join(root, path) }

// compute is the names of the compute nodes.
func compute() []string {
	var names []string
	for i := range nodeCount {
		names = append(names, fmt.Sprintf("cn%02d", i+1))
	}
	return names
}

// pool has the nodes that belong to no test; takers is held by the one that takes some.
var (
	pool   = make(chan string, nodeCount)
	takers sync.Mutex
)

// take waits for n nodes and gives them to the test until its end, so that tests that run at one time have each their
// own and find no process there but their own.
func take(t *testing.T, n int) []string {
	t.Helper()
	takers.Lock()
	defer takers.Unlock()
	var mine []string
	for range n {
		mine = append(mine, <-pool)
	}
	slices.Sort(mine)
	t.Cleanup(func() {
		for _, node := range mine {
			pool <- node
		}
	})
	return mine
}

// leftovers is all of the user's, or of a Slurm step, that is left on these nodes, one thing a line: processes, sockets that
// listen, files in the node's own /tmp and /dev/shm.
func leftovers(t *testing.T, nodes []string) string {
	t.Helper()
	var left strings.Builder
	for _, node := range nodes {
		for line := range strings.Lines(on(t, node, "bash", "-c", `
			ps -eo user=,pid=,args= | grep -E '^bench |[s]lurmstepd'
			ss -Hlntue 2>/dev/null | grep uid:1000
			find /tmp /dev/shm -mindepth 1 -ignore_readdir_race -user bench`+"; true")) {
			left.WriteString(node + ": " + line)
		}
	}
	return left.String()
}

// wantEmpty fails the test when 30 seconds from now a process, socket or file of the user's is left on any of the nodes.
func wantEmpty(t *testing.T, nodes []string) {
	t.Helper()
	left := ""
	if !within(30*time.Second, func() bool { left = leftovers(t, nodes); return left == "" }) {
		t.Errorf("this is left:\n%s", left)
	}
}

// within asks until the answer is yes or the time is over, and gives the last answer.
func within(d time.Duration, yes func() bool) bool {
	for end := time.Now().Add(d); ; time.Sleep(200 * time.Millisecond) {
		if yes() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// loginHTTP is a client whose connections begin on the login node.
var loginHTTP = http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: dialFromLogin, DisableKeepAlives: true}}

// dialFromLogin makes the socket in the login node's network namespace: a socket stays where it was made. The thread
// that went there is not unlocked, so that it ends with its goroutine and serves no other.
func dialFromLogin(_ context.Context, network, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread()
		conn, err := dialIn("login", network, address)
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

func dialIn(node, network, address string) (net.Conn, error) {
	if err := enterNetwork(node); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	return d.Dial(network, address)
}

// enterNetwork brings the thread, which has to be locked to its goroutine and is good for nothing else afterwards, into a node's network.
func enterNetwork(node string) error {
	pid, err := os.ReadFile(filepath.Join(root, "../run", node+".pid"))
	if err != nil {
		return err
	}
	ns, err := os.Open(filepath.Join("/proc", strings.TrimSpace(string(pid)), "ns/net"))
	if err != nil {
		return err
	}
	defer ns.Close()
	const setns = 308 // the system call's number on amd64, which package syscall does not name
	if _, _, errno := syscall.RawSyscall(setns, ns.Fd(), syscall.CLONE_NEWNET, 0); errno != 0 {
		return fmt.Errorf("entering the network of %s: %w", node, errno)
	}
	return nil
}

// ask sends one request from the login node and gives the answer's status and body; headers are name and value in turn.
func ask(t *testing.T, method, url, body string, headers ...string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := loginHTTP.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: reading the answer: %v", method, url, err)
	}
	return resp.StatusCode, string(text)
}
