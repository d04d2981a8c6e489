package cli

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const demo = "scenario: demo\norchestration: {mode: local}\nworkload: {service: dummy}\n"

// write puts a file into a new directory and gives its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestExitStatus(t *testing.T) {
	good, bad := write(t, "good.yaml", demo), write(t, "bad.yaml", "scenario: x\n")
	warned := write(t, "warned.yaml", demo+"servers: {health_check: {endpoint: /nowhere}}\n")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		says   string // on standard error
	}{
		{"nothing to do", nil, 2, "no recipe"},
		{"good", []string{"check", good}, 0, ""},
		{"bad", []string{"check", bad}, 1, "bad.yaml:1:1: error: missing field"},
		{"one of two is bad", []string{"check", good, bad}, 1, "error"},
		{"a warning", []string{"check", warned}, 0, "warning: "},
		{"a warning, strictly", []string{"check", warned, "--strict"}, 1, "error: "},
		{"no such file", []string{"check", "nowhere.yaml"}, 2, "no such file"},
		{"a directory", []string{"check", t.TempDir()}, 2, "is a directory"},
		{"unknown flag", []string{"check", "--strct", good}, 2, "strct"},
		{"no operand", []string{"check"}, 2, "no recipe"},
		{"misspelt command", []string{"chekc", good}, 2, `did you mean "check"?`},
		{"unknown cluster", []string{"check", "--cluster", "melluxina", good}, 2, `did you mean "meluxina"?`},
		{"no cluster file", []string{"check", "--cluster", "./none.yaml", good}, 2, "no such file"},
		{"flag that looks like an operand", []string{"check", "--", "--strict"}, 2, "--strict"},
		{"unknown list", []string{"list", "recepies"}, 2, "recepies"},
		{"no recipes", []string{"list", "--dir", t.TempDir()}, 2, "does not exist"},
		{"version", []string{"version"}, 0, ""},
		{"version with an argument", []string{"version", "x"}, 2, "no arguments"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := gen("", c.args...)
			if status != c.status || !strings.Contains(stderr, c.says) {
				t.Errorf("status %d, want %d\nstdout %s\nstderr %s", status, c.status, stdout, stderr)
			}
			if c.status == 2 && stdout != "" {
				t.Errorf("words of an error on standard output: %s", stdout)
			}
		})
	}
}

