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
	if err != nil || !slices.Equal(names, []string{"generic", "local", "meluxina", "testbed"}) {
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
	}
}

func TestBadProfilesAreRefusedByPlace(t *testing.T) {
	src, err := fs.ReadFile(own(t), "generic.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(src)
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "memory: true", "memmory: true", `p.yaml:10: unknown key "memmory"`},
		{"GPU request", "gpu_request: gres", "gpu_request: gpus", `p.yaml: gpu_request is "gpus", and must be one of`},
		{"shell", "shell: /bin/bash", "shell: bash", `p.yaml: shell is "bash", and must be the path`},
		{"interfaces", "interfaces: hsn[0-9]+|ib[0-9]+", "interfaces: '('", "p.yaml: interfaces: error parsing regexp"},
		{"directive", "gpu_flag: --nv", "gpu_flag: --nv\nextra_directives: ['--x y']", `p.yaml: extra_directives: "--x y" is not --flag`},
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
	if want := `no cluster profile "melluxina" (there are generic, local, meluxina, testbed)`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
