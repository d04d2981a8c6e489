package cli

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/diag"
)

const compileCases = "../../testdata/compile"

// compiled is what gen makes of a case: the bundle without bin/, and what it prints.
type compiled struct {
	bundle         *bundle.Bundle
	stdout, stderr string
}

// compile reads recipe.yaml of the working directory with the flags of args, if there is such a file.
func compile(t *testing.T) compiled {
	t.Helper()
	var around surroundings
	f := newFlags("compile")
	around.flags(f)
	args, err := os.ReadFile("args")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if _, err := parse(f, strings.Fields(string(args))); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	e := env{stderr: &stderr}
	src, err := e.read("recipe.yaml", around)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.tell(src.Diags, src); err != nil {
		t.Fatal(err)
	}
	if src.Diags.Count(diag.Error) > 0 {
		t.Fatalf("the recipe is refused:\n%s", &stderr)
	}
	b, err := src.bundle(nil, around)
	if err != nil {
		t.Fatal(err)
	}
	return compiled{b, src.Plan.Text(), stderr.String()}
}

// eachCase runs a test in the directory of each case.
func eachCase(t *testing.T, test func(t *testing.T)) {
	dirs, err := filepath.Glob(compileCases + "/*/recipe.yaml")
	if err != nil || len(dirs) < 9 {
		t.Fatalf("%d cases, %v", len(dirs), err)
	}
	for _, file := range dirs {
		dir, err := filepath.Abs(filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Chdir(dir)
			test(t)
		})
	}
}

// Each directory of gen/testdata/compile is a recipe, the bundle it must give, and what gen says about it.
func TestCompile(t *testing.T) {
	eachCase(t, func(t *testing.T) {
		c := compile(t)
		golden(t, "stdout.txt", []byte(c.stdout))
		golden(t, "stderr.txt", []byte(c.stderr))
		golden(t, "bundle/MANIFEST", c.bundle.Manifest())
		made := []string{"bundle/MANIFEST"}
		for _, file := range c.bundle.Files {
			if !hasText(filepath.Base(t.Name()), file.Path) {
				continue
			}
			golden(t, "bundle/"+file.Path, file.Data)
			made = append(made, "bundle/"+file.Path)
		}
		for _, name := range tree(t, "bundle") {
			if slices.Contains(made, name) {
				continue
			}
			if !*update {
				t.Errorf("%s is no longer made (-update removes it)", name)
			} else if err := os.Remove(name); err != nil {
				t.Error(err)
			}
		}
	})
}

// hasText tells whether a case has a file's text. What is in monitoring/ is long and much the same in all bundles: two have it, and of the
// others MANIFEST tells whether it has changed.
func hasText(name, file string) bool {
	return !strings.HasPrefix(file, "monitoring/") || name == "listing3" || name == "vllm-single" || file == "monitoring/tunnel.sh" && name == "hostile"
}

// tree lists the files below a directory.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Bash reads every script, and shellcheck, where it is installed, has nothing to say about one.
func TestGeneratedShell(t *testing.T) {
	shellcheck, missing := exec.LookPath("shellcheck")
	if missing != nil {
		t.Log("shellcheck is not installed: scripts are only parsed")
	}
	if testing.Short() {
		missing = exec.ErrNotFound
	}
	eachCase(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "out")
		done, err := bundle.Write(dir, compile(t).bundle, false)
		if err != nil {
			t.Fatal(err)
		}
		var scripts []string
		for _, name := range tree(t, done.Dir) {
			if strings.HasSuffix(name, ".sh") || strings.HasSuffix(name, ".sbatch") || filepath.Base(name) == "status" {
				scripts = append(scripts, name)
			}
		}
		for _, script := range scripts {
			if out, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
				t.Errorf("bash -n: %v\n%s", err, out)
			}
		}
		if missing == nil {
			// What looks like an expansion in a quoted value is meant literally.
			args := append([]string{"--shell=bash", "--exclude=SC2016,SC1003"}, scripts...)
			if out, err := exec.Command(shellcheck, args...).CombinedOutput(); err != nil {
				t.Errorf("shellcheck: %v\n%s", err, out)
			}
		}
	})
}

