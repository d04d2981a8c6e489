package render

import (
	"io/fs"
	"regexp"
	"testing"

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
