package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
)

var listCommand = command{"list", "tables of recipes, services and clusters", `usage: gen list [recipes|services|clusters] [flags]

Prints a table: of the recipes in a directory with service, model, nodes, trials and what they answer; of the services
with dialects, port and image; or of the cluster profiles. Without a word: recipes.

flags:
  --dir DIR               where the recipes are (default recipes)
  --json                  print a list of objects instead
  --services DIR          services of your own; may be given several times
  --cluster NAME|FILE     hold recipes against this profile instead of their own
  --set PATH=VALUE        a value that wins over the recipes'; may be given several times

example:
  $ gen list services
  NAME    DIALECTS                     PORT   IMAGE                           DESCRIPTION
  ollama  ollama-generate,ollama-chat  11434  docker://ollama/ollama:0.24.0   local models, one server a node
`, runList}

// table is what a list prints: a header and rows of equal length.
type table struct {
	head []string
	rows [][]string
}

func runList(e env, args []string) error {
	f := newFlags("list")
	dir, asJSON := f.String("dir", "recipes", ""), f.Bool("json", false, "")
	var around surroundings
	around.flags(f)
	words, err := parse(f, args)
	if err != nil {
		return err
	}
	var t table
	switch what := cmp.Or(strings.Join(words, " "), "recipes"); what {
	case "recipes":
		t, err = e.listRecipes(*dir, around)
	case "services":
		t, err = listServices(around.services)
	case "clusters":
		t, err = listClusters()
	default:
		return usagef("no list of %q: recipes, services or clusters", what)
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return t.json(e)
	}
	return t.print(e)
}

// listRecipes has a row for every recipe of dir; one that does not compile says so.
func (e env) listRecipes(dir string, around surroundings) (table, error) {
	t := table{head: []string{"name", "service", "model", "nodes", "trials", "description"}}
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return t, usagef("--dir %s: %v", dir, err)
	}
	if len(names) == 0 {
		return t, &fs.PathError{Op: "list", Path: filepath.Join(dir, "*.yaml"), Err: fs.ErrNotExist}
	}
	for _, name := range names {
		src, err := e.read(name, around)
		if err != nil {
			return t, err
		}
		t.rows = append(t.rows, recipeRow(src))
	}
	return t, nil
}

func recipeRow(src *source) []string {
	name := strings.TrimSuffix(filepath.Base(src.Name), ".yaml")
	if src.Diags.Failed() {
		return []string{name, cmp.Or(src.File.Service(), "-"), "-", "-", "-",
			fmt.Sprintf("does not compile, %s: gen check %s", plural(src.Diags.Count(diag.Error), "error"), src.Name)}
	}
	points := src.File.Points()
	distinct := func(f func(*recipe.Recipe) string) string {
		var values []string
		for _, p := range points {
			if v := f(p.Recipe); !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		return strings.Join(values, ",")
	}
	return []string{name, src.Service.Name,
		distinct(func(r *recipe.Recipe) string { return r.Workload.Model }),
		distinct(func(r *recipe.Recipe) string { return fmt.Sprint(r.Orchestration.TotalNodes) }),
		fmt.Sprint(len(src.Plan.Trials)), about(src.Text)}
}

// about is the first sentence of the comment at the top of a recipe; a line for an editor (yaml-language-server) is none.
func about(text []byte) string {
	var words []string
	for line := range strings.Lines(string(text)) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if line = strings.TrimSpace(line); !ok || line == "" && len(words) > 0 {
			break
		}
		if !strings.HasPrefix(line, "yaml-language-server:") {
			words = append(words, line)
		}
	}
	return strings.TrimSuffix(strings.TrimSpace(sentence.FindString(strings.Join(words, " "))), ".")
}

// sentence is the first sentence of a text, or all of one that has no end.
var sentence = regexp.MustCompile(`^(?:.*?[.?](?:\s|$)|.*)`)

func listServices(dirs []string) (table, error) {
	t := table{head: []string{"name", "dialects", "port", "image", "description"}}
	all, err := service.Open(dirs)
	if err != nil {
		return t, err
	}
	names, err := service.List(all)
	if err != nil {
		return t, err
	}
	for _, name := range names {
		s, err := service.Load(all, name)
		if err != nil {
			return t, err
		}
		t.rows = append(t.rows, []string{s.Name, strings.Join(s.Dialects, ","), fmt.Sprint(s.Port), cmp.Or(s.Image, "-"), s.Description})
	}
	return t, nil
}

func listClusters() (table, error) {
	t := table{head: []string{"name", "gpus", "cpus", "architecture", "bill", "checked", "description", "partitions"}}
	all, names, err := profiles()
	if err != nil {
		return t, err
	}
	for _, name := range names {
		p, err := cluster.Load(all, name)
		if err != nil {
			return t, err
		}
		t.rows = append(t.rows, []string{p.Name, p.GPUs(), p.CPUs(), cmp.Or(p.Architecture, "-"), p.Unit(), cmp.Or(p.Checked, "-"),
			p.Description, cmp.Or(strings.Join(p.Partitions, ","), "-")})
	}
	return t, nil
}

// print writes the table in columns.
func (t table) print(e env) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(t.head, "\t")))
	for _, row := range t.rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// json writes the rows as objects.
func (t table) json(e env) error {
	objects := make([]map[string]string, 0, len(t.rows))
	for _, row := range t.rows {
		object := map[string]string{}
		for i, name := range t.head {
			object[name] = row[i]
		}
		objects = append(objects, object)
	}
	encoder := json.NewEncoder(e.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(objects)
}