// The same recipe gives the same bytes and modes in another directory, time zone, language, user and umask.
func TestSameBytesEverywhere(t *testing.T) {
	eachCase(t, func(t *testing.T) {
		first := written(t)
		elsewhere := t.TempDir()
		for _, name := range tree(t, ".") {
			if strings.HasPrefix(name, "bundle/") {
				continue
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(elsewhere, name)
			if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(copied, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for name, value := range map[string]string{"TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "LC_ALL": "de_DE", "HOME": "/nowhere", "USER": "other", "SLURM_JOB_ID": "7"} {
			t.Setenv(name, value)
		}
		t.Chdir(elsewhere)
		old := syscall.Umask(0o077)
		defer syscall.Umask(old)
		second := written(t)
		if !slices.Equal(first, second) {
			t.Errorf("the bundles differ:\n%s", firstDifference(strings.Join(first, "\n"), strings.Join(second, "\n")))
		}
	})
}

// written is a bundle as it lies on disk: a line a file, with its mode and content.
func written(t *testing.T) []string {
	t.Helper()
	done, err := bundle.Write(t.TempDir(), compile(t).bundle, false)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range tree(t, done.Dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimPrefix(name, done.Dir)+" "+info.Mode().String()+" "+string(data))
	}
	return all
}

// agents puts a file that is an agent for amd64, as far as its first bytes tell, where gen looks for it.
func agents(t testing.TB, names ...string) {
	t.Helper()
	dir := t.TempDir()
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")
	header[16], header[18], header[20], header[52] = 2, 62, 1, 64 // an executable for EM_X86_64, version 1, of this header
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), header, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	old := besideGen
	besideGen = func() (string, error) { return dir, nil }
	t.Cleanup(func() { besideGen = old })
}

// recipeFile writes a recipe into the working directory, which is a new one.
func recipeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const smallest = "scenario: small\norchestration: {mode: local}\nworkload: {service: dummy, concurrency: 2}\n"

func TestCompileWritesABundle(t *testing.T) {
	agents(t, "agent", "agent-gpu")
	t.Chdir(t.TempDir())
	recipeFile(t, "a.yaml", smallest)
	status, stdout, stderr := gen("", "a.yaml", "--set", "workload.concurrency=[2, 4]", "-o", "jobs")
	if status != 0 || stderr != "" {
		t.Fatalf("status %d: %s", status, stderr)
	}
	if !strings.HasPrefix(stdout, "small  this machine · ") || !strings.HasSuffix(stdout, "next: jobs/small/submit.sh\n") {
		t.Errorf("stdout is %s", stdout)
	}
	for _, name := range []string{"job.sbatch", "submit.sh", "bin/agent", "bin/agent-gpu", "node/server.sh"} {
		info, err := os.Stat("jobs/small/" + name)
		if err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v", name, err)
		}
	}
	set, err := os.ReadFile("jobs/small/inputs/set")
	if err != nil || string(set) != "workload.concurrency=[2, 4]\n" {
		t.Errorf("inputs/set is %q, %v", set, err)
	}
	resolved, err := os.ReadFile("jobs/small/recipe.resolved.yaml")
	if err != nil || !strings.Contains(string(resolved), "concurrency: [2, 4]") {
		t.Errorf("the setting is not in recipe.resolved.yaml:\n%s", resolved)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "--quiet", "MANIFEST")
	check.Dir = "jobs/small"
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

func TestCompileWritesNothingHalf(t *testing.T) {
	agents(t, "agent")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"one of two is wrong", []string{"a.yaml", "bad.yaml"}, 1, "bad.yaml:3:21: error: unknown service \"dumy\""},
		{"two with one directory", []string{"a.yaml", "b.yaml"}, 1, "b.yaml:1:11: error: a.yaml and this recipe would both be written to small"},
		{"a setting that is none", []string{"a.yaml", "--set", "workload"}, 2, "--set wants PATH=VALUE"},
		{"a setting of nothing known", []string{"a.yaml", "--set", "workload.concurency=8"}, 1, "--set workload.concurency: error: unknown field"},
		{"a bad value of a setting", []string{"a.yaml", "--set", "workload.concurrency=many"}, 1, "--set workload.concurrency: error: "},
		{"no recipe", []string{"-o", "x"}, 2, "no recipe"},
		{"no such recipe", []string{"c.yaml"}, 2, "c.yaml: no such file"},
		{"another architecture", []string{"slurm.yaml", "--cluster", "arm.yaml"}, 1, "agent is for EM_X86_64, and the cluster profile says arm64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			recipeFile(t, "a.yaml", smallest)
			recipeFile(t, "b.yaml", smallest)
			recipeFile(t, "bad.yaml", strings.Replace(smallest, "service: dummy", "service: dumy", 1))
			recipeFile(t, "slurm.yaml", `scenario: small
partition: p
orchestration: {total_nodes: 2, node_allocation: {servers: {nodes: 1}, clients: {nodes: 1}}}
resources: {servers: {}, clients: {}}
workload: {component: inference, service: dummy, model: m}
`)
			recipeFile(t, "arm.yaml", "name: arm\nshell: /bin/bash\ngpu_request: gres\narchitecture: arm64\nruntime: apptainer\nbill_unit: node-hours\n")
			status, _, stderr := gen("", c.args...)
			if status != c.status || !strings.Contains(stderr, c.want) {
				t.Errorf("status %d, want %d: %s", status, c.status, stderr)
			}
			if _, err := os.Stat("out"); err == nil {
				t.Errorf("out is there: %q", tree(t, "out"))
			}
		})
	}
}

func TestCompileWithoutAnAgentSaysHowToGetOne(t *testing.T) {
	agents(t)
	t.Chdir(t.TempDir())
	recipeFile(t, "a.yaml", smallest)
	status, _, stderr := gen("", "a.yaml")
	if status != 2 || !strings.Contains(stderr, "make build") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestCompileKeepsAnEditAndNamesIt(t *testing.T) {
	agents(t, "agent")
	t.Chdir(t.TempDir())
	recipeFile(t, "a.yaml", smallest)
	if status, _, stderr := gen("", "a.yaml"); status != 0 {
		t.Fatal(stderr)
	}
	recipeFile(t, "out/small/argv/d1.0", "mine\n")
	status, _, stderr := gen("", "a.yaml", "--set", "servers.service_config.ttft=1ms")
	if status != 0 || !strings.Contains(stderr, "out/small/argv/d1.0 was edited and is kept; the new text is in out/small/argv/d1.0.new") {
		t.Errorf("status %d: %s", status, stderr)
	}
	if text, err := os.ReadFile("out/small/argv/d1.0"); err != nil || string(text) != "mine\n" {
		t.Errorf("the edit became %q, %v", text, err)
	}
}
