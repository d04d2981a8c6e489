package render

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hpcbench/templates"
)

// newer are what bash 3.2, which macOS has, does not know, though shellcheck and the bash of a cluster do.
var newer = map[string]*regexp.Regexp{
	"an associative array":       regexp.MustCompile(`\b(declare|local|typeset|readonly) -[a-z]*A`),
	"a reference to a name":      regexp.MustCompile(`\b(declare|local|typeset) -[a-z]*n`),
	"mapfile or readarray":       regexp.MustCompile(`\b(mapfile|readarray)\b`),
	"a change of case":           regexp.MustCompile(`\$\{[A-Za-z_]+(,,?|\^\^?)`),
	"a transformation":           regexp.MustCompile(`\$\{[A-Za-z_]+@[A-Za-z]\}`),
	"output and errors at once":  regexp.MustCompile(`&>>|\|&`),
	"wait for any":               regexp.MustCompile(`\bwait -n\b`),
	"a test for a variable":      regexp.MustCompile(`\[\[ (! )?-v `),
	"a time in printf":           regexp.MustCompile(`printf .*%\(.*\)T`),
	"a coprocess":                regexp.MustCompile(`\bcoproc\b`),
	"a negative length or index": regexp.MustCompile(`\$\{[A-Za-z_]+\[-|\$\{[A-Za-z_]+:[^}]*:-`),
	"EPOCHSECONDS":               regexp.MustCompile(`EPOCH(SECONDS|REALTIME)`),
}

