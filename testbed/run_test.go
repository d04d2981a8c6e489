//go:build e2e

package testbed

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// gen run on a login node compiles, submits, follows and reports; a second time it has the report and submits nothing.
func TestGenRunOnALoginNode(t *testing.T) {
	t.Parallel()
	nodes := take(t, 2)
	dir := recipeIn(t, "pair")
	line := "cd '" + dir + "' && /opt/hpcbench/bin/gen run recipe.yaml -o . --every 1s -- --nodelist=" + strings.Join(nodes, ",")
	stdout, stderr, status := try(t, line)
	if status != 0 {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	j := submittedFrom(t, bundleIn(t, dir, nodes))
	j.wait(completed)
	for _, want := range []string{"deploy d1", "trial 2 of 3, c2", "0003 c4 complete: ", "COMPLETED, exit status 0"} {
		if !strings.Contains(stderr, "job "+j.id+": "+want) {
			t.Errorf("it does not say %q:\n%s", want, stderr)
		}
	}
	report := "0 failed, 0 missing" // on a busy machine trials are marked
	if !strings.Contains(stdout, report) {
		t.Errorf("no report:\n%s", stdout)
	}
	stdout, stderr, status = try(t, "cd '"+dir+"' && /opt/hpcbench/bin/gen run testbed-pair")
	if status != 0 || !strings.Contains(stdout, report) || strings.Contains(stderr, "submitted") {
		t.Errorf("a second time: status %d\n%s%s", status, stdout, stderr)
	}
}

// gen run over ssh copies the bundle to a directory whose name no shell may read, loses its connection in the middle, is
// stopped, and goes on from its own bundle: the results are there, the job's token is not.
func TestGenRunOverSSH(t *testing.T) {
	t.Parallel()
	nodes := take(t, 3)
	desk, nodes := nodes[0], nodes[1:]
	dir := recipeIn(t, "pair")
	there := "/srv/jobs/TestGenRunOverSSH-there/a $(touch pwned)'s"
	if err := os.RemoveAll(filepath.Dir(outside(there))); err != nil {
		t.Fatal(err)
	}
	letIn(t, desk, dir)
	daemon := startSSHD(t)

	flags := " --host login --port 2222 --user bench --key " + dir + "/key --every 1s --dir '" + strings.ReplaceAll(there, "'", `'\''`) + "'"
	gen := startOn(t, desk, "cd '"+dir+"' && echo $$ >pid && exec /opt/hpcbench/bin/gen run recipe.yaml -o ."+flags+" -- --nodelist="+strings.Join(nodes, ","))
	gen.until("job in the table", func() bool {
		rows, _ := filepath.Glob(outside(dir) + "/*/results/submitted.tsv")
		return len(rows) == 1 && gen.says("submitted on")
	})
	j := submittedFrom(t, bundleIn(t, dir, nodes))
	j.dir = there // its results are there
	j.until("start of the first trial", j.started("0001"))
	daemon.stop()
	gen.until("words about the lost connection", func() bool { return gen.says("trying again") })
	pid, err := os.ReadFile(outside(dir) + "/pid")
	if err != nil {
		t.Fatal(err)
	}
	on(t, desk, "kill", "-INT", strings.TrimSpace(string(pid)))
	if status := gen.wait(); status != 130 || !gen.says("left running; gen run testbed-pair") {
		t.Errorf("interrupted: status %d\n%s", status, gen.text())
	}

	startSSHD(t)
	again := startOn(t, desk, "cd '"+dir+"' && exec /opt/hpcbench/bin/gen run testbed-pair --key key --every 1s")
	if status := again.wait(); status != 0 || !again.says("0 failed, 0 missing") || !again.says("COMPLETED, exit status 0") {
		t.Errorf("picked up: status %d\n%s", status, again.text())
	}
	j.wait(completed)
	results := filepath.Join(outside(dir), "testbed-pair/results", j.id)
	if found, err := filepath.Glob(results + "/0003/*/records.jsonl"); err != nil || len(found) != 1 {
		t.Errorf("records of the last trial: %v, %v", found, err)
	}
	for _, name := range []string{results + "/control.token", outside("/home/bench/pwned"), outside(filepath.Dir(there)) + "/pwned"} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

// recipeIn is a fresh directory of the user's with one of the testbed's recipes.
func recipeIn(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("recipes", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := workspace(t)
	writeFile(t, dir+"/recipe.yaml", string(text))
	return dir
}

// submittedFrom is the job that gen run submitted from a bundle. When the test ends it is cancelled.
func submittedFrom(t *testing.T, b *bundle) *job {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(outside(b.dir), "results/submitted.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	columns := strings.Split(lines[len(lines)-1], "\t")
	if len(lines) != 2 || len(columns) != 7 || columns[1] == "-" {
		t.Fatalf("submitted.tsv has not one job:\n%s", text)
	}
	j := &job{bundle: b, id: columns[1]}
	t.Cleanup(j.leave)
	return j
}

// letIn makes a key in dir by which the user comes from a node to the login node, whose host key the user then knows.
func letIn(t *testing.T, node, dir string) {
	t.Helper()
	run(t, "as", "bench", node, "bash", "-c", `umask 077; mkdir -p ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f "$1/key"
cat "$1/key.pub" >>~/.ssh/authorized_keys; printf '[login]:2222,[login]:2223,[login]:2224,[login]:2225 %s\n' "$(</etc/ssh/ssh_host_ed25519_key.pub)" >>~/.ssh/known_hosts`, "bash", dir)
}

// sshd is a daemon on the login node.
type sshd struct {
	t         *testing.T
	port, pid string
}

// startSSHD starts one on port 2222; it ends with the test. Tests that run at one time have a port each (letIn has the user know them).
func startSSHD(t *testing.T) *sshd { t.Helper(); return startSSHDAt(t, "2222") }

func startSSHDAt(t *testing.T, port string) *sshd {
	t.Helper()
	d := &sshd{t: t, port: port}
	d.pid = strings.TrimSpace(on(t, "login", "bash", "-c", `install -d /run/sshd; file=/run/sshd.$1; /usr/sbin/sshd -p "$1" -o UsePAM=no -o PidFile="$file.pid" -E "$file.log"
for ((k = 0; k < 100; k++)); do [[ ! -s $file.pid ]] || break; sleep 0.1; done; cat "$file.pid"`, "bash", port))
	t.Cleanup(d.stop)
	return d
}

// stop ends the daemon and the connections that it has: its children.
func (d *sshd) stop() {
	if d.pid != "" {
		on(d.t, "login", "bash", "-c", `pkill -KILL -P "$1"; kill -KILL "$1"; rm -f "/run/sshd.$2.pid"; :`, "bash", d.pid, d.port)
	}
	d.pid = ""
}

// command is one of the user's on a node that goes on.
type command struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  bytes.Buffer
	done chan struct{}
}

func startOn(t *testing.T, node, line string) *command {
	t.Helper()
	c := &command{t: t, cmd: exec.Command("./cluster", "as", "bench", node, "bash", "-c", line), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = c, c
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait() // its status is asked for
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // mostly it has ended
		<-c.done
	})
	return c
}

// Write takes what the command writes.
func (c *command) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *command) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.String()
}

func (c *command) says(words string) bool { return strings.Contains(c.text(), words) }

// over tells whether the command has ended.
func (c *command) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// until waits for something of a command that goes on.
func (c *command) until(what string, yes func() bool) {
	c.t.Helper()
	if !within(patience, func() bool { return yes() || c.over() }) || !yes() {
		c.t.Fatalf("no %s:\n%s", what, c.text())
	}
}

// wait waits for the command's end and gives its exit status.
func (c *command) wait() int {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.t.Fatalf("it does not end:\n%s", c.text())
	}
	return c.cmd.ProcessState.ExitCode()
}
