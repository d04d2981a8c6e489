package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each recipe that gen create makes by flags alone, as a golden: it is read by people.
func TestCreate(t *testing.T) {
	agents(t, "agent")
	for name, flags := range map[string]string{
		"dummy":            "--cluster local --service dummy",
		"ollama":           "--cluster meluxina --service ollama --set account=p200981",
		"vllm":             "--cluster meluxina --service vllm --set account=p200981 --set workload.concurrency=[1,64]",
		"vllm-distributed": "--cluster leonardo --service vllm --scenario two --set account=p1 --set orchestration.node_allocation.servers.nodes=2",
		"sglang":           "--cluster meluxina --service sglang --set account=p200981 --set orchestration.node_allocation.servers.nodes=2",
		"tensorrt-llm":     "--cluster meluxina --service tensorrt-llm --set account=p200981 --set orchestration.node_allocation.servers.nodes=2",
		"triton":           "--cluster meluxina --service triton --set account=p200981",
		"llamacpp":         "--cluster generic --service llamacpp --set partition=gpu --set artifacts.service.path=/images/llama.sif",
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := filepath.Abs("../../testdata/create")
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			status, stdout, stderr := gen("", append([]string{"create"}, strings.Fields(flags)...)...)
			if status != 0 || !strings.Contains(stdout, "is written: gen recipes/") {
				t.Fatalf("status %d\n%s%s", status, stdout, stderr)
			}
			files, err := filepath.Glob("recipes/*.yaml")
			if err != nil || len(files) != 1 {
				t.Fatalf("%v, %v", files, err)
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, name+".yaml"), text)
			if status, stdout, stderr := gen("", "check", files[0]); status != 0 {
				t.Errorf("status %d\n%s%s", status, stdout, stderr)
			}
			if status, stdout, stderr := gen("", files[0]); status != 0 {
				t.Errorf("it does not compile: status %d\n%s%s", status, stdout, stderr)
			}
			for _, line := range strings.Split(string(text), "\n") {
				if len(line) > 160 {
					t.Errorf("a long line: %s", line)
				}
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	for _, c := range []struct {
		flags  string
		status int
		says   string
	}{
		{"--cluster meluxina --service vllm", 1, "account that pays: there is no default for it (--set account=VALUE)"},
		{"--cluster melluxina --service vllm", 1, `no cluster profile "melluxina"`},
		{"--cluster local --service vlm", 1, `no service "vlm"`},
		{"--cluster local --service dummy --set workload.concurency=3", 1, `did you mean "concurrency"?`},
		{"--cluster local --service dummy --set workload.duration=long", 1, "it is not a duration"},
		{"--cluster local --service dummy --set x", 2, "--set wants PATH=VALUE"},
		{"recipe.yaml", 2, "create takes no arguments"},
		{"--cluster local --service dummy -o there.yaml", 2, "there.yaml: file already exists"},
		{"--cluster local --service dummy -o file/below.yaml", 2, "not a directory"},
	} {
		t.Run(c.flags, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, name := range []string{"there.yaml", "file"} {
				if err := os.WriteFile(name, []byte("mine"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			status, stdout, stderr := gen("", append([]string{"create"}, strings.Fields(c.flags)...)...)
			if status != c.status || !strings.Contains(stderr, c.says) || stdout != "" {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
			if files, err := filepath.Glob("*"); err != nil || len(files) != 2 {
				t.Errorf("it left %v, %v", files, err)
			}
		})
	}
}
