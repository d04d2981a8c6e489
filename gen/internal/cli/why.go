package cli

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diff"
	"hpcbench/gen/internal/why"
	"hpcbench/templates"
)

var whyCommand = command{"why", "tell what put a line into a job directory", `usage: gen why BUNDLE/FILE[:LINE] [flags]

Prints what a line of a generated file comes from: the line of a template, and each value that it hangs on, with its place:
of the recipe, of the defaults, of the cluster profile, of the service. "for" marks a value that the line does not show: the
line is there because of it. Without a line, all lines of the file. The job directory is compiled again in memory, from its
recipe.yaml and inputs/; a line that a person changed is called edited.
Exit status: 0 told, 1 there is no such line, or the job directory does not compile to what it was, 2 wrong usage or a file
that can't be read.

flags:
  --json                  print [{file,line,text,edited,sources:[{kind,place,text,only}]}] instead

example:
  $ gen why out/demo/argv/d1.0:9
  out/demo/argv/d1.0:9: --ttft
    template     templates/services/dummy/argv.tmpl:7  {{flags .Config "fail_health"}}
    for recipe   out/demo/recipe.yaml:20               servers.service_config.ttft: 20ms
`, runWhy}

// explained is a line of a file on disk.
type explained struct {
	File    string   `json:"file"`
	Line    int      `json:"line"`
	Text    string   `json:"text"`
	Edited  bool     `json:"edited"`
	Sources []reason `json:"sources"` // of an edited line: those of the line that would be generated in its place
}

type reason struct {
	Kind  string `json:"kind"`
	Place string `json:"place"`
	Text  string `json:"text"`
	Only  bool   `json:"only"`
}

func runWhy(e env, args []string) error {
	f := newFlags("why")
	asJSON := f.Bool("json", false, "")
	operands, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(operands) != 1 {
		return usagef("why wants one BUNDLE/FILE:LINE, such as out/demo/job.sbatch:7")
	}
	dir, file, line, err := place(operands[0])
	if err != nil {
		return err
	}
	lines, err := e.explain(dir, file)
	if err != nil {
		return err
	}
	if line > len(lines) {
		return fmt.Errorf("%s has %d lines", filepath.Join(dir, file), len(lines))
	}
	if line > 0 {
		lines = lines[line-1 : line]
	}
	if *asJSON {
		return e.json(lines)
	}
	for _, l := range lines {
		if err := l.print(e); err != nil {
			return err
		}
	}
	return nil
}

// place takes BUNDLE/FILE:LINE apart. The bundle is the nearest directory above that has a MANIFEST; line 0 is all.
func place(operand string) (dir, file string, line int, err error) {
	name := operand
	if before, after, ok := cutLast(operand, ":"); ok {
		if n, err := strconv.Atoi(after); err == nil {
			if n < 1 {
				return "", "", 0, usagef("lines count from 1")
			}
			name, line = before, n
		}
	}
	if info, err := os.Stat(name); err != nil {
		return "", "", 0, err
	} else if info.IsDir() {
		return "", "", 0, usagef("%s is a directory: name a file in it, such as %s:7", name, filepath.Join(name, "job.sbatch"))
	}
	for dir = filepath.Dir(name); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, bundle.ManifestName)); err == nil {
			file, err = filepath.Rel(dir, name)
			return dir, filepath.ToSlash(file), line, err
		}
		if dir == filepath.Dir(dir) {
			return "", "", 0, fmt.Errorf("%s is in no job directory: there is no %s above it", name, bundle.ManifestName)
		}
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// explain tells of each line of a file of the bundle dir.
func (e env) explain(dir, file string) ([]explained, error) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	if err := refuse(dir, file); err != nil {
		return nil, err
	}
	in, err := e.inputsOf(dir)
	if err != nil {
		return nil, err
	}
	b, err := in.Bundle()
	if err != nil {
		return nil, err
	}
	if err := same(dir, file, b); err != nil {
		return nil, err
	}
	var made []why.Line
	if file == bundle.ManifestName {
		made = manifestLines(b, dir)
	} else {
		all, err := in.Explain(file)
		if err != nil {
			return nil, err
		}
		made = all[file]
	}
	return match(filepath.Join(dir, file), diff.Lines(string(text)), made), nil
}

