package cli

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diff"
	"hpcbench/gen/internal/why"
	"hpcbench/templates"
)

// Each line of each golden has a source, and each source can be looked up and is about the line: a template's own text
// stands on it, a value's key stands at its place, and what the recipe alone says leads to the recipe's line.
func TestWhyKnowsEveryLineOfEveryGolden(t *testing.T) {
	eachCase(t, func(t *testing.T) {
		in, err := env{stderr: os.Stderr}.inputsOf("bundle")
		if err != nil {
			t.Fatal(err)
		}
		all, err := in.Explain()
		if err != nil {
			t.Fatal(err)
		}
		said := distinctive(t)
		for _, name := range tree(t, "bundle") {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file := strings.TrimPrefix(name, "bundle/")
			lines, known := all[file]
			if file == "MANIFEST" {
				continue
			}
			if want := diff.Lines(string(text)); !known || len(lines) != len(want) {
				t.Fatalf("%s has %d lines, and %d are explained", file, len(want), len(lines))
			}
			for n, want := range diff.Lines(string(text)) {
				if lines[n].Text != want || len(lines[n].Sources) == 0 {
					t.Errorf("%s:%d: %q, %d sources of %q", file, n+1, want, len(lines[n].Sources), lines[n].Text)
				}
				for _, s := range lines[n].Sources {
					checkSource(t, in, file, lines[n], s)
				}
				if !strings.HasPrefix(file, "recipe") {
					checkSaid(t, file, n+1, lines[n], said)
				}
			}
		}
	})
}

// checkSource looks a source up.
func checkSource(t *testing.T, in why.Inputs, file string, line why.Line, s why.Source) {
	t.Helper()
	if s.Pos.Line == 0 {
		if s.Kind == "template" || s.Kind == "recipe" || s.Kind == "service" || s.Kind == "profile" {
			t.Errorf("%s: %q: a %s without a place: %s", file, line.Text, s.Kind, s.Text)
		}
		return
	}
	name := s.Pos.File
	if !strings.HasPrefix(name, "bundle/") {
		name = "../../../../" + name
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	there := diff.Lines(string(text))[s.Pos.Line-1]
	switch s.Kind {
	case "template":
		own, _, _ := strings.Cut(there, "{{")
		if own = strings.TrimSpace(own); strings.TrimSpace(there) != s.Text || !strings.Contains(unquoted(file, line.Text), own) {
			t.Errorf("%s: %q does not come from %s: %s", file, line.Text, s.Pos, there)
		}
	case "default":
		if !strings.Contains(there, "default") {
			t.Errorf("%s: %q: no default at %s: %s", file, line.Text, s.Pos, there)
		}
	case "recipe", "service", "profile":
		path, value, _ := strings.Cut(s.Text, ": ")
		parts := strings.Split(strings.TrimSuffix(path, ":"), ".")
		key := regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(parts[len(parts)-1]) + `\W`)
		value, _, _ = strings.Cut(value, " of ")
		if !key.MatchString(there+" ") && !strings.Contains(there, strings.Trim(value, `"`)) {
			t.Errorf("%s: %q: neither key nor value of %q at %s: %s", file, line.Text, s.Text, s.Pos, there)
		}
	}
}

// unquoted is a line as a template has it: gen quotes the values of env/.
func unquoted(file, text string) string {
	if strings.HasPrefix(file, "env/") {
		return strings.ReplaceAll(text, "'", "")
	}
	return text
}

// distinctive are the texts of the recipe that hardly stand anywhere else, by its lines.
func distinctive(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile("recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]int{}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		for i, child := range n.Content {
			if n.Kind != yaml.MappingNode || i%2 == 1 {
				walk(child)
			}
		}
		if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || len(n.Value) < 6 || !strings.ContainsAny(n.Value, "/$; ") || strings.ContainsAny(n.Value, "'") {
			return
		}
		all[n.Value] += n.Line
		if strings.Count(string(text), n.Value) > 1 {
			delete(all, n.Value)
		}
	}
	walk(&doc)
	return all
}

// checkSaid finds texts of the recipe on a line that is not said to come from there.
func checkSaid(t *testing.T, file string, n int, line why.Line, said map[string]int) {
	t.Helper()
	for value, at := range said {
		from := func(s why.Source) bool {
			return s.Kind == "recipe" && s.Pos.Line == at || s.Kind == "template" && strings.Contains(s.Text, value)
		}
		if strings.Contains(line.Text, value) && !slices.ContainsFunc(line.Sources, from) {
			t.Errorf("%s:%d: %q has %q of recipe.yaml:%d, and comes from %v", file, n, line.Text, value, at, line.Sources)
		}
	}
}

