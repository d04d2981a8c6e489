//go:build e2e

package testbed

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hpcbench/testbed/browser"
)

// pageURL is what gen watch prints.
var pageURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+/#[A-Z2-7]+`)

// A person on a machine of his own watches a job by its number, which waits in the queue, over ssh. Another user of the two
// machines sees nothing of it; when the connection is lost nothing stays behind on the login node, and the job does not mind.
func TestGenWatchOverSSH(t *testing.T) {
	t.Parallel()
	nodes := take(t, 3)
	desk, nodes := nodes[0], nodes[1:]
	dir := recipeIn(t, "pair")
	letIn(t, desk, dir)
	shell(t, "cd '"+dir+"' && /opt/hpcbench/bin/gen recipe.yaml -o .")
	j, release := bundleIn(t, dir, nodes).waiting()
	daemon := startSSHDAt(t, "2225")
	gen := startOn(t, desk, "exec /opt/hpcbench/bin/gen watch "+j.id+" --host login --port 2225 --user bench --key '"+dir+"/key' --no-open")
	gen.until("word of the queue", func() bool { return gen.says("PENDING") })
	release()
	gen.until("URL", func() bool { return pageURL.MatchString(gen.text()) })
	address, err := url.Parse(pageURL.FindString(gen.text()))
	if err != nil {
		t.Fatal(err)
	}

	tab := browser.Open(t, "nsenter", "--net="+filepath.Join("/proc", pidOf(t, desk), "ns/net"))
	tab.Size(1280, 900)
	tab.Scheme("light")
	tab.Go(address.String())
	tab.Until("the job is there", fmt.Sprintf("document.getElementById('job').textContent === 'job %s'", j.id))
	tab.Until("it is followed", "document.getElementById('trial').textContent.includes('trial 2 of 3: c2') && Number(document.getElementById('rate').textContent) > 0")
	tab.Until("both nodes are there", fmt.Sprintf("['%s', '%s'].every(n => document.querySelector('#chart-cpu .legend').textContent.includes(n))", nodes[0], nodes[1]))
	tab.Until("the server's queue is there", "document.querySelector('#chart-queue:not([hidden]) path.curve')")
	tab.Shoot(filepath.Join(cmp.Or(os.Getenv("E2E_ARTIFACTS"), "../.e2e"), "watch-cluster.png"), true)
	for _, node := range []string{desk, "login"} {
		strangerSeesNothing(t, node, address)
	}
	if wrong := tab.Wrong(); len(wrong) > 0 {
		t.Errorf("the console was told of errors: %q", wrong)
	}

	daemon.lost()
	if status := gen.wait(); status != 1 || !gen.says("no connection") {
		t.Errorf("without a connection: status %d\n%s", status, gen.text())
	}
	tab.Until("the page says so", "document.getElementById('trouble').textContent.includes('trying again')")
	if !within(patience, func() bool { return agentsThatWatch(t) == "" }) {
		t.Errorf("left on the login node: %s", agentsThatWatch(t))
	}
	j.wait(completed)
}

// lost ends the daemon with all connections that it has: with their sessions, which may outlive the process that opened them.
func (d *sshd) lost() {
	on(d.t, "login", "bash", "-c", `for session in $(pgrep -P "$1"); do pkill -KILL -P "$session"; done; :`, "bash", d.pid)
	d.stop()
}

// pidOf is the process that a node is.
func pidOf(t *testing.T, node string) string {
	t.Helper()
	pid, err := os.ReadFile(filepath.Join(root, "../run", node+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(pid))
}

// agentsThatWatch are those on the login node.
func agentsThatWatch(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(on(t, "login", "bash", "-c", "pgrep -af '^[^ ]*agent watch'; true"))
}

// strangerSeesNothing: who has an account on a node finds the port, and without the token nothing behind it; the token is in no
// command line.
func strangerSeesNothing(t *testing.T, node string, page *url.URL) {
	t.Helper()
	m := stranger(t, node)
	if seen := m.try("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"); strings.Contains(seen, page.Fragment) {
		t.Errorf("the token is in a command line on %s", node)
	}
	ports := strings.Fields(m.try("ss -Hltn src 127.0.0.1 | awk '{ sub(/.*:/, \"\", $4); print $4 }'"))
	found := 0
	for _, port := range ports {
		answer := m.try(`exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /events HTTP/1.0\r\nAuthorization: Bearer x\r\n\r\n' >&3 && timeout 5 cat <&3`, port)
		if strings.Contains(answer, "this needs the token of the page's URL") {
			found++
		}
		if strings.Contains(answer, "event:") {
			t.Errorf("port %s of %s shows the run to anybody:\n%s", port, node, answer)
		}
	}
	if found != 1 {
		t.Errorf("of the ports %v of %s %d are the page's, want one", ports, node, found)
	}
}