// refuse is an error for files that gen did not make of lines.
func refuse(dir, file string) error {
	hashes, err := bundle.Listed(dir)
	if err != nil {
		return err
	}
	switch _, ours := hashes[file]; {
	case strings.HasPrefix(file, "bin/"):
		return fmt.Errorf("%s is a program that was built, and not generated", filepath.Join(dir, file))
	case !ours && file != bundle.ManifestName:
		return fmt.Errorf("%s was not generated: the %s does not know it", filepath.Join(dir, file), bundle.ManifestName)
	}
	return nil
}

// inputsOf reads what the bundle dir was compiled from: recipe.yaml, and what inputs/ has of flags.
func (e env) inputsOf(dir string) (why.Inputs, error) {
	name := filepath.Join(dir, "recipe.yaml")
	around, err := surroundingsOf(dir)
	if err != nil {
		return why.Inputs{}, err
	}
	src, err := e.read(name, around)
	if err != nil {
		return why.Inputs{}, err
	}
	if src.File.Cluster() == around.cluster { // no flag was given, or it said what the recipe does
		around.cluster = ""
	}
	if src.Diags.Failed() {
		if err := e.tell(src.Diags, src); err != nil {
			return why.Inputs{}, err
		}
		return why.Inputs{}, fmt.Errorf("%s can't be explained: its recipe.yaml and inputs/ do not compile%s", dir, lacking(dir))
	}
	in := why.Inputs{
		Version: Version, Recipe: src.File, Text: src.Text, RecipeFile: name, Service: src.Service, Profile: src.Profile,
		ProfileText: src.ProfileText, ProfileFile: around.cluster, Templates: templates.FS,
		ServiceDir: "templates/services/" + src.Service.Name,
	}
	if len(around.services) > 0 {
		in.ServiceDir = filepath.Join(dir, "inputs/services", src.Service.Name)
	}
	if src.ProfileText == nil {
		file := "clusters/" + src.Profile.Name + ".yaml"
		in.ProfileFile = "templates/" + file
		if in.ProfileText, err = fs.ReadFile(templates.FS, file); err != nil {
			return in, fmt.Errorf("reading the cluster profile: %w", err)
		}
	}
	if around.cluster == "" {
		in.ProfileOf = profileOf
	}
	in.Extra, err = src.inputs(around)
	return in, err
}

// profileOf is gen's own profile of a name, nil where there is none.
func profileOf(name string) *cluster.Profile {
	all, _, err := profiles()
	if err != nil {
		return nil
	}
	p, err := cluster.Load(all, name)
	if err != nil {
		return nil
	}
	return p
}

// surroundingsOf are the flags that a bundle was compiled with, as its inputs/ and its resolved recipe have them.
func surroundingsOf(dir string) (surroundings, error) {
	around := surroundings{cluster: filepath.Join(dir, "inputs/cluster.yaml"), bundle: true}
	if !strings.ContainsAny(around.cluster, "/.") {
		around.cluster = "./" + around.cluster
	}
	if _, err := os.Stat(around.cluster); err != nil {
		around.cluster = resolvedCluster(dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "inputs/services")); err == nil {
		around.services = many{filepath.Join(dir, "inputs/services")}
	}
	sets, err := os.ReadFile(filepath.Join(dir, "inputs/set"))
	if err == nil {
		around.sets = diff.Lines(string(sets))
	} else if !os.IsNotExist(err) {
		return around, fmt.Errorf("reading the settings of the bundle: %w", err)
	}
	return around, nil
}

// resolvedCluster is the name of the profile that the bundle was compiled for, which a flag may have given; "" where
// nothing says it.
func resolvedCluster(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "recipe.resolved.yaml"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "cluster: "); ok && !strings.HasPrefix(line, " ") {
			return strings.Trim(name, `"'`)
		}
	}
	return ""
}

// lacking says what inputs/ may lack.
func lacking(dir string) string {
	var lacks []string
	for _, input := range []struct{ file, flag string }{{"cluster.yaml", "--cluster FILE"}, {"set", "--set"}, {"services", "--services"}} {
		if _, err := os.Stat(filepath.Join(dir, "inputs", input.file)); err != nil {
			lacks = append(lacks, "inputs/"+input.file+" ("+input.flag+")")
		}
	}
	if len(lacks) == 0 {
		return ""
	}
	return "; it has no " + strings.Join(lacks, ", no ") + ", one of which it may have been compiled with"
}

