package expose

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/monitor"
	"hpcbench/agent/metric"
)

var update = flag.Bool("update", false, "rewrite testdata")

// filled puts values into the labels of a column of the table.
var filled = strings.NewReplacer("{gpu}", "1", "{core}", "17", "{type}", "corrected")

// row is one with a value in each column of the table, and some that it has not.
func row(at time.Time) monitor.Row {
	r := monitor.Row{Time: at, Success: map[string]bool{"cpu": true, "gpu": true, "disk": false}}
	add := func(column string, v float64, words string) {
		r.Columns, r.Values, r.Words = append(r.Columns, column), append(r.Values, v), append(r.Words, words)
	}
	for _, m := range metric.Table {
		switch column := filled.Replace(m.Column); {
		case m.Source != metric.Node || column == "":
		case m.Name == "gpu_throttled":
			add(column, math.NaN(), "power_cap;thermal")
		case strings.HasPrefix(column, "disk_"):
			add(column, math.NaN(), "")
		default:
			add(column, float64(len(m.Help))/8, "")
		}
	}
	add("custom_fan_rpm", 1200, "")
	add("gpu0_throttle_reasons", math.NaN(), "none")
	add("gpu2_throttle_reasons", math.NaN(), "")
	return r
}

// shown is what a registry with the collector tells, as text.
func shown(t *testing.T, n *Node) string {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(n)
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	var c fasthttp.RequestCtx
	Page(&c, reg)
	if c.Response.StatusCode() != fasthttp.StatusOK {
		t.Fatalf("%s", c.Response.Body())
	}
	return string(c.Response.Body())
}

// Every metric of a node that the table has is shown from its column, but for what is missing, which is absent.
func TestLastRowIsShown(t *testing.T) {
	const golden = "testdata/node.txt"
	n := NewNode("mel2001", time.Second)
	n.Show(row(time.Now()))
	text := shown(t, n)
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || text != string(want) {
		t.Errorf("got\n%s\nwant (%v)\n%s", text, err, want)
	}
	for _, m := range metric.Table {
		shown := strings.Contains(text, "\n"+m.Full("")+"{") || strings.HasPrefix(text, m.Full("")+"{")
		if missing := strings.HasPrefix(m.Column, "disk_"); m.Source == metric.Node && shown == missing {
			t.Errorf("%s is shown: %v", m.Full(""), shown)
		}
	}
}

// A monitor that makes no rows any more has nothing to tell but that.
func TestOldRowIsNotShown(t *testing.T) {
	n := NewNode("mel2001", 100*time.Millisecond)
	if text := shown(t, n); text != "" {
		t.Errorf("before the first row:\n%s", text)
	}
	n.Show(row(time.Now()))
	n.now = func() time.Time { return time.Now().Add(time.Minute) }
	for line := range strings.Lines(shown(t, n)) {
		if !strings.HasPrefix(line, "#") && !(strings.HasPrefix(line, "hpcbench_collector_success{") && strings.HasSuffix(line, " 0\n")) {
			t.Errorf("a minute later: %s", line)
		}
	}
}

// The exporter answers who reads, in text and in protobuf, and nothing else.
func TestExporterOnlyTells(t *testing.T) {
	n := NewNode("mel2001", time.Minute)
	n.Show(row(time.Now()))
	reg := prometheus.NewRegistry()
	reg.MustRegister(n)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	ctx, end := context.WithCancelCause(t.Context())
	over := make(chan error, 1)
	go func() { over <- Serve(ctx, ln, reg, slog.New(slog.NewTextHandler(&log, nil))) }()
	ask := func(method, path, accept string) (int, string, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+ln.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header.Get("Content-Type"), string(text)
	}
	if status, kind, text := ask("GET", Path, ""); status != 200 || !strings.HasPrefix(kind, "text/plain") || !strings.Contains(text, "\nhpcbench_gpu_power_watts{gpu=\"1\",host=\"mel2001\"} ") {
		t.Errorf("%d %s\n%s", status, kind, text)
	}
	if status, kind, _ := ask("GET", Path, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"); status != 200 || !strings.HasPrefix(kind, "application/vnd.google.protobuf") {
		t.Errorf("%d %s", status, kind)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{{"POST", Path, 405}, {"DELETE", Path, 405}, {"GET", "/", 404}, {"GET", "/metrics/prometheus/x", 404}} {
		if status, _, text := ask(c.method, c.path, ""); status != c.want {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, status, c.want, text)
		}
	}
	if line := large(t, ln.Addr().String()); !strings.Contains(line, " 413 ") {
		t.Errorf("a body of a gigabyte: %s", line)
	}
	end(errors.New("terminated"))
	if err := <-over; err != nil {
		t.Error(err)
	}
}

// large announces a body of a gigabyte, and gives the first line of the answer.
func large(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n", Path); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// What is shown is as Prometheus's own tool wants it. It is where the package prometheus is; on the testbed it reads live pages.
func TestPromtoolFindsNothingWrong(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here")
	}
	for _, page := range []string{"testdata/node.txt", "../executor/testdata/metrics.txt"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}
