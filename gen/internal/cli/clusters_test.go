package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/cluster"
)

// asked is where the recipe of testdata/clusters runs on each cluster, for profiles list more than one of each.
var asked = map[string]struct{ partition, qos string }{
	"deucalion":      {"normal-a100-80", ""},
	"discoverer":     {"common", "bg-eng-01"},
	"generic":        {"gpu", ""},
	"jupiter":        {"booster", ""},
	"juwels-booster": {"booster", ""},
	"karolina":       {"qgpu", ""},
	"leonardo":       {"boost_usr_prod", "normal"},
	"lumi":           {"standard-g", ""},
	"marenostrum5":   {"acc", "acc_ehpc"},
	"meluxina":       {"gpu", "default"},
	"snellius":       {"gpu_h100", ""},
	"testbed":        {"gpu", ""},
	"vega":           {"gpu", ""},
}

// One recipe on every cluster: what its job script asks of Slurm, what its steps ask of srun, modules, binds, the fabric,
// whose agent it takes along, and the servers' environment that the site adds to.
func TestEveryClusterAsksInItsOwnWay(t *testing.T) {
	t.Chdir("../../testdata/clusters")
	all, names, err := profiles()
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{"recipe.yaml": true}
	for _, name := range names {
		p, err := cluster.Load(all, name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Mode == "local" {
			continue
		}
		made[name+".txt"] = true
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", asks(t, p)) })
	}
	for _, file := range tree(t, ".") {
		if !made[file] {
			t.Errorf("%s is of no cluster", file)
		}
	}
}

// asks compiles the recipe for a profile and keeps what differs by site.
func asks(t *testing.T, p *cluster.Profile) []byte {
	t.Helper()
	src, said := planned(t, p)
	b, err := src.bundle(nil, surroundings{cluster: p.Name})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s: %s\nbin/agent for %s\n%s", p.Name, p.Description, p.Architecture, said)
	for _, file := range b.Files {
		if text := matching(file.Data, ofTheSite(p)[file.Path]); text != "" {
			fmt.Fprintf(&out, "\n── %s\n%s", file.Path, text)
		}
	}
	return out.Bytes()
}

// ofTheSite are, by file, the beginnings of lines that a profile has a say in: the shell, directives and values of the
// job script, the directives of a prefetch that is a job, and the variables that the profile gives servers.
func ofTheSite(p *cluster.Profile) map[string][]string {
	lines := map[string][]string{
		"job.sbatch": {"#!", "#SBATCH ", "readonly RUNTIME=", "readonly IMAGES=", "readonly BINDS=", "readonly INTERFACES=", "readonly SRUN=", "readonly CLIENT_STEP=", "LAUNCHER["},
	}
	if p.PrefetchCompute {
		lines["prefetch.sh"] = []string{"#!", "#SBATCH "}
	}
	for name := range p.ServerEnv {
		lines["env/d1.env"] = append(lines["env/d1.env"], name+"=")
	}
	return lines
}

// matching are the lines of a text that begin in one of some ways.
func matching(text []byte, beginnings []string) string {
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(line, b) }) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// planned is the recipe planned for a profile, and what was said of it.
func planned(t *testing.T, p *cluster.Profile) (*source, string) {
	t.Helper()
	where, ok := asked[p.Name]
	if !ok {
		t.Fatalf("say in the test which partition of %s the recipe runs in", p.Name)
	}
	around := surroundings{cluster: p.Name, sets: many{"partition=" + where.partition}}
	if p.AccountRequired {
		around.sets = append(around.sets, "account=p200981")
	}
	if where.qos != "" {
		around.sets = append(around.sets, "qos="+where.qos)
	}
	if n := p.GPUsPerNode; n > 0 {
		around.sets = append(around.sets, fmt.Sprintf("resources.servers.gpus=%d", n), fmt.Sprintf("servers.service_config.distributed.tensor_parallel_size=%d", n))
	}
	var said bytes.Buffer
	e := env{stderr: &said}
	src, err := e.read("recipe.yaml", around)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.tell(src.Diags, src); err != nil {
		t.Fatal(err)
	}
	if src.Diags.Failed() {
		t.Fatalf("the recipe is refused:\n%s", &said)
	}
	return src, said.String()
}

// An agent for the wrong architecture is not put into a bundle: the message says how to make the right one.
func TestAgentOfTheProfilesArchitecture(t *testing.T) {
	dir := t.TempDir()
	before := besideGen
	besideGen = func() (string, error) { return dir, nil }
	defer func() { besideGen = before }()

	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := binaries("arm64"); err == nil || !strings.Contains(err.Error(), "make build makes both") {
		t.Errorf("no agent at all: %v", err)
	}
	amd64, arm64 := forMachine(program, 62), forMachine(program, 183)
	write("agent", amd64)
	_, err = binaries("arm64")
	if want := "is for EM_X86_64, and the cluster profile says arm64: make agent-arm64 makes " + filepath.Join(dir, "agent-linux-arm64"); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("only this machine's agent: %v, want …%s", err, want)
	}
	write("agent-linux-arm64", amd64)
	if _, err := binaries("arm64"); err == nil || !strings.Contains(err.Error(), "agent-linux-arm64 is for EM_X86_64") {
		t.Errorf("a file of the right name and the wrong architecture: %v", err)
	}
	write("agent-linux-arm64", arm64)
	files, err := binaries("arm64")
	if err != nil || len(files) != 1 || files[0].Path != "bin/agent" || !bytes.Equal(files[0].Data, arm64) {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// forMachine is a program with another machine written into its header.
func forMachine(program []byte, machine byte) []byte {
	program = bytes.Clone(program)
	program[18], program[19] = machine, 0
	return program
}