func TestFlagsStandAnywhere(t *testing.T) {
	good := write(t, "good.yaml", demo)
	for _, args := range [][]string{
		{"check", "--cluster", "local", good}, {"check", good, "--cluster", "local"}, {"check", "--cluster=local", "--", good},
	} {
		if status, stdout, stderr := gen("", args...); status != 0 || stdout != good+": ok, 1 trial\n" {
			t.Errorf("%v: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

func TestCheckReadsStandardInput(t *testing.T) {
	status, stdout, stderr := gen(demo, "check", "-")
	if status != 0 || stdout != "-: ok, 1 trial\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestCheckJSON(t *testing.T) {
	status, stdout, stderr := gen("scenario: x\nworkloads: {}\n", "check", "--json", "-")
	var got []map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 1 || stderr != "" {
		t.Fatalf("status %d, %v, stderr %q", status, err, stderr)
	}
	last := got[len(got)-1]
	if last["line"] != 2.0 || last["code"] != "unknown-field" || last["hint"] != `did you mean "workload"?` {
		t.Errorf("got %v", last)
	}
}

func TestServicesOfOnesOwn(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "name: mine\ntitle: Mine\ndescription: my own server\ndialects: [openai-chat]\nhealth: {path: /up, timeout_s: 10}\nargv: |\n  my-server\n"
	if err := os.WriteFile(filepath.Join(dir, "mine", "service.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	recipe := strings.Replace(demo, "dummy", "mine, model: m", 1)
	if status, stdout, stderr := gen(recipe, "check", "-", "--services", dir); status != 0 {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if _, stdout, _ := gen("", "list", "services", "--services", dir); !strings.Contains(stdout, "my own server") {
		t.Errorf("not listed:\n%s", stdout)
	}
}

func TestEveryExampleCompiles(t *testing.T) {
	files, err := filepath.Glob("../../../recipes/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		status, stdout, stderr := gen("", "check", "--strict", file)
		if status != 0 || strings.Contains(stderr, "warning: ") {
			t.Errorf("%s: status %d\n%s%s", file, status, stdout, stderr)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if about := about(text); !strings.HasSuffix(about, "?") || !strings.Contains(string(text[:400]), "Costs") {
			t.Errorf("%s does not say which question it answers and what it costs: %q", file, about)
		}
	}
}

func TestListRecipes(t *testing.T) {
	status, stdout, stderr := gen("", "list", "recipes", "--dir", "../../../recipes")
	words := strings.Join(strings.Fields(stdout), " ")
	if status != 0 || !strings.Contains(words, "demo dummy dummy 1 6 59 s Does the whole path work") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	file := write(t, "bad.yaml", "scenario: x\n")
	_, stdout, _ = gen("", "list", "--json", "--dir", filepath.Dir(file))
	var rows []map[string]string
	if err := json.Unmarshal([]byte(stdout), &rows); err != nil || len(rows) != 1 || !strings.HasPrefix(rows[0]["description"], "does not compile") {
		t.Errorf("a broken recipe is %v, %v", rows, err)
	}
	dir := filepath.Dir(file)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "a.yaml"), 0o755), os.WriteFile(filepath.Join(dir, "z.yaml"), []byte(demo), 0o644)); err != nil {
		t.Fatal(err)
	}
	status, stdout, _ = gen("", "list", "--dir", dir)
	if lines := strings.Split(stdout, "\n"); status != 0 || len(lines) != 5 || !strings.Contains(lines[1], "can't be read: is a directory") || !strings.HasPrefix(lines[3], "z") {
		t.Errorf("one that is broken hides others: status %d\n%s", status, stdout)
	}
}

func TestListDatasets(t *testing.T) {
	status, stdout, stderr := gen("", "list", "datasets")
	for _, word := range []string{"JSON Lines", "ShareGPT", "HellaSwag"} {
		if status != 0 || !strings.Contains(stdout, word) {
			t.Errorf("status %d, no %s in\n%s%s", status, word, stdout, stderr)
		}
	}
}

func TestRoughly(t *testing.T) {
	for seconds, want := range map[int]string{59: "59 s", 100: "2 min", 2400: "40 min", 5999: "100 min", 6000: "1.7 h", 18720: "5.2 h", 40000: "11 h"} {
		if got := roughly(seconds); got != want {
			t.Errorf("roughly(%d) = %q, want %q", seconds, got, want)
		}
	}
}

func TestAboutIsTheFirstSentence(t *testing.T) {
	for text, want := range map[string]string{
		"# One. Two.\nscenario: x\n": "One",
		"# yaml-language-server: $schema=x\n# Is it 1.5\n# times faster? Yes.\n": "Is it 1.5 times faster?",
		"scenario: x\n# later\n": "",
		"":                       "",
	} {
		if got := about([]byte(text)); got != want {
			t.Errorf("about(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestNextCommandIsTheOneThatWorksThere(t *testing.T) {
	recipe, err := os.ReadFile("../../testdata/compile/listing3/recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	agents(t, "agent")
	for cluster, want := range map[string]string{"generic": "next: OUT/experiment-name/prefetch.sh && OUT/experiment-name/submit.sh --smoke ", "meluxina": "next: sbatch OUT/experiment-name/prefetch.sh   (once), then OUT/"} {
		out := t.TempDir()
		status, stdout, stderr := gen(string(recipe), "-o", out, "--cluster", cluster, "-")
		if stdout = strings.ReplaceAll(stdout, out, "OUT"); status != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%s: status %d, stderr %s, no %q in\n%s", cluster, status, stderr, want, stdout)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	for args, want := range map[string]string{
		"check --strit x.yaml": `unknown flag --strit: did you mean "--strict"? (gen check -h tells more)`,
		"x.yaml --zzzzzz":      "unknown flag --zzzzzz (gen compile -h tells more)",
		"x.yaml --set":         "--set needs a value (gen compile -h tells more)",
		"chek":                 `no command and no file "chek": did you mean "check"? (gen -h tells more)`,
	} {
		status, stdout, stderr := gen("", strings.Fields(args)...)
		if status != 2 || stdout != "" || stderr != "gen: error: "+want+"\n" {
			t.Errorf("gen %s: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}
