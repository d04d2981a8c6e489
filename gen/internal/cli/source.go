package cli

import (
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/plan"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
	"hpcbench/templates"
)

// surroundings is what a recipe is read against, beside gen's own services and profiles.
type surroundings struct {
	cluster  string // name or file; it wins over the recipe's
	services many   // directories
	sets     many   // PATH=VALUE
	bundle   bool   // the recipe is that of a bundle, which has what it names
}

func (s *surroundings) flags(f *flag.FlagSet) {
	f.StringVar(&s.cluster, "cluster", "", "")
	f.Var(&s.services, "services", "")
	f.Var(&s.sets, "set", "")
}

// source is a recipe that was read, with everything that it was held against. Where Diags has an error, what follows
// from it is missing.
type source struct {
	Name        string // as given on the command line
	Text        []byte
	File        *recipe.File
	Service     *service.Service // nil where the recipe names none that is known
	Profile     *cluster.Profile
	ProfileText []byte // of a profile that is a file, for the bundle's inputs/
	Plan        *plan.Plan
	Diags       diag.List
}

// read reads and checks one recipe, "-" being the standard input. An error is the machine's or the command line's; what
// is wrong with the recipe is in Diags.
func (e env) read(name string, s surroundings) (*source, error) {
	text, err := e.text(name)
	if err != nil {
		return nil, err
	}
	return e.examine(name, text, s)
}

// examine reads and checks the text of a recipe; see read.
func (e env) examine(name string, text []byte, s surroundings) (*source, error) {
	src := &source{Name: name, Text: text}
	sets, err := settings(s.sets)
	if err != nil {
		return nil, err
	}
	src.File, src.Diags = recipe.Load(name, text, recipe.Options{Sets: sets, Read: besides(name), Bundle: s.bundle})
	if err := src.findService(s.services); err != nil {
		return nil, err
	}
	if err := src.findProfile(s.cluster); err != nil {
		return nil, err
	}
	src.Diags = append(src.Diags, src.File.Check(src.Service, src.Profile)...)
	if !src.Diags.Failed() {
		var found diag.List
		src.Plan, found = plan.New(src.File.Points(), src.Service, src.Profile, src.File.Pos)
		src.Diags = append(src.Diags, found...)
	}
	src.Diags = src.Diags.Sorted()
	return src, nil
}

func (e env) text(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(e.stdin)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the recipe: %w", err)
	}
	return text, nil
}

// besides reads files that a recipe names, relative to its directory; those that the standard input names, to the working one.
func besides(recipeName string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if name = filepath.FromSlash(name); !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(recipeName), name)
		}
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return io.ReadAll(io.LimitReader(file, recipe.MaxInput+1))
	}
}

// settings takes --set PATH=VALUE apart.
func settings(words many) ([]recipe.Set, error) {
	var sets []recipe.Set
	for _, word := range words {
		path, value, ok := strings.Cut(word, "=")
		if !ok || path == "" {
			return nil, usagef("--set wants PATH=VALUE, such as --set workload.concurrency=8, not %q", word)
		}
		sets = append(sets, recipe.Set{Path: path, Value: value})
	}
	return sets, nil
}

// findService loads the folder that the recipe names.
func (src *source) findService(dirs []string) error {
	all, err := service.Open(dirs)
	if err != nil {
		return err
	}
	known, err := service.List(all)
	if err != nil {
		return err
	}
	name := src.File.Service()
	switch {
	case name == "": // Load has told of it
	case !slices.Contains(known, name):
		src.Diags = append(src.Diags, src.File.Unknown("workload.service", "service", name, known))
	default:
		if src.Service, err = service.Load(all, name); err != nil {
			src.Diags.Errorf(src.File.Pos("workload.service"), "service", "mend the service's folder", "%v", err)
		}
	}
	return nil
}

// findProfile loads the cluster profile: that of the flag, else the recipe's.
func (src *source) findProfile(flag string) error {
	if strings.ContainsAny(flag, "/.") {
		text, err := os.ReadFile(flag)
		if err != nil {
			return fmt.Errorf("reading the cluster profile: %w", err)
		}
		src.ProfileText = text
		src.Profile, err = cluster.Parse(flag, text)
		return err
	}
	profiles, known, err := profiles()
	if err != nil {
		return err
	}
	name := src.File.Cluster()
	if flag != "" {
		name = flag
	}
	switch {
	case slices.Contains(known, name):
		src.Profile, err = cluster.Load(profiles, name)
		return err
	case flag != "":
		unknown := src.File.Unknown("cluster", "cluster", name, known)
		return usagef("--cluster: %s (%s)", unknown.Message, unknown.Cure)
	}
	src.Diags = append(src.Diags, src.File.Unknown("cluster", "cluster", name, known))
	return nil
}

// profiles are gen's own cluster profiles and their names.
func profiles() (fs.FS, []string, error) {
	all, err := fs.Sub(templates.FS, "clusters")
	if err != nil {
		return nil, nil, fmt.Errorf("opening the cluster profiles: %w", err)
	}
	known, err := cluster.List(all)
	return all, known, err
}

// tell prints diagnostics for a person on standard error; on a terminal with the source line and a caret.
func (e env) tell(l diag.List, sources ...*source) error {
	if !terminal(e.stderr) {
		return diag.Printer{}.Print(e.stderr, l)
	}
	return printer(e.stderr, sources...).Print(e.stderr, l)
}

// printer shows the lines of these sources, with colours where w is a terminal.
func printer(w io.Writer, sources ...*source) diag.Printer {
	return diag.Printer{Color: coloured(w), Width: width(w), Source: func(file string) []byte {
		if i := slices.IndexFunc(sources, func(s *source) bool { return s.Name == file }); i >= 0 {
			return sources[i].Text
		}
		for _, s := range sources {
			if text := s.File.Parent(file); text != nil {
				return text
			}
		}
		return nil
	}}
}
