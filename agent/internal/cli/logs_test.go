package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logRun is a run with two logs, of one client that warned and one server that failed.
func logRun(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "4711")
	for name, text := range map[string]string{
		"logs/client.cn1.log":      `{"time":"2026-11-26T10:00:02Z","level":"WARN","message":"late","node":"cn1","component":"executor","trial":"0001"}` + "\n",
		"logs/server.d1.1.cn2.log": "2026-11-26 10:00:01,000 ERROR x.py:1 -- gone\n",
		"events.tsv":               "1795687200.0\tphase\tinitialise\tstart\n1795687200.0\tfact\tzone\t+0000\n",
		"nodes.tsv":                "client\tcn1\t10.0.0.1\t20106\nserver\tcn2\t10.0.0.2\t20100\n",
		"logs.json":                `{"json_lines": true, "flush_s": 1, "size_mb": 1}`,
		"wrong.json":               `{"json_lines": true, "flush_s": 1, "size_mb": 1, "colour": "red"}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLogsOfARun(t *testing.T) {
	dir := logRun(t)
	for _, c := range []struct {
		args       string
		status     int
		stdout, in string // what stdout is, and what stderr has
	}{
		{"", done, "── Thursday, 26 November 2026, +0000\n 10:00:01.000 ERROR cn2 server.d1.1: x.py:1 -- gone (logs/server.d1.1.cn2.log:1)\n" +
			" 10:00:02.000 WARN  cn1 client 0001: late (logs/client.cn1.log:1)\n", ""},
		{"--level error --json", done, `{"time":"2026-11-26T10:00:01Z","level":"ERROR","category":"application","node":"cn2","component":"server","name":"d1.1","rank":0,"message":"x.py:1 -- gone","file":"logs/server.d1.1.cn2.log","line":1}` + "\n", ""},
		{"--trial 2", bad, "", "no line is what was asked for"},
		{"--level loud --category x --request 7 --within 3s", refused, "", `--request "7" is no request: want trial and index`},
		{"--within 3s", refused, "", "--within is how far around --around, which is not given"},
		{"--around noon", refused, "", `--around "noon" is no time`},
	} {
		var out, err bytes.Buffer
		status := run(t.Context(), append([]string{"logs", dir}, strings.Fields(c.args)...), &call{stdin: strings.NewReader(""), stdout: &out, stderr: &err})
		if status != c.status || out.String() != c.stdout || !strings.Contains(err.String(), c.in) {
			t.Errorf("agent logs RESULTS %s: status %d\n%s%s", c.args, status, out.String(), err.String())
		}
	}
}

// What is followed ends with the run.
func TestLogsAreFollowedToTheEnd(t *testing.T) {
	dir := logRun(t)
	f, err := os.OpenFile(filepath.Join(dir, "events.tsv"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("1795687210.0\texit\t0\n")
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if status := run(t.Context(), []string{"logs", dir, "--follow", "--level", "warn"}, &call{stdout: &out, stderr: &out}); status != done || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("status %d, %s", status, out.String())
	}
}

func TestLogsAreCollectedAsTheFileSays(t *testing.T) {
	dir := logRun(t)
	t.Setenv("SLURM_JOB_ID", "")
	ended, end := context.WithCancel(t.Context())
	end()
	collect := func(file string) (int, string) {
		var err bytes.Buffer
		return run(ended, []string{"logs", dir, "--collect", filepath.Join(dir, file)}, &call{stdout: &err, stderr: &err}), err.String()
	}
	if status, words := collect("wrong.json"); status != bad || !strings.Contains(words, `unknown field "colour"`) {
		t.Errorf("status %d, %s", status, words)
	}
	if status, words := collect("logs.json"); status != done || words != "" {
		t.Errorf("status %d, %s", status, words)
	}
	text, err := os.ReadFile(filepath.Join(dir, "logs", "aggregated.jsonl"))
	if err != nil || strings.Count(string(text), "\n") != 2 || strings.Index(string(text), "gone") > strings.Index(string(text), "late") {
		t.Errorf("%s, %v", text, err)
	}
}
