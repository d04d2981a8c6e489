package render

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"hpcbench/templates"
)

// Programs that play Prometheus and Grafana: they write down what they are given, and run until they are ended.
const (
	playedPrometheus = `#!/bin/bash
if [[ $1 == --version ]]; then echo 'prometheus, version 3.13.1 (branch: HEAD)'; exit; fi
printf '%s\n' "$@" >"${0%/*}/../prometheus.argv"
for word; do [[ $word != --storage.tsdb.path=* ]] || find "${word#*=}" -type f -printf '%P\n' >"${0%/*}/../prometheus.files"; done
echo 'msg="Server is ready to receive web requests."'
exec sleep 600
`
	playedGrafana = `#!/bin/bash
printf '%s\n' "$@" >"${0%/*}/../grafana.argv"
cat "$GF_PATHS_PROVISIONING/datasources/prometheus.yml" >"${0%/*}/../datasources"
cat "$GF_PATHS_PROVISIONING/dashboards/hpcbench.yml" >"${0%/*}/../dashboards.new"
mv "${0%/*}/../dashboards.new" "${0%/*}/../dashboards"
exec sleep 600
`
)

// view.sh opens a copy of a run's data, with the time of the run, in a Prometheus and a Grafana that are provisioned for it, says so,
// and leaves nothing; whatever the name of the bundle's directory.
func TestViewOpensARun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a \"bundle\"")
	text, err := Script(templates.FS, "monitoring/view.sh.tmpl", Laptop{Service: "vllm", Dashboards: []string{"hpcbench-vllm"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"monitoring/view.sh": string(text), "bin/prometheus": playedPrometheus, "bin/grafana": playedGrafana, "conf/defaults.ini": "",
		"results/7/prometheus/wal/00000000": "data", "results/7/events.tsv": "1795690000.5\tphase\tinitialise\tstart\n1795690120.25\texit\t0\n", "tmp/mine": "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	quoted, err := quote(dir)
	if err != nil {
		t.Fatal(err)
	}
	said := bash(t, "cd "+quoted+` && export TMPDIR=$PWD/tmp
		monitoring/view.sh --program "$PWD/bin/prometheus" --grafana "$PWD/bin/grafana" results/7 2>&1 >/dev/null & pid=$!
		for ((k = 0; k < 600; k++)); do [[ ! -e dashboards ]] || break; sleep 0.1; done
		kill -TERM $pid; wait $pid; echo "status $?"; ls tmp`)
	for _, words := range []string{
		"/query?g0.expr=", "&g0.range_input=180s&g0.end_input=2026-11-26%2010%3A48%3A40", "the run of 2026-11-26 10:46:40 to 2026-11-26 10:48:40 UTC",
		"/d/hpcbench-vllm?from=1795690000000&to=1795690120000", "\nstatus 143\nmine\n",
	} {
		if !strings.Contains(said, words) {
			t.Errorf("view.sh does not say %q:\n%s", words, said)
		}
	}
	content := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	if argv := content("prometheus.argv"); !strings.Contains(argv, "--storage.tsdb.retention.time=100y\n") || content("prometheus.files") != "wal/00000000\n" {
		t.Errorf("Prometheus is given %q, and finds %q", argv, content("prometheus.files"))
	}
	if got, want := content("grafana.argv"), "server\n--homepath\n"+dir+"\n"; got != want {
		t.Errorf("Grafana is given %q, want %q", got, want)
	}
	var sources struct {
		Datasources []struct{ UID, Type, URL string }
	}
	var boards struct {
		Providers []struct{ Options struct{ Path string } }
	}
	for name, v := range map[string]any{"datasources": &sources, "dashboards": &boards} {
		if err := yaml.Unmarshal([]byte(content(name)), v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if d := sources.Datasources; len(d) != 1 || d[0].Type != "prometheus" || !strings.Contains(said, d[0].URL+"/query?") {
		t.Errorf("Grafana's data source is %v", d)
	}
	if p := boards.Providers; len(p) != 1 || p[0].Options.Path != dir+"/monitoring/grafana/dashboards" {
		t.Errorf("Grafana's dashboards are of %v", p)
	}
}
