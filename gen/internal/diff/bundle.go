package diff

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Side is one of the two bundles: what messages call it, and its files by path.
type Side struct {
	Name  string
	Files map[string][]byte
}

// Report is how two bundles differ.
type Report struct {
	Trials      Names   `json:"trials"`      // by name, such as c8-r1
	Values      []Value `json:"values"`      // of trials that both have
	Deployments Names   `json:"deployments"` // by id
	Started     []Value `json:"started"`     // argv and environment of deployments that both have
	Directives  []Value `json:"directives"`  // of scripts that both have
	Files       []File  `json:"files"`
}

// Names are what the second has and the first has not, and the other way round.
type Names struct {
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
}

// Value is a value that differs. From or To is nil where there is none.
type Value struct {
	File   string   `json:"file,omitempty"`   // the second's, where it has one
	Path   string   `json:"path"`             // such as workload.duration_s; name of a variable or directive; option before a word
	Trials []string `json:"trials,omitempty"` // that have this change, by name
	From   *string  `json:"from"`
	To     *string  `json:"to"`
}

// File is a file that differs.
type File struct {
	File   string `json:"file"`
	Change string `json:"change"` // added, removed, changed
	Diff   string `json:"diff"`   // in unified form
}

// Same tells that the two do not differ.
func (r *Report) Same() bool { return len(r.Files) == 0 }

// Bundles compares two bundles. MANIFEST is left out: it follows from the other files.
func Bundles(a, b Side) *Report {
	r := &Report{Values: []Value{}, Started: []Value{}, Directives: []Value{}, Files: []File{}}
	r.trials(trialsOf(a.Files), trialsOf(b.Files))
	r.deployments(a.Files, b.Files)
	r.directives(a.Files, b.Files)
	for _, name := range union(a.Files, b.Files) {
		if text := Unified(path.Join(a.Name, name), path.Join(b.Name, name), a.Files[name], b.Files[name]); text != "" && name != "MANIFEST" {
			r.Files = append(r.Files, File{name, change(a.Files[name] != nil, b.Files[name] != nil), text})
		}
	}
	return r
}

func change(a, b bool) string {
	switch {
	case !a:
		return "added"
	case !b:
		return "removed"
	}
	return "changed"
}