// What runs on a person's own machine keeps to bash 3.2. The scripts that tunnel.sh sends to the cluster come after a line <<'LOOK'.
func TestScriptsOfTheLaptopKeepToBash32(t *testing.T) {
	files, err := fs.Glob(templates.FS, "monitoring/*.sh.tmpl")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	aside := regexp.MustCompile(`(?s)<<'LOOK'\n.*?\nLOOK\n|(?m)^#.*$`)
	for _, file := range append(files, "lib/prometheus.sh") {
		text, err := fs.ReadFile(templates.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		text = aside.ReplaceAll(text, nil)
		for what, pattern := range newer {
			if found := pattern.Find(text); found != nil {
				t.Errorf("%s: %q is %s, which bash 3.2 does not have", file, found, what)
			}
		}
	}
}

// tunnelIn writes tunnel.sh of a bundle that is called demo, with these files in it, and gives the bundle's directory.
func tunnelIn(t *testing.T, view Laptop, files map[string]string) string {
	t.Helper()
	view.Slug, view.ScenarioJSON, view.Dashboards = "demo", `"it's \"demo\""`, []string{"hpcbench-dummy"}
	text, err := Script(templates.FS, "monitoring/tunnel.sh.tmpl", view)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "demo")
	put(t, dir, "monitoring/tunnel.sh", string(text))
	for name, text := range files {
		put(t, dir, name, text)
	}
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// tunnelled runs tunnel.sh with an ssh that writes down its words and reaches nobody, and no Slurm.
func tunnelled(t *testing.T, dir string, env []string, args ...string) (ssh, said string) {
	t.Helper()
	bin := t.TempDir()
	put(t, bin, "ssh", "#!/bin/sh\nprintf '%s\\n' \"$*\" >>'"+bin+"/words'\necho nobody is there >&2\nexit 255\n")
	cmd := exec.Command("bash", append([]string{filepath.Join(dir, "monitoring/tunnel.sh")}, args...)...)
	cmd.Env = append([]string{"HOME=" + bin, "PATH=" + bin + ":/usr/bin:/bin"}, env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("%v\n%s", err, out)
	}
	words, err := os.ReadFile(filepath.Join(bin, "words"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(words), string(out)
}

// The login node is the one that gen run remembers, else the cluster profile's; flags win, and what the environment says of user and key counts.
func TestWhereTheTunnelGoes(t *testing.T) {
	table := "# submission\tjob\tscript\twhere\tprocess\tsubmitted\texit\nabc\t1\tjob.sbatch\tWHERE\t-\t-\t-\n"
	profile := Laptop{SSHHost: "login.lxp.lu", SSHPort: "8822"}
	for name, c := range map[string]struct {
		view  Laptop
		where string
		env   []string
		args  []string
		want  string // of ssh's words: their end
	}{
		"remembered":      {profile, "ssh://me@[fe80::1]:2222/~/hpcbench/a%20b", nil, nil, "-p 2222 -l me -- fe80::1"},
		"without port":    {profile, "ssh://login/srv/demo", []string{"MLUX_USER=u1", "MLUX_KEY=/k"}, nil, "-l u1 -i /k -- login"},
		"profile":         {profile, "", nil, nil, "-p 8822 -- login.lxp.lu"},
		"profile, edited": {profile, "", nil, []string{"--port", "22", "--user", "you", "--key", "k y", "--jump", "gate"}, "-p 22 -l you -i k y -o IdentitiesOnly=yes -J gate -- login.lxp.lu"},
		"flag":            {profile, "ssh://me@host:2222/~/x", []string{"MLUX_USER=u1"}, []string{"--host", "other", "--port", "22"}, "RemoteCommand=none -o BatchMode=yes -p 22 -l me -- other"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			if c.where != "" {
				files["results/submitted.tsv"] = strings.Replace(table, "WHERE", c.where, 1)
			}
			ssh, said := tunnelled(t, tunnelIn(t, c.view, files), c.env, c.args...)
			if !strings.HasSuffix(ssh, c.want+"\n") || !strings.Contains(said, "is not reached: nobody is there") {
				t.Errorf("ssh %s\nwant … %s\n%s", ssh, c.want, said)
			}
		})
	}
	for _, args := range [][]string{{"--host"}, {"--host", "-oProxyCommand=x"}, {"--port", "x"}, {"--foo"}, {"--grafana", "3001"}, {}} {
		if ssh, said := tunnelled(t, tunnelIn(t, Laptop{}, nil), nil, args...); ssh != "" || !strings.HasPrefix(said, "tunnel.sh: ") {
			t.Errorf("%q: ssh %q\n%s", args, ssh, said)
		}
	}
}

// A bundle that needs no Slurm is watched without ssh: Prometheus gets the nodes themselves, and when its process has ended, none.
func TestTargetsWithoutSSH(t *testing.T) {
	owner := exec.Command("sleep", "600")
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = owner.Process.Kill(); _ = owner.Wait() }() // mostly it has ended
	dir := tunnelIn(t, Laptop{Local: true}, map[string]string{
		"MANIFEST": "", "results/claims/d1": "local-1 " + pidOf(owner) + " 0\n", "results/local-1/executors/host-1": "127.0.0.1:20006\n",
		"results/local-1/exporters/host-0": "127.0.0.1:20008\n", "results/local-1/exporters/bad": "$(touch x):1\n",
		"results/local-1/addresses/prometheus": "127.0.0.1:20090\n", "results/local-2/executors/host-1": "127.0.0.1:9\n",
	})
	var said bytes.Buffer
	cmd := exec.Command("bash", filepath.Join(dir, "monitoring/tunnel.sh"))
	cmd.Env, cmd.Stderr = []string{"PATH=/usr/bin:/bin", "HOME=" + dir}, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }() // mostly it has ended
	file := func(kind string) string { return filepath.Join(dir, "monitoring/targets/local-1."+kind+".json") }
	wait(t, "targets", func() bool { return exists(file("client")) && exists(file("node")) })
	text, err := os.ReadFile(file("client"))
	want := `[
  {"targets": ["127.0.0.1:20006"], "labels": {"host": "host-1", "instance": "host-1:20006", "jobid": "local-1", "scenario": "it's \"demo\""}}
]
`
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err := os.ReadFile(file("node")); err != nil || strings.Count(string(text), "targets") != 1 {
		t.Errorf("%v\n%s", err, text)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	wait(t, "end of the targets", func() bool { return !exists(file("client")) && !exists(file("node")) })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 143 {
		t.Errorf("%v\n%s", err, said.String())
	}
	if !strings.Contains(said.String(), "prometheus of the job: http://127.0.0.1:20090\n") || strings.Contains(said.String(), "local-2") {
		t.Error(said.String())
	}
}

func pidOf(c *exec.Cmd) string { return strconv.Itoa(c.Process.Pid) }

func exists(file string) bool { _, err := os.Stat(file); return err == nil }

func wait(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !yes(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no " + what)
		}
	}
}