// sourcesOf runs gen why on the first line of a file that begins in this way, and gives what it says below the line.
func sourcesOf(t *testing.T, file, begin string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range diff.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(line), begin) {
			status, stdout, stderr := gen("", "why", file+":"+strconv.Itoa(n+1))
			if status != 0 || stderr != "" {
				t.Fatalf("status %d: %s", status, stderr)
			}
			_, below, _ := strings.Cut(stdout, "\n")
			return below
		}
	}
	t.Fatalf("%s has no line %s", file, begin)
	return ""
}

func TestWhy(t *testing.T) {
	t.Chdir("../../testdata/compile")
	for _, c := range []struct{ file, line, want string }{
		{"dummy-local/bundle/job.sbatch", "readonly SCENARIO=", `template .*job\.sbatch\.tmpl:\d+ .*readonly SCENARIO=\{\{quote \.Scenario\}\}\n +recipe +dummy-local/bundle/recipe\.yaml:\d+ +scenario: demo\n$`},
		{"dummy-local/bundle/job.sbatch", "set -uo pipefail", `^ +template +templates/job\.sbatch\.tmpl:\d+ +set -uo pipefail\n$`},
		{"dummy-local/bundle/job.sbatch", "phase() {", `^ +template +templates/lib/say\.sh:\d+ +phase\(\) \{\n$`},
		{"vllm-mp/bundle/job.sbatch", "#SBATCH --partition=", `recipe +vllm-mp/bundle/recipe\.yaml:\d+ +partition: `},
		{"vllm-mp/bundle/job.sbatch", "#SBATCH --nodes=", `recipe +vllm-mp/bundle/recipe\.yaml:\d+ +orchestration\.total_nodes: `},
		{"vllm-mp/bundle/job.sbatch", "#SBATCH --hint=", `profile +templates/clusters/meluxina\.yaml:\d+ +extra_directives\.0: --hint=nomultithread`},
		{"vllm-mp/bundle/argv/d1.1", "--headless", `template +templates/services/vllm/argv\.tmpl:\d+ +--headless\n`},
		{"vllm-mp/bundle/env/d1.env", "HF_HUB_OFFLINE", `^ +template +templates/services/vllm/env\.tmpl:1 +HF_HUB_OFFLINE=1\n$`},
		{"vllm-mp/bundle/trials/0001.json", `"concurrency"`, `^ +recipe +vllm-mp/bundle/recipe\.yaml:\d+ +workload\.concurrency: `},
		{"vllm-mp/bundle/trials/0001.json", `"schema"`, `^ +gen +the form of a trial`},
		{"vllm-mp/bundle/recipe.resolved.yaml", "ignore_eos", `^ +default +schemas/recipe-format\.yaml:\d+ +workload\.ignore_eos: true\n$`},
		{"vllm-mp/bundle/recipe.resolved.yaml", "workload:", `^ +recipe +vllm-mp/bundle/recipe\.yaml:\d+ +workload:\n$`},
		{"vllm-mp/bundle/recipe.yaml", "workload:", `^ +file +vllm-mp/bundle/recipe\.yaml:\d+ +as it was given to gen\n$`},
		{"vllm-mp/bundle/MANIFEST", "# plan", `^ +gen +the plan's id`},
		{"vllm-mp/bundle/node/causes.tsv", "1\t^ray lost", `^ +service +templates/services/vllm/service\.yaml:\d+ +causes\.0\.pattern: `},
	} {
		if got := sourcesOf(t, c.file, c.line); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s: %s\n%swant %s", c.file, c.line, got, c.want)
		}
	}
}

