package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/agent.md")

// agent runs the command line and returns its exit status and what it wrote.
func agent(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, &call{stdin: strings.NewReader(""), stdout: &out, stderr: &err})
	return status, out.String(), err.String()
}

func TestExitStatusAndWords(t *testing.T) {
	for _, c := range []struct {
		args           string
		status         int
		stdout, stderr string
	}{
		{"", refused, "", "usage: agent COMMAND"},
		{"-h", done, "usage: agent COMMAND", ""},
		{"help", done, "usage: agent COMMAND", ""},
		{"help ready", done, "usage: agent ready --nodes FILE", ""},
		{"ready --help", done, "example:\n  agent ready", ""},
		{"raedy", refused, "", `agent: unknown command "raedy" (did you mean "ready"?)`},
		{"address --interface lo", refused, "", `agent address: unknown flag --interface (did you mean "interfaces"?); agent address -h lists them`},
		{"address --zzz", refused, "", "agent address: unknown flag --zzz; agent"},
		{"address --interfaces", refused, "", "flag needs an argument: --interfaces"},
		{"address --interfaces [", bad, "", "address: interfaces: error parsing regexp"},
		{"address --interfaces lo", done, "127.0.0.1\n", ""},
		{"free", refused, "", "free: no address given"},
		{"free 127.0.0.1", refused, "", `free: "127.0.0.1": want IP:PORT`},
		{"ready", refused, "", "agent ready: --nodes is missing"},
		{"ready --nodes x --dialect openai-chat --model m", refused, "", "one of --health PATH and --no-health is needed"},
		{"ready --nodes x --dialect openai-chat --model m --health-timeout 5 --no-health", refused, "", `invalid value "5" for flag --health-timeout: a time needs its unit: 5s`},
		{"ready --nodes /no/such/nodes.tsv --dialect openai-chat --model m --no-health", refused, "", "ready: open /no/such/nodes.tsv"},
		{"job --dir /no/such/job", refused, "", "job: open /no/such/job"},
		{"version 2", refused, "", `agent version: unexpected "2"`},
		{"report /no/such/results", refused, "", "report: open /no/such/results: no such file"},
		{"dummy --listen 127.0.0.1:99999", refused, "", "dummy: --listen"},
		{"monitor --out /no/such/dir/x.csv", refused, "", "monitor: open /no/such/dir"},
		{"monitor --out x.csv --interval 1ms", refused, "", "monitor: --interval 1ms: want 100ms or more"},
		{"monitor --out x.csv --gpu some", refused, "", `monitor: --gpu "some": want auto or none`},
		{"version", done, "hpcbench agent " + Version, ""},
	} {
		status, stdout, stderr := agent(t, strings.Fields(c.args)...)
		if status != c.status || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("agent %s: status %d, want %d\nstdout: %s\nstderr: %s", c.args, status, c.status, stdout, stderr)
		}
		if (c.stdout == "") != (stdout == "") || (c.stderr == "") != (stderr == "") {
			t.Errorf("agent %s: words on the wrong stream\nstdout: %s\nstderr: %s", c.args, stdout, stderr)
		}
	}
}

func TestFlagsStandBeforeAndAfterOperands(t *testing.T) {
	for _, args := range []string{"a -o x b", "-o x a b", "a b -o x", "-o x -- a b", "a -o x -- b"} {
		f := newFlags("test")
		o := f.text("o", "", "", "")
		got, err := f.parse(strings.Fields(args))
		if err != nil || strings.Join(got, " ") != "a b" || *o != "x" {
			t.Errorf("%q: operands %q, -o %q, %v", args, got, *o, err)
		}
	}
	f := newFlags("test")
	f.text("o", "", "", "")
	if got, err := f.parse([]string{"a", "--", "-o", "--x"}); err != nil || strings.Join(got, " ") != "a -o --x" {
		t.Errorf("after --: operands %q, %v", got, err)
	}
}

// Each verb says what it is for, names every flag with its meaning, and shows an example that its own flags accept.
func TestHelpIsWhole(t *testing.T) {
	for _, cmd := range commands {
		f := newFlags(cmd.name)
		cmd.declare(f)
		if cmd.short == "" || !strings.HasPrefix(cmd.example, "agent "+cmd.name) {
			t.Errorf("%s: short text %q, example %q", cmd.name, cmd.short, cmd.example)
		}
		f.set.VisitAll(func(g *flag.Flag) {
			if g.Usage == "" || !strings.Contains(cmd.help(), "--"+g.Name) {
				t.Errorf("%s: --%s is not explained", cmd.name, g.Name)
			}
		})
		for line := range strings.Lines(strings.ReplaceAll(cmd.example, "\\\n", " ")) {
			words := strings.Fields(strings.ReplaceAll(line, "'", ""))
			f := newFlags(cmd.name)
			cmd.declare(f)
			if _, err := f.parse(words[2:]); err != nil {
				t.Errorf("%s: example %q: %v", cmd.name, line, err)
			}
		}
		for line := range strings.Lines(cmd.help()) {
			if len([]rune(line)) > 140 {
				t.Errorf("%s: a line of %d characters: %s", cmd.name, len(line), line)
			}
		}
	}
}

// docs/agent.md is what -h prints: go test ./agent/internal/cli -update writes it.
func TestDocumentIsWhatHelpSays(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "agent.md")
	var b strings.Builder
	b.WriteString("# The agent's commands\n\nWhat `agent COMMAND -h` prints. This file is written by `go test ./agent/internal/cli -update`.\n\n```\n" + overview() + "```\n")
	for _, cmd := range commands {
		b.WriteString("\n## " + cmd.name + "\n\n```\n" + cmd.help() + "```\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Error("docs/agent.md is stale: run go test ./agent/internal/cli -update")
	}
}
