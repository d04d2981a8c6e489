//go:build e2e

package testbed

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// hostile are strings of somebody who means no good, or has an unusual taste in names. Whoever executes one makes a
// file whose name begins with PWNED. None has a slash, so that each can be a file's name, too.
var hostile = map[string]string{
	"breakout": `'; touch PWNED-1; '"; touch PWNED-2; "`,
	"command":  "$(touch PWNED-3)`touch PWNED-4`${IFS}",
	"control":  "a\x1b]0;PWNED\x07\tb",
	"dash":     "--output=PWNED-5",
	"list":     "x; touch PWNED-6; rm -rf ~ & touch PWNED-7 | touch PWNED-8 > PWNED-9 #",
	"newline":  "x\ntouch PWNED-10\n#SBATCH --output=PWNED-11",
	"quotes":   `it's "quoted" \ and more`,
	"template": "{{.}} @NODE@ %s %j $HOME",
	"unicode":  "größe → ☃ \u202e\u00a0",
}

// fields are where the strings go, by the path in recipes/hostile.yaml: STRING is one, DIR a directory that has it for
// a name. Those with true are run, too; the others would keep any job from running here.
var fields = map[string]struct {
	value string
	runs  bool
}{
	"scenario":                             {"STRING", true},
	"cluster":                              {"STRING", false},
	"partition":                            {"STRING", false},
	"account":                              {"STRING", false},
	"qos":                                  {"STRING", false},
	"modules/0":                            {"STRING", false},
	"environment/TESTBED":                  {"STRING", true},
	"environment/STRING":                   {"value", true},
	"secrets/TESTBED_TOKEN":                {"DIR/STRING", true},
	"secrets/STRING":                       {"/etc/hostname", true},
	"binds/0":                              {"DIR:/mnt", true},
	"binds/1":                              {"/srv/models:/STRING", true},
	"orchestration/mode":                   {"STRING", false},
	"orchestration/job_config/time_limit":  {"STRING", false},
	"orchestration/job_config/reservation": {"STRING", false},
	"orchestration/node_allocation/clients/distribution_strategy": {"STRING", false},
	"workload/component":            {"STRING", false},
	"workload/service":              {"STRING", false},
	"workload/model":                {"STRING", true},
	"workload/dialect":              {"STRING", false},
	"workload/request_distribution": {"STRING", false},
	"workload/duration":             {"STRING", false},
	"servers/health_check/endpoint": {"/STRING", false},
	"servers/health_check/timeout":  {"STRING", false},
	"servers/service_config/truth":  {"@RUN@/STRING", true},
	"servers/service_config/STRING": {"value", true},
	"artifacts/containers_dir":      {"DIR", true},
	"artifacts/service/path":        {"STRING.sif", true},
	"artifacts/service/remote":      {"docker://STRING", true},
	"monitoring/interval":           {"STRING", false},
	"STRING":                        {"value", true},
}

