package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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

// One recipe on every cluster: what its job script asks of Slurm, its values, and the servers' environment that the site
// adds to.
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
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", head(t, p)) })
	}
	for _, file := range tree(t, ".") {
		if !made[file] {
			t.Errorf("%s is of no cluster", file)
		}
	}
}

// head compiles the recipe for a profile and cuts the job script where its functions begin.
func head(t *testing.T, p *cluster.Profile) []byte {
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
	b, err := src.bundle(nil, around)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.Write(said.Bytes())
	for _, file := range b.Files {
		switch file.Path {
		case "job.sbatch":
			text, _, _ := strings.Cut(string(file.Data), "\n# ── The job")
			fmt.Fprintf(&out, "── job.sbatch\n%s", text)
		case "env/d1.env":
			fmt.Fprintf(&out, "── env/d1.env\n%s", file.Data)
		}
	}
	return out.Bytes()
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
