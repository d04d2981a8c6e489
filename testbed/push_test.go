//go:build e2e

package testbed

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every node's last row is at its exporter, whose page and the executor's promtool finds nothing wrong with; a Pushgateway gets
// both, each as a group of its own, and keeps them after a job that says so.
func TestReadingsAtExportersAndAPushgateway(t *testing.T) {
	t.Parallel()
	gateway := newGateway(t)
	j := compileText(t, "push", 3, func(text string, _ []string) string { return strings.Replace(text, "LOGIN:19091", gateway.address, 1) }).submit()
	j.until("start of the trial", j.started("0001"))
	j.wantExporters()
	for _, c := range j.nodesOf("client") {
		wantMetrics(t, "http://"+net.JoinHostPort(c[1], c[2])+"/metrics/prometheus", fmt.Sprintf("\ndummy_workload_running{host=%q} ", c[0]), "\ndummy_itl_seconds_bucket{")
	}
	var want []string
	group := func(job, node string) string {
		return fmt.Sprintf("host=%q,instance=\"\",job=%q,jobid=%q,node=%q", node, job, j.id, node)
	}
	for _, node := range j.nodes {
		want = append(want, "hpcbench_memory_used_bytes{"+group("node", node)+",scenario=\"testbed push\"} ",
			"hpcbench_push_retention_seconds{"+group("node", node)+",scenario=\"testbed push\"} 3600\n")
	}
	for _, c := range j.nodesOf("client") {
		want = append(want, "dummy_requests_total{"+group("client", c[0])+",phase=\"measure\",scenario=\"testbed push\"} ")
	}
	j.until("group of every agent", func() bool { return gateway.has(want...) })
	j.until("row of the server", func() bool { return gateway.has("dummy_server_running{endpoint=") })
	j.wait(completed)
	j.wantGood("0001")
	if !gateway.has(want...) || gateway.has("dummy_trial_info{") {
		t.Errorf("after the job the Pushgateway has\n%s\nwant, as of its end, %s", gateway.page(), strings.Join(want, "\n"))
	}
}

// A group goes at the agent's end; and a Pushgateway that is stuck keeps no agent from ending well.
func TestPushersEndWithTheirGroupOrWithoutIt(t *testing.T) {
	t.Parallel()
	gateway := newGateway(t)
	dir := workspace(t)
	writeFile(t, dir+"/watch.json", fmt.Sprintf(`{"schema": 1, "interval_s": 1, "push": {"url": "http://%s", "interval_s": 1, "scenario": "by hand"}}`, gateway.address))
	monitor := func() *command {
		return startOn(t, "login", "exec /opt/hpcbench/bin/agent monitor --node mine --gpu none --watch "+dir+"/watch.json --out "+dir+"/monitor.csv")
	}
	const reading = `hpcbench_memory_used_bytes{host="mine",`
	one := monitor()
	one.until("group", func() bool { return gateway.has(reading) })
	one.term()
	if status := one.wait(); status != 0 {
		t.Errorf("status %d: %s", status, one.text())
	}
	if !within(patience, func() bool { return !gateway.has(reading) }) {
		t.Errorf("its group is left:\n%s", gateway.page())
	}
	two := monitor()
	two.until("group", func() bool { return gateway.has(reading) })
	gateway.signal("STOP")
	two.term()
	status := two.wait()
	gateway.signal("CONT")
	if status != 0 || !two.says("the Pushgateway does not take the readings") {
		t.Errorf("status %d: %s", status, two.text())
	}
}

// term asks a command to end, as the job script does.
func (c *command) term() {
	c.t.Helper()
	pid := strings.TrimSpace(on(c.t, "login", "pgrep", "-n", "-f", "agent monitor --node mine"))
	on(c.t, "login", "kill", "-TERM", pid)
}

// wantExporters wants each node's last row where it says that it is.
func (j *job) wantExporters() {
	j.t.Helper()
	for _, node := range j.nodes {
		address := ""
		j.until("exporter of "+node, func() bool {
			text, err := os.ReadFile(j.path("exporters", node))
			address = strings.TrimSpace(string(text))
			return err == nil && address != ""
		})
		page := "http://" + address + "/metrics/prometheus"
		j.until("row of "+node, func() bool {
			_, text := ask(j.t, "GET", page, "")
			return strings.Contains(text, "hpcbench_memory_used_bytes{")
		})
		wantMetrics(j.t, page, fmt.Sprintf("\nhpcbench_collector_success{collector=\"memory\",host=%q} 1\n", node), fmt.Sprintf("\nhpcbench_load1{host=%q} ", node))
		if status, _ := ask(j.t, "POST", page, "x"); status != 405 {
			j.t.Errorf("POST %s: HTTP %d", page, status)
		}
	}
}

// wantMetrics wants words on a page that promtool finds nothing wrong with.
func wantMetrics(t *testing.T, page string, words ...string) {
	t.Helper()
	status, text := ask(t, "GET", page, "")
	if status != 200 || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
		t.Errorf("%s: HTTP %d, want %q in\n%s", page, status, words, text)
	}
	file := fmt.Sprintf("/srv/jobs/%s.page", t.Name())
	writeFile(t, file, text)
	if out, errors, status := try(t, "promtool check metrics <"+file); status != 0 || out+errors != "" {
		t.Errorf("%s: promtool says %s%s", page, out, errors)
	}
}

// gateway is a Pushgateway on the login node.
type gateway struct {
	t       *testing.T
	address string
	command *command
	pid     string
}

var pushgatewayListens = regexp.MustCompile(`address=(?:\[::\]|[0-9.]+):(\d+)`)

// newGateway starts one, for the length of the test, on a port that is free.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	ip := strings.Fields(on(t, "login", "hostname", "-I"))[0]
	g := &gateway{t: t}
	g.command = startOn(t, "login", "echo pid $$; exec prometheus-pushgateway --web.listen-address="+ip+":0")
	g.command.until("Pushgateway", func() bool { return pushgatewayListens.MatchString(g.command.text()) })
	g.address = net.JoinHostPort(ip, pushgatewayListens.FindStringSubmatch(g.command.text())[1])
	g.pid = regexp.MustCompile(`pid (\d+)`).FindStringSubmatch(g.command.text())[1]
	t.Cleanup(func() { g.signal("KILL") })
	return g
}

func (g *gateway) signal(name string) {
	g.t.Helper()
	on(g.t, "login", "kill", "-"+name, g.pid)
}

// page is what it tells Prometheus.
func (g *gateway) page() string {
	g.t.Helper()
	_, text := ask(g.t, "GET", "http://"+g.address+"/metrics", "")
	return text
}

// has tells whether all the words are on its page.
func (g *gateway) has(words ...string) bool {
	g.t.Helper()
	text := g.page()
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}