// Every string of a recipe is refused with its place, or is nothing but itself up to the end of the job.
func TestHostileStrings(t *testing.T) {
	t.Parallel()
	dir := workspace(t)
	text, err := os.ReadFile("recipes/hostile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	recipes := map[string]string{} // text by name
	for name, s := range hostile {
		for i, path := range slices.Sorted(maps.Keys(fields)) {
			recipes[fmt.Sprintf("%s-%02d", name, i)] = with(t, text, dir, s, path)
		}
	}
	accepted := compileAll(t, dir, recipes)
	wantNothingExecuted(t)

	nodes := take(t, 2)
	var jobs []*job
	for _, name := range slices.Sorted(maps.Keys(hostile)) {
		jobs = append(jobs, submitHostile(t, dir, name, text, accepted, nodes))
	}
	for _, j := range jobs {
		j.end(completed)
	}
	for _, j := range jobs { // there is no network here: nothing comes of it but the attempt
		try(t, "rm -f '"+dir+"'/files/*/*.sif; cd '"+j.dir+"' && timeout 60 ./prefetch.sh")
	}
	wantEmpty(t, nodes)
	wantNothingExecuted(t)
}

// with is the recipe with a string in these of its fields.
func with(t *testing.T, text []byte, dir, s string, paths ...string) string {
	t.Helper()
	var recipe any
	if err := yaml.Unmarshal(text, &recipe); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("STRING", s, "DIR", dir+"/files/"+s)
	for _, path := range paths {
		var steps []string
		for _, step := range strings.Split(path, "/") {
			steps = append(steps, fill.Replace(step))
		}
		recipe = set(recipe, steps, fill.Replace(fields[path].value))
	}
	out, err := yaml.Marshal(recipe)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// set puts a value at a path into maps and lists, and gives the result.
func set(in any, path []string, value string) any {
	if len(path) == 0 {
		return value
	}
	if list, ok := in.([]any); ok {
		if path[0] == "0" {
			list[0] = set(list[0], path[1:], value)
			return list
		}
		return append(list, set(nil, path[1:], value))
	}
	m, ok := in.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	m[path[0]] = set(m[path[0]], path[1:], value)
	return m
}

var refusal = regexp.MustCompile(`(?m)^\S+\.yaml:\d+:\d+: error: .`)

// compileAll compiles each recipe by itself and tells which were accepted. A refusal must have a place, and what is
// accepted must be a whole bundle of scripts that bash can parse.
func compileAll(t *testing.T, dir string, recipes map[string]string) map[string]bool {
	t.Helper()
	shell(t, "mkdir '"+dir+"/each'")
	for name, text := range recipes {
		writeFile(t, dir+"/each/"+name+".yaml", text)
	}
	shell(t, "cd '"+dir+`/each' && for r in *.yaml; do n=${r%.yaml}
		/opt/hpcbench/bin/gen "$r" -o "$n" >"$n.out" 2>"$n.err"; echo $? >"$n.status"
		[[ -d $n ]] && (cd "$n"/* && sha256sum --quiet -c MANIFEST && for f in *.sh *.sbatch node/*.sh; do bash -n "$f" || exit; done) >"$n.check" 2>&1
		done; true`)
	accepted := map[string]bool{}
	for name, text := range recipes {
		base := filepath.Join(outside(dir), "each", name)
		status, stderr, check := read(t, base+".status"), read(t, base+".err"), ""
		accepted[name] = status == "0\n"
		if accepted[name] {
			check = read(t, base+".check")
		}
		if !accepted[name] && (status != "1\n" || !refusal.MatchString(stderr)) || check != "" {
			t.Errorf("gen ended with %s and %s\nits bundle: %s\nof the recipe\n%s", status, stderr, check, text)
		}
	}
	t.Logf("%d of %d recipes were accepted", len(slices.DeleteFunc(slices.Collect(maps.Values(accepted)), func(ok bool) bool { return !ok })), len(recipes))
	return accepted
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// submitHostile submits a job that has the string in every field that takes it and can be run, with the files there
// that they name.
func submitHostile(t *testing.T, dir, name string, text []byte, accepted map[string]bool, nodes []string) *job {
	t.Helper()
	s := hostile[name]
	files := outside(dir + "/files/" + s)
	if err := os.MkdirAll(files, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(files, benchID, benchID); err != nil { // the server writes its truth there
		t.Fatal(err)
	}
	for file, from := range map[string]string{s + ".sif": "srv/images/dummy.sif", "dummy.sif": "srv/images/dummy.sif", s: "etc/hostname"} {
		writeFile(t, dir+"/files/"+s+"/"+file, read(t, outside(from)))
	}
	var paths []string
	for i, path := range slices.Sorted(maps.Keys(fields)) {
		if fields[path].runs && accepted[fmt.Sprintf("%s-%02d", name, i)] {
			paths = append(paths, path)
		}
	}
	t.Logf("%s runs in %q", name, paths)
	shell(t, "mkdir '"+dir+"/"+name+"'")
	writeFile(t, dir+"/"+name+"/recipe.yaml", with(t, text, dir, s, paths...))
	shell(t, "cd '"+dir+"/"+name+"' && /opt/hpcbench/bin/gen recipe.yaml -o .")
	return bundleIn(t, dir+"/"+name, nodes).submit()
}

// wantNothingExecuted wants no file that a hostile string would have made, anywhere on the nodes; but for the
// directories of other tests, which come and go.
func wantNothingExecuted(t *testing.T) {
	t.Helper()
	for _, node := range append(compute(), "login") {
		found := on(t, node, "find", "/", "-ignore_readdir_race", "(", "-path", "/proc", "-o", "-path", "/sys", "-o", "-path", "/run",
			"-o", "-path", "/srv/jobs/*", "-not", "-path", "/srv/jobs/TestHostile*", ")", "-prune", "-o", "-name", "PWNED*", "-print")
		if found != "" {
			t.Errorf("on %s something was executed:\n%s", node, found)
		}
	}
}
