package why

import (
	"cmp"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/diff"
	"hpcbench/gen/internal/service"
)

// value is one value of the inputs, and the bundles that there are with another in its place.
type value struct {
	Source
	path string
	like int // of the tries, those with a value of the same kind
	try  []func() attempt
}

// values finds for each line the values that it hangs on.
func (e *explainer) values() error {
	all := e.recipe()
	for _, more := range []func() ([]value, error){e.service, e.profile} {
		values, err := more()
		if err != nil {
			return err
		}
		all = append(all, values...)
	}
	all = append(all, e.own()...)
	found := make([]map[string][]Source, len(all)) // by value: for each file its lines, nil where it has nothing to do with one
	var group sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := range next {
				found[i] = e.hanging(all[i])
			}
		})
	}
	for i := range all {
		next <- i
	}
	close(next)
	group.Wait()
	for file, lines := range e.lines {
		for n := range lines {
			for i := range all {
				if sources := found[i][file]; sources != nil && sources[n].Kind != "" {
					lines[n].Sources = append(lines[n].Sources, sources[n])
				}
			}
			lines[n].Sources = tidy(lines[n].Sources)
		}
	}
	return nil
}

// hanging has for each file its lines: the source on those that hang on the value.
func (e *explainer) hanging(v value) map[string][]Source {
	found := map[string][]Source{}
	for i, try := range v.try {
		b, _, err := e.in.compile(try(), false, e.wants)
		if err != nil {
			continue // no bundle with this value: another one may tell
		}
		for file, lines := range e.texts {
			var f bundle.File
			e.find(b, file, &f)
			for _, c := range diff.Changes(lines, diff.Lines(string(f.Data))) {
				if found[file] == nil {
					found[file] = make([]Source, len(lines))
				}
				shown := i < v.like && c.BEnd > c.B
				for n := c.A; n < c.AEnd; n++ {
					if s := &found[file][n]; s.Kind == "" || s.Only && shown {
						*s = v.Source
						s.Only = !shown
					}
				}
			}
		}
	}
	return found
}

// tidy joins what one line of a file says: the values of one list. A value without a place says nothing where another
// one has a place.
func tidy(sources []Source) []Source {
	var kept []Source
	for _, s := range sources {
		same := func(k Source) bool {
			return k.Kind == s.Kind && k.Pos == s.Pos && (k.Text == s.Text || k.list != "" && k.list == s.list)
		}
		i := slices.IndexFunc(kept, same)
		switch {
		case i < 0:
			kept = append(kept, s)
		case kept[i].Only && !s.Only:
			kept[i] = s
		case kept[i].Only == s.Only && kept[i].Text != s.Text:
			kept[i].Text = s.list
		}
	}
	placed := slices.ContainsFunc(kept, func(s Source) bool { return s.Kind != "template" && s.Pos != (diag.Pos{}) })
	kept = slices.DeleteFunc(kept, func(s Source) bool { return placed && s.Kind == "default" && s.Pos == (diag.Pos{}) })
	slices.SortStableFunc(kept, func(a, b Source) int { return cmp.Compare(rank(a), rank(b)) })
	return kept
}

// rank orders sources: the template, then what the line shows, then what it is there for.
func rank(s Source) int {
	switch {
	case s.Kind == "template":
		return 0
	case s.Only:
		return 2
	}
	return 1
}

// recipe are the values of the recipe, written and by default.
func (e *explainer) recipe() []value {
	var all []value
	for _, leaf := range e.in.Recipe.Leaves() {
		v := value{Source: Source{Kind: "recipe", Pos: leaf.Pos, Text: leaf.Path + ": " + leaf.Value, list: leaf.List}, path: leaf.Path, like: leaf.Like()}
		v.Pos.Col = 0
		switch {
		case strings.HasPrefix(leaf.Pos.File, "--set "):
			v.Kind, v.Pos = "set", diag.Pos{}
		case !leaf.Written:
			v.Kind = "default"
		}
		for i := range leaf.All() {
			v.try = append(v.try, func() attempt {
				in := e.in
				in.Recipe = in.Recipe.Vary(leaf, i)
				if in.ProfileOf != nil && in.Recipe.Cluster() != e.in.Recipe.Cluster() {
					in.Profile = cmp.Or(in.ProfileOf(in.Recipe.Cluster()), in.Profile)
					in.Recipe = in.Recipe.Under(in.Service, in.Profile)
				}
				return attempt{in, e.plan}
			})
		}
		all = append(all, v)
	}
	return all
}

// own are the two things on lines that gen itself brings.
func (e *explainer) own() []value {
	version := e.in
	version.Version += "x"
	return []value{
		{Source: Source{Kind: "gen", Text: "gen's version: " + e.in.Version}, like: 1, try: []func() attempt{func() attempt { return attempt{version, e.plan} }}},
		{Source: Source{Kind: "gen", Text: "the plan's id, a hash over all that it says"}, like: 1, try: []func() attempt{func() attempt { return attempt{e.in, "other"} }}},
	}
}

// service are the values of service.yaml. What service_config may hold is not among them, but its defaults are.
func (e *explainer) service() ([]value, error) {
	text, err := fs.ReadFile(e.in.Service.Files, "service.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading service.yaml of %s: %w", e.in.Service.Name, err)
	}
	all, err := declared("service", e.in.ServiceDir+"/service.yaml", text, e.in.Service, func(s *service.Service) attempt {
		in := e.in
		in.Service, in.Recipe = s, in.Recipe.Under(s, in.Profile)
		return attempt{in, e.plan}
	})
	return e.chosen(all, "workload.service"), err
}

// profile are the values of the cluster profile.
func (e *explainer) profile() ([]value, error) {
	all, err := declared("profile", e.in.ProfileFile, e.in.ProfileText, e.in.Profile, func(p *cluster.Profile) attempt {
		in := e.in
		in.Profile, in.Recipe = p, in.Recipe.Under(in.Service, p)
		return attempt{in, e.plan}
	})
	return e.chosen(all, "cluster"), err
}

// chosen gives a name the place in the recipe that chose it, where there is one.
func (e *explainer) chosen(all []value, path string) []value {
	for _, leaf := range e.in.Recipe.Leaves() {
		if i := slices.IndexFunc(all, func(v value) bool { return v.path == "name" }); i >= 0 && leaf.Path == path && leaf.Written {
			all[i].Kind, all[i].Pos, all[i].Text = "recipe", diag.Pos{File: leaf.Pos.File, Line: leaf.Pos.Line}, path+": "+leaf.Value
		}
	}
	return all
}
