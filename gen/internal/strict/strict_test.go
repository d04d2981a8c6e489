package strict

import "testing"

func TestDecodeNamesFileAndLine(t *testing.T) {
	type inner struct {
		Path string `yaml:"path"`
	}
	type file struct {
		Name   string `yaml:"name"`
		Port   int    `yaml:"port"`
		Health inner  `yaml:"health"`
	}
	for _, c := range []struct{ name, src, want string }{
		{"good", "name: a\nport: 1\nhealth: {path: /}\n", ""},
		{"empty", "", "x.yaml: the file is empty"},
		{"unknown key", "name: a\nprot: 1\n", `x.yaml:2: unknown key "prot" (did you mean "port"?)`},
		{"unknown key below", "health:\n  path: /\n  pth: /\n", `x.yaml:3: unknown key "pth" (did you mean "path"?)`},
		{"wrong type", "port: many\n", "x.yaml:1: cannot unmarshal !!str `many` into int"},
		{"two at once", "a: 1\nb: 2\n", "x.yaml:1: unknown key \"a\"\nx.yaml:2: unknown key \"b\""},
		{"not YAML", "name: [\n", "x.yaml:1: did not find expected node content"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got string
			if err := Decode("x.yaml", []byte(c.src), &file{}); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