func TestWhyKnowsFlags(t *testing.T) {
	agents(t, "agent")
	t.Chdir(t.TempDir())
	recipeFile(t, "a.yaml", "scenario: small\npartition: p\norchestration: {total_nodes: 1, node_allocation: {servers: {nodes: 1}, clients: {nodes: 0}}}\n"+
		"resources: {servers: {cpus_per_task: 4}, clients: {}}\nworkload: {component: inference, service: mine, model: m}\n")
	if err := os.MkdirAll("mine", 0o755); err != nil {
		t.Fatal(err)
	}
	recipeFile(t, "mine/service.yaml", "name: mine\ndialects: [openai-chat]\nhealth: {path: /up, timeout_s: 10}\nargv: |\n  my-server\n  {{arg .Model}}\n")
	text, err := fs.ReadFile(templates.FS, "clusters/generic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	recipeFile(t, "site.yaml", strings.Replace(string(text), "name: generic", "name: site\nextra_directives: [--hint=x]", 1))
	status, _, stderr := gen("", "a.yaml", "--services", "mine", "--cluster", "./site.yaml", "--set", "workload.gen_tokens=77")
	if status != 0 {
		t.Fatal(stderr)
	}
	for _, c := range []struct{ file, line, want string }{
		{"out/small/argv/d1.0", "my-server", `^ +template +out/small/inputs/services/mine/service\.yaml:5 +my-server\n$`},
		{"out/small/argv/d1.0", "m\x00", `template +out/small/inputs/services/mine/service\.yaml:6 +\{\{arg \.Model\}\}\n +recipe +out/small/recipe\.yaml:5 +workload\.model: m\n$`},
		{"out/small/job.sbatch", "#SBATCH --hint", `profile +out/small/inputs/cluster\.yaml:\d+ +extra_directives\.0: --hint=x\n`},
		{"out/small/trials/0001.json", `"max_tokens"`, `^ +set +workload\.gen_tokens: 77\n$`},
		{"out/small/inputs/set", "workload", `^ +file +out/small/inputs/set:1 +as it was given`},
	} {
		line := strings.TrimSuffix(c.line, "\x00")
		got := ""
		if line != c.line {
			_, stdout, _ := gen("", "why", c.file+":2")
			_, got, _ = strings.Cut(stdout, "\n")
		} else {
			got = sourcesOf(t, c.file, line)
		}
		if !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s: %s\n%swant %s", c.file, line, got, c.want)
		}
	}
	if err := os.RemoveAll("out/small/inputs/services"); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := gen("", "why", "out/small/job.sbatch:1"); status != 1 || !strings.Contains(stderr, "it has no inputs/services (--services), one of which it may have been compiled with") {
		t.Errorf("status %d: %s", status, stderr)
	}
}

func TestWhyCallsAnEditedLineEdited(t *testing.T) {
	inBundle(t)
	text, err := os.ReadFile("out/small/argv/d1.0")
	if err != nil {
		t.Fatal(err)
	}
	recipeFile(t, "out/small/argv/d1.0", strings.Replace(string(text), "--listen\n", "--listening\n", 1)+"--mine\n")
	status, stdout, stderr := gen("", "why", "out/small/argv/d1.0")
	for _, want := range []string{
		"d1.0:2: dummy\n  template ", "d1.0:3: edited: --listening\n  what gen makes here comes from\n  template ",
		"d1.0:4: @IP@:@PORT@\n  template ", ": edited: --mine\n  gen makes no line here\n",
	} {
		if status != 0 || !strings.Contains(stdout, want) {
			t.Errorf("status %d: no %q in\n%s%s", status, want, stdout, stderr)
		}
	}
	status, stdout, _ = gen("", "why", "--json", "out/small/argv/d1.0:3")
	var lines []explained
	if err := json.Unmarshal([]byte(stdout), &lines); err != nil || status != 0 || len(lines) != 1 || !lines[0].Edited || lines[0].Sources[0].Kind != "template" {
		t.Errorf("status %d, %v: %s", status, err, stdout)
	}
}

func TestWhyRefuses(t *testing.T) {
	inBundle(t)
	recipeFile(t, "out/small/notes", "x\n")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, 2, "why wants one BUNDLE/FILE:LINE"},
		{[]string{"out/small"}, 2, "is a directory"},
		{[]string{"out/small/nothing:1"}, 2, "no such file"},
		{[]string{"out/small/job.sbatch:0"}, 2, "lines count from 1"},
		{[]string{"out/small/argv/d1.0:1000"}, 1, "out/small/argv/d1.0 has "},
		{[]string{"out/small/bin/agent:1"}, 1, "is a program"},
		{[]string{"out/small/notes:1"}, 1, "was not generated"},
		{[]string{"a.yaml:1"}, 1, "is in no job directory"},
	} {
		if status, stdout, stderr := gen("", append([]string{"why"}, c.args...)...); status != c.status || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: status %d, want %d\n%s%s", c.args, status, c.status, stdout, stderr)
		}
	}
	recipeFile(t, "out/small/recipe.yaml", strings.Replace(smallest, "concurrency: 2", "concurrency: 3", 1))
	if status, _, stderr := gen("", "why", "out/small/trials/0001.json:2"); status != 1 || !strings.Contains(stderr, "recipe.yaml is edited since") {
		t.Errorf("an edited recipe: status %d: %s", status, stderr)
	}
	recipeFile(t, "out/small/recipe.yaml", "scenario: x\n")
	if status, _, stderr := gen("", "why", "out/small/trials/0001.json:2"); status != 1 || !strings.Contains(stderr, "do not compile") {
		t.Errorf("a recipe with errors: status %d: %s", status, stderr)
	}
}
