package render

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hpcbench/templates"
)

// prometheus runs lines of bash among the functions of node/prometheus.sh, for the run results/7 in a directory of its own, and gives
// what they write, and the directory.
func prometheus(t *testing.T, files map[string]string, lines string) (out, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, "results/7", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := Script(templates.FS, "node/prometheus.sh.tmpl", &Store{Bundle: &Bundle{Laptop: Laptop{ScenarioJSON: `"a \"b\""`}}, Name: "prometheus"})
	if err != nil {
		t.Fatal(err)
	}
	functions, _, found := strings.Cut(string(text), "\nrun_store \"$@\"")
	if !found {
		t.Fatal("the script does not end in run_store")
	}
	if err := os.WriteFile(filepath.Join(dir, "script"), []byte(functions), 0o644); err != nil {
		t.Fatal(err)
	}
	quoted, err := quote(dir)
	if err != nil {
		t.Fatal(err)
	}
	return bash(t, "cd "+quoted+"; set -- "+quoted+"/results/7; . ./script; TMP="+quoted+"/tmp; mkdir -p $TMP/targets\n"+lines), dir
}

// What executors and monitors publish becomes targets only if it can't be anything but a name and an address.
func TestTargetsAreNamesAndAddresses(t *testing.T) {
	out, _ := prometheus(t, map[string]string{
		"executors/cn01": "10.0.0.1:20106\n", "executors/cn02.site": "[fe80::1]:20106\n", "executors/cn03.part": "10.0.0.3:20106\n",
		"executors/cn\"04": "10.0.0.4:20106\n", "executors/cn05": "10.0.0.5:1\"]}, {\n", "executors/cn06": "", "executors/cn07": "10.0.0.7:20106",
	}, "refresh; cat $TMP/targets/run.client.json; printf '\\0'; cat $TMP/targets/run.node.json")
	client, node, _ := strings.Cut(out, "\x00")
	type target struct {
		Targets []string
		Labels  map[string]string
	}
	labels := func(host string) map[string]string {
		return map[string]string{"host": host, "instance": host + ":20106", "jobid": "7", "scenario": `a "b"`}
	}
	for text, want := range map[string][]target{
		client: {{[]string{"10.0.0.1:20106"}, labels("cn01")}, {[]string{"[fe80::1]:20106"}, labels("cn02.site")}},
		node:   {},
	} {
		var got []target
		if err := json.Unmarshal([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v (%v) of\n%s\nwant %v", got, err, text, want)
		}
	}
}

// Prometheus's data are in the results as a whole or not at all, and the log says which.
func TestDataAreKeptWholeOrNotAtAll(t *testing.T) {
	for _, c := range []struct{ name, lines, says, left string }{
		{"small", "", "its data, 1 MB, are in ", "wal/0\n"},
		{"too large", "du() { echo 4001 data; }; ", "its data are 4001 MB, and results get 4000 at most: they are not kept\n", ""},
		{"too slow", "cp() { mkdir $3; sleep 60; }; export -f cp; timeout() { command timeout $1 bash -c '\"$@\"' bash \"${@:2}\"; }; ", "could not be copied to ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, dir := prometheus(t, map[string]string{"none": ""}, c.lines+"mkdir -p $TMP/data/wal; echo 1 >$TMP/data/wal/0; echo 1 >$TMP/data/lock; keep 1")
			if !strings.Contains(out, c.says) {
				t.Errorf("it says %q, want %q", out, c.says)
			}
			left := bash(t, "cd '"+dir+"/results/7'; ls -d prometheus.part 2>/dev/null; find prometheus -type f -printf '%P\\n' 2>/dev/null; true")
			if left != c.left {
				t.Errorf("the results have %q, want %q", left, c.left)
			}
		})
	}
}