// same is an error where the bundle's inputs do not compile to what its MANIFEST says of a file.
func same(dir, file string, b *bundle.Bundle) error {
	hashes, err := bundle.Listed(dir)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(b.Files, func(f bundle.File) bool { return f.Path == file })
	if file == bundle.ManifestName || i >= 0 && bundle.Hash(b.Files[i].Data) == hashes[file] {
		return nil
	}
	found, _, err := bundle.Verify(dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.File == "recipe.yaml" || strings.HasPrefix(f.File, "inputs/") {
			return fmt.Errorf("%s was not compiled from its inputs as they are now: %s is %s since", dir, f.File, f.State)
		}
	}
	return fmt.Errorf("%s does not compile to this %s again: another gen made it (%s; this is hpcbench %s)%s", dir, file, madeBy(dir), Version, lacking(dir))
}

// madeBy is the first line of a MANIFEST: which gen made it.
func madeBy(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, bundle.ManifestName))
	first, _, _ := strings.Cut(string(text), "\n")
	return cmp.Or(strings.TrimPrefix(first, "# "), fmt.Sprint(err))
}

// manifestLines explains the MANIFEST, which follows from the other files.
func manifestLines(b *bundle.Bundle, dir string) []why.Line {
	text, err := os.ReadFile(filepath.Join(dir, bundle.ManifestName))
	if err != nil {
		return nil
	}
	made := map[string]bool{}
	for _, line := range diff.Lines(string(b.Manifest())) {
		made[line] = true
	}
	var lines []why.Line
	for _, line := range diff.Lines(string(text)) {
		_, file, isHash := strings.Cut(line, "  ")
		source := why.Source{Kind: "gen", Text: "gen's version: " + Version}
		switch {
		case isHash:
			source.Text = "the hash of " + file + " as it was compiled"
		case strings.HasPrefix(line, "# plan "):
			source.Text = "the plan's id, a hash over all that it says"
		}
		if made[line] || strings.HasPrefix(file, "bin/") {
			lines = append(lines, why.Line{Text: line, Sources: []why.Source{source}})
		}
	}
	return lines
}

// match gives each line on disk the sources of the line that was generated there. A line that was not is edited, and
// has the sources of the one in whose place it stands.
func match(file string, disk []string, made []why.Line) []explained {
	texts := make([]string, len(made))
	for i, l := range made {
		texts[i] = l.Text
	}
	all := make([]explained, len(disk))
	from := make([]int, len(disk)) // index in made, -1 where nothing was
	at := 0
	for _, c := range append(diff.Changes(texts, disk), diff.Change{A: len(made), AEnd: len(made), B: len(disk), BEnd: len(disk)}) {
		for i := at; i < c.B; i++ {
			from[i] = c.A - (c.B - i)
		}
		for i := c.B; i < c.BEnd; i++ {
			all[i].Edited = true
			if from[i] = c.A + i - c.B; from[i] >= c.AEnd {
				from[i] = -1
			}
		}
		at = c.BEnd
	}
	for i := range disk {
		all[i].File, all[i].Line, all[i].Text, all[i].Sources = file, i+1, disk[i], []reason{}
		if from[i] < 0 {
			continue
		}
		for _, s := range made[from[i]].Sources {
			all[i].Sources = append(all[i].Sources, reason{s.Kind, s.Pos.String(), s.Text, s.Only})
		}
	}
	return all
}

// print writes the line and its sources for a person.
func (l explained) print(e env) error {
	var out strings.Builder
	edited := ""
	if l.Edited {
		edited = "edited: "
	}
	fmt.Fprintf(&out, "%s:%d: %s%s\n", l.File, l.Line, edited, l.Text)
	if l.Edited && len(l.Sources) == 0 {
		out.WriteString("  gen makes no line here\n")
	} else if l.Edited {
		out.WriteString("  what gen makes here comes from\n")
	}
	for _, s := range l.Sources {
		kind := s.Kind
		if s.Only {
			kind = "for " + kind
		}
		fmt.Fprintf(&out, "  %s\n", strings.TrimRight(fmt.Sprintf("%-11s  %-36s  %s", kind, s.Place, s.Text), " "))
	}
	_, err := e.stdout.Write([]byte(out.String()))
	return err
}
