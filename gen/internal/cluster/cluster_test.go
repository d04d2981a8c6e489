package cluster

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"hpcbench/templates"
)

func own(t *testing.T) fs.FS {
	t.Helper()
	fsys, err := fs.Sub(templates.FS, "clusters")
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func TestOwnProfilesLoad(t *testing.T) {
	names, err := List(own(t))
	want := []string{"deucalion", "discoverer", "generic", "jupiter", "juwels-booster", "karolina", "leonardo", "local", "lumi",
		"marenostrum5", "meluxina", "snellius", "testbed", "vega"}
	if err != nil || !slices.Equal(names, want) {
		t.Fatalf("profiles: %q, %v", names, err)
	}
	for _, name := range names {
		p, err := Load(own(t), name)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Name != name {
			t.Errorf("%s.yaml calls itself %q", name, p.Name)
		}
		if ours := slices.Contains([]string{"generic", "local", "testbed"}, name); ours != (p.Checked == "") {
			t.Errorf("%s: checked %q; a site's values are looked up, and those of no site are not", name, p.Checked)
		}
	}
}

func TestBadProfilesAreRefusedByPlace(t *testing.T) {
	src, err := fs.ReadFile(own(t), "generic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(src)
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "memory: true", "memmory: true", `p.yaml:10: unknown key "memmory" (did you mean "memory"?)`},
		{"GPU request", "gpu_request: gres", "gpu_request: gpus", `p.yaml: gpu_request is "gpus", and must be one of`},
		{"shell", "shell: /bin/bash", "shell: bash", `p.yaml: shell is "bash", and must be the path`},
		{"interfaces", "interfaces: hsn[0-9]+|ib[0-9]+", "interfaces: '('", "p.yaml: interfaces: error parsing regexp"},
		{"directive", "gpu_flag: --nv", "gpu_flag: --nv\nextra_directives: ['--x y']", `p.yaml: extra_directives: "--x y" is not --flag`},
		{"rule of CPUs", "whole_nodes: false", "whole_nodes: false\ngpus_per_node: 4\ncpus_per_node: 64\ncpus_per_gpu: 20", "p.yaml: cpus_per_gpu is 20, and a node's 4 GPUs leave at most 16"},
		{"negative number", "whole_nodes: false", "whole_nodes: false\nmax_time_s: -1", "p.yaml: max_time_s is -1, and can't be less than 0"},
		{"partition of whole nodes", "whole_nodes: false", "partitions: [a]\nwhole_node_partitions: [b]", `p.yaml: whole_node_partitions: "b" is not one of partitions`},
		{"bill of unknown GPUs", "bill_unit: node-hours", "bill_unit: gpu-hours", "p.yaml: bill_unit is gpu-hours, and a node's are not known"},
		{"queue for tests", "whole_nodes: false", "partitions: [a]\nsmoke_partition: b", `p.yaml: smoke_partition is "b", which is not one of partitions`},
		{"qos for tests", "whole_nodes: false", "qos: [a]\nsmoke_qos: b", `p.yaml: smoke_qos is "b", which is not one of qos`},
		{"time of tests", "whole_nodes: false", "smoke_time_s: -1", "p.yaml: smoke_time_s is -1, and can't be less than 0"},
		{"partition of clients", "whole_nodes: false", "client_partition: 'a b'", `p.yaml: client_partition is "a b", and can have no blanks`},
		{"name of a variable", "gpu_flag: --nv", "gpu_flag: --nv\nserver_env: {A-B: c}", `p.yaml: server_env: "A-B" can't be the name of a variable`},
		{"value of a variable", "gpu_flag: --nv", "gpu_flag: --nv\nenv: {A: \"b\\nc\"}", "p.yaml: env: A has a line break"},
		{"date without source", "gpu_flag: --nv", "gpu_flag: --nv\nchecked: 2026-11-23", "p.yaml: checked and sources go together"},
		{"date", "gpu_flag: --nv", "gpu_flag: --nv\nchecked: yesterday\nsources: ['https://x.org']", `p.yaml: checked is "yesterday", and must be a date`},
		{"source", "gpu_flag: --nv", "gpu_flag: --nv\nchecked: 2026-11-23\nsources: [a friend]", `p.yaml: sources: "a friend" is not an address`},
		{"unknown runtime", "runtime: apptainer", "runtime: docker", `p.yaml: runtime is "docker", and must be one of`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("p.yaml", []byte(strings.Replace(good, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestUnknownProfileListsTheKnownOnes(t *testing.T) {
	_, err := Load(own(t), "melluxina")
	if want := `no cluster profile "melluxina" (there are deucalion, `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// What is not known is left blank, and jobs are still made: by the usual names, counted in nodes.
func TestBlankIsUnknown(t *testing.T) {
	p, err := Parse("p.yaml", []byte("name: p\nshell: /bin/bash\ngpu_request: gres\narchitecture: amd64\nruntime:\ninterfaces:\nbill_unit:\ninternet_login:\nqos:\n"))
	if err != nil {
		t.Fatal(err)
	}
	if each, unit := p.Bill(); each != 1 || unit != "node-hours" || p.Unit() != "unknown" {
		t.Errorf("bill: %g %s, told as %s", each, unit, p.Unit())
	}
	if p.Container() != "apptainer" || p.Fabric() != UsualInterfaces || p.InternetLogin != nil || p.GPUs() != "unknown" || p.CPUs() != "unknown" {
		t.Errorf("%+v", p)
	}
}

func TestBillOfANode(t *testing.T) {
	for name, want := range map[string]float64{"lumi": 4, "leonardo": 32, "juwels-booster": 48, "snellius": 4, "karolina": 1, "jupiter": 1} {
		p, err := Load(own(t), name)
		if err != nil {
			t.Error(err)
			continue
		}
		if each, unit := p.Bill(); each != want {
			t.Errorf("%s: %g %s a node and hour, want %g", name, each, unit, want)
		}
	}
}
