package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/gen/internal/submit"
)

// onCluster is a recipe for Slurm, without an account.
const onCluster = `scenario: my run
partition: cpu
orchestration: {total_nodes: 2, node_allocation: {servers: {nodes: 1}, clients: {nodes: 1}}, job_config: {time_limit: 10m}}
resources: {servers: {cpus_per_task: 1, mem_gb: 1}, clients: {cpus_per_task: 1, mem_gb: 1}}
workload: {component: inference, service: dummy, model: m, duration: 3s, warmup: 1s}
`

// alone is an environment without Slurm and without what a person's own would add.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{"MLUX_USER", "MLUX_KEY", "MLUX_ACCOUNT"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	path := t.TempDir()
	for _, program := range []string{"bash", "env"} {
		if err := os.Symlink("/usr/bin/"+program, filepath.Join(path, program)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", path)
	agents(t, "agent")
}

func TestRunDoesNothingWhenItOnlyRehearses(t *testing.T) {
	alone(t)
	t.Setenv("MLUX_USER", "u1")
	t.Setenv("MLUX_KEY", "/k")
	t.Setenv("MLUX_ACCOUNT", "p200")
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		name string
		args []string
		says []string
	}{
		{"a host", []string{"--host", "login9", "--dir", "~/a b"},
			[]string{"ssh -S ", "-o BatchMode=yes", " -l u1 -i /k -- login9 ", "a b", "-A", "p200", "enter.sh", "look.sh"}},
		{"the profile's", []string{"--cluster", "meluxina", "--set", "qos=short", "--set", "partition=cpu"}, []string{" -p 8822 -l u1 ", "login.lxp.lu", "hpcbench/my-run"}},
		{"flags win", []string{"--cluster", "meluxina", "--set", "qos=short", "--set", "partition=cpu", "--host", "h", "--port", "22", "--user", "u2", "--key", "/k2", "--", "-A", "mine"},
			[]string{" -p 22 -l u2 -i /k2 -o IdentitiesOnly=yes -- h ", "mine"}},
		{"here", []string{"--set", "orchestration.mode=local"}, []string{"start.sh", "my-run"}},
	} {
		args := append([]string{"run", write(t, "recipe.yaml", onCluster), "--dry-run", "-o", out}, c.args...)
		status, stdout, stderr := gen("", args...)
		if status != 0 {
			t.Errorf("%s: status %d\n%s%s", c.name, status, stdout, stderr)
		}
		for _, want := range c.says {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, stdout)
			}
		}
		if strings.Contains(stdout, "mine") && strings.Contains(stdout, "p200") {
			t.Errorf("%s: two accounts\n%s", c.name, stdout)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%s: %s was written", c.name, out)
		}
	}
}

func TestRunRefusesWhatItCantDo(t *testing.T) {
	alone(t)
	recipe, local := write(t, "recipe.yaml", onCluster), write(t, "local.yaml", demo)
	out := t.TempDir()
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, 2, "one recipe or job directory"},
		{[]string{recipe, recipe}, 2, "one recipe or job directory"},
		{[]string{recipe, "--hots", "x"}, 2, `did you mean "--host"?`},
		{[]string{"nowhere.yaml"}, 2, "no such file"},
		{[]string{out}, 1, "has no MANIFEST"},
		{[]string{write(t, "bad.yaml", "scenario: x\n")}, 1, "missing field"},
		{[]string{recipe}, 1, "give one with --host"},
		{[]string{recipe, "--host", "-oProxyCommand=x"}, 1, "can't be the host"},
		{[]string{local, "--", "-A", "x"}, 2, "runs without Slurm"},
	} {
		status, stdout, stderr := gen("", append([]string{"run", "-o", out}, c.args...)...)
		if status != c.status || !strings.Contains(stderr, c.says) {
			t.Errorf("%q: status %d, want %d with %q\n%s%s", c.args, status, c.status, c.says, stdout, stderr)
		}
	}
}

// A recipe whose last jobs are not over is not compiled under them.
func TestRunGoesOnRatherThanCompile(t *testing.T) {
	alone(t)
	out := t.TempDir()
	recipe := write(t, "recipe.yaml", demo)
	if status, _, stderr := gen("", recipe, "-o", out); status != 0 {
		t.Fatal(stderr)
	}
	dir := filepath.Join(out, "demo")
	if err := submit.WriteTable(dir, []submit.Row{{Nonce: "n", ID: "local-1", Script: "job.sbatch", Process: 1 << 22}}); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(dir, "MANIFEST"))
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := gen("", "run", recipe, "-o", out, "--dry-run")
	if status != 0 || !strings.Contains(stderr, "nothing is compiled") || strings.Contains(stdout, "start.sh") || !strings.Contains(stdout, "look.sh") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if after, err := os.Stat(filepath.Join(dir, "MANIFEST")); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the job directory was written: %v", err)
	}
}

func TestAnAccountStandsInWhereOneIsMandatory(t *testing.T) {
	alone(t)
	args := []string{"run", write(t, "recipe.yaml", onCluster), "--dry-run", "-o", t.TempDir(), "--cluster", "meluxina", "--set", "qos=short"}
	if status, _, stderr := gen("", args...); status != 1 || !strings.Contains(stderr, `missing field "account"`) {
		t.Errorf("without MLUX_ACCOUNT: status %d\n%s", status, stderr)
	}
	t.Setenv("MLUX_ACCOUNT", "p200981")
	if status, stdout, stderr := gen("", args...); status != 0 || strings.Contains(stdout, "-A") {
		t.Errorf("with it: status %d\n%s%s", status, stdout, stderr)
	}
}

func TestScreenOfAFileHasOnlyLinesThatStay(t *testing.T) {
	var text strings.Builder
	s := newScreen(&text)
	s.show("passing")
	s.say("staying")
	s.clear()
	if text.String() != "staying\n" {
		t.Errorf("got %q", text.String())
	}
}

func TestScreenOfATerminalRewritesItsLastLine(t *testing.T) {
	var text strings.Builder
	s := &screen{w: &text, rewrite: true, columns: func() int { return 6 }}
	s.show("äbcdefgh")
	s.show("b")
	s.say("c")
	if want := "äbcde\r\x1b[Kb\r\x1b[Kc\n"; text.String() != want {
		t.Errorf("got %q, want %q", text.String(), want)
	}
}