// union are the keys of both maps, sorted.
func union[V any](a, b map[string]V) []string {
	keys := slices.Collect(maps.Keys(a))
	for key := range b {
		if _, both := a[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// names tells which keys one of the maps alone has, and which both have.
func names[V any](a, b map[string]V) (n Names, both []string) {
	n = Names{Added: []string{}, Removed: []string{}}
	for _, key := range union(a, b) {
		_, inA := a[key]
		_, inB := b[key]
		switch {
		case !inA:
			n.Added = append(n.Added, key)
		case !inB:
			n.Removed = append(n.Removed, key)
		default:
			both = append(both, key)
		}
	}
	return n, both
}

// trialsOf are the values of each trial by its name, by their paths. A file that is no JSON has none.
func trialsOf(files map[string][]byte) map[string]map[string]string {
	all := map[string]map[string]string{}
	for name, text := range files {
		if !strings.HasPrefix(name, "trials/") || !strings.HasSuffix(name, ".json") {
			continue
		}
		values := map[string]string{}
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err == nil {
			flatten(values, "", v)
		}
		all[cmp.Or(values["name"], name)] = values
	}
	return all
}

// flatten puts the scalars of a JSON value under their dotted paths.
func flatten(into map[string]string, at string, v any) {
	if m, ok := v.(map[string]any); ok && len(m) > 0 {
		for key, inner := range m {
			flatten(into, strings.TrimPrefix(at+"."+key, "."), inner)
		}
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		text = fmt.Append(nil, v)
	}
	into[at] = strings.Trim(string(text), `"`)
}

// numbered are the values that say where a trial stands among the others, and not what it does.
var numbered = []string{"trial", "deployment"}

// trials compares trials by name, and joins those with the same change.
func (r *Report) trials(a, b map[string]map[string]string) {
	var both []string
	r.Trials, both = names(a, b)
	for _, name := range both {
		for _, v := range values(a[name], b[name]) {
			if slices.Contains(numbered, v.Path) {
				continue
			}
			if i := slices.IndexFunc(r.Values, func(w Value) bool { return w.Path == v.Path && equal(w.From, v.From) && equal(w.To, v.To) }); i >= 0 {
				r.Values[i].Trials = append(r.Values[i].Trials, name)
				continue
			}
			v.Trials = []string{name}
			r.Values = append(r.Values, v)
		}
	}
	slices.SortStableFunc(r.Values, func(a, b Value) int { return cmp.Compare(a.Path, b.Path) })
}

func equal(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// values compares two maps of values.
func values(a, b map[string]string) []Value {
	var all []Value
	for _, key := range union(a, b) {
		if from, to := value(a, key), value(b, key); !equal(from, to) {
			all = append(all, Value{Path: key, From: from, To: to})
		}
	}
	return all
}

func value(m map[string]string, key string) *string {
	if v, ok := m[key]; ok {
		return &v
	}
	return nil
}

// deployments compares argv/ and env/ of the deployments that both have. One of a is the one of b on which most trials
// of the same names run, else that of the same id.
func (r *Report) deployments(a, b map[string][]byte) {
	idsA, idsB := deploymentsOf(a), deploymentsOf(b)
	r.Deployments = Names{Added: []string{}, Removed: []string{}}
	partner := pair(idsA, idsB, trialsOf(a), trialsOf(b))
	for _, id := range slices.Sorted(maps.Keys(idsA)) {
		to, ok := partner[id]
		if !ok {
			r.Deployments.Removed = append(r.Deployments.Removed, id)
			continue
		}
		delete(idsB, to)
		env := values(variables(a["env/"+id+".env"]), variables(b["env/"+to+".env"]))
		r.start("env/"+to+".env", env)
		for _, rank := range union(ranks(a, id), ranks(b, to)) {
			r.start("argv/"+to+"."+rank, words(Lines(string(a["argv/"+id+"."+rank])), Lines(string(b["argv/"+to+"."+rank]))))
		}
	}
	r.Deployments.Added = append(r.Deployments.Added, slices.Sorted(maps.Keys(idsB))...)
}

func (r *Report) start(file string, values []Value) {
	for _, v := range values {
		v.File = file
		r.Started = append(r.Started, v)
	}
}

var deploymentFile = regexp.MustCompile(`^(?:env/([^/]+)\.env|argv/([^/]+)\.[^./]+)$`)

func deploymentsOf(files map[string][]byte) map[string]bool {
	all := map[string]bool{}
	for name := range files {
		if m := deploymentFile.FindStringSubmatch(name); m != nil {
			all[m[1]+m[2]] = true
		}
	}
	return all
}

// ranks are the files argv/ID.RANK of a deployment by their ranks.
func ranks(files map[string][]byte, id string) map[string]bool {
	all := map[string]bool{}
	for name := range files {
		if rank, ok := strings.CutPrefix(name, "argv/"+id+"."); ok {
			all[rank] = true
		}
	}
	return all
}

// pair finds for each deployment of a that of b.
func pair(a, b map[string]bool, trialsA, trialsB map[string]map[string]string) map[string]string {
	shared := map[[2]string]int{}
	for name, trial := range trialsA {
		if other, ok := trialsB[name]; ok {
			shared[[2]string{trial["deployment"], other["deployment"]}]++
		}
	}
	var pairs [][2]string
	for from := range a {
		for to := range b {
			if shared[[2]string{from, to}] > 0 || from == to {
				pairs = append(pairs, [2]string{from, to})
			}
		}
	}
	slices.SortFunc(pairs, func(p, q [2]string) int {
		return cmp.Or(shared[q]-shared[p], cmp.Compare(p[0], q[0]), cmp.Compare(p[1], q[1]))
	})
	partner, taken := map[string]string{}, map[string]bool{}
	for _, p := range pairs {
		if _, has := partner[p[0]]; !has && !taken[p[1]] {
			partner[p[0]], taken[p[1]] = p[1], true
		}
	}
	return partner
}

// variables are the lines NAME='value' of an environment by name, as they stand there.
func variables(text []byte) map[string]string {
	all := map[string]string{}
	for _, line := range Lines(string(text)) {
		name, value, _ := strings.Cut(line, "=")
		all[name] = value
	}
	return all
}

// words compares two command lines. A word that changed is told with the option before it.
func words(a, b []string) []Value {
	var all []Value
	for _, c := range Changes(a, b) {
		v := Value{Path: "word " + fmt.Sprint(c.B+1)}
		if c.A > 0 && strings.HasPrefix(a[c.A-1], "-") && (c.A == c.AEnd || !strings.HasPrefix(a[c.A], "-")) {
			v.Path = a[c.A-1]
		}
		if from := strings.Join(a[c.A:c.AEnd], " "); c.AEnd > c.A {
			v.From = &from
		}
		if to := strings.Join(b[c.B:c.BEnd], " "); c.BEnd > c.B {
			v.To = &to
		}
		all = append(all, v)
	}
	return all
}

// directives compares the #SBATCH lines of scripts that both have.
func (r *Report) directives(a, b map[string][]byte) {
	for _, name := range union(a, b) {
		if path.Dir(name) != "." || a[name] == nil || b[name] == nil {
			continue
		}
		for _, v := range values(directivesOf(a[name]), directivesOf(b[name])) {
			v.File = name
			r.Directives = append(r.Directives, v)
		}
	}
}

// directivesOf are the directives of a script, with as many values as one stands there.
func directivesOf(text []byte) map[string]string {
	all := map[string]string{}
	for _, line := range Lines(string(text)) {
		option, ok := strings.CutPrefix(line, "#SBATCH ")
		if !ok {
			continue
		}
		flag, value, _ := strings.Cut(option, "=")
		if before, twice := all[flag]; twice {
			value = before + " " + value
		}
		all[flag] = value
	}
	return all
}
