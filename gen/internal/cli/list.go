package cli

import (
	"bytes"
	"cmp"
	"errors"
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

var listCommand = command{"list", "tables of recipes, services, clusters and datasets", `usage: gen list [recipes|services|clusters|datasets] [flags]

Prints a table: of the recipes in a directory with service, model, nodes, trials, the time that they should take and what
they answer; of the services with dialects, port and image; of the cluster profiles; or of the layouts that a file of
prompts may have (workload.dataset). Without a word: recipes. A recipe that does not compile is in the table, too, and
says so. On a terminal a line is cut to its width.

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
	case "datasets":
		t = datasets
	default:
		names := []string{"recipes", "services", "clusters", "datasets"}
		return usageError{afterCure(fmt.Sprintf("no list of %q", what), cmp.Or(diag.DidYouMean(what, names), "there are "+strings.Join(names, ", ")))}
	}
	if err != nil {
		return err
	}
	if *asJSON {
		return t.json(e)
	}
	return t.print(e)
}

// datasets are the layouts of package agent/internal/dataset, which tells them apart by how a file begins.
var datasets = table{
	head: []string{"layout", "a file of", "what is sent", "where from"},
	rows: [][]string{
		{"JSON Lines", `{"prompt": "…", "output_tokens": 128, "answer": "B"}`, "prompt; output_tokens, if given, is the length of its answer, and answer the right letter of a choice", "your own"},
		{"ShareGPT", `[{"conversations": [{"from": "human", "value": "…"}]}]`, "each conversation's first human message; with a tokenizer, the answer is as long as the one of then", "huggingface.co/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered"},
		{"HellaSwag", `{"ctx": "…", "endings": ["…"], "label": 3}`, "ctx, and its endings to choose from; label is the right one", "github.com/rowanz/hellaswag, data/hellaswag_val.jsonl"},
	},
}

// listRecipes has a row for every recipe of dir; one that does not compile, or can't be read, says so.
func (e env) listRecipes(dir string, around surroundings) (table, error) {
	t := table{head: []string{"name", "service", "model", "nodes", "trials", "time", "description"}}
	names, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return t, usagef("--dir %s: %v", dir, err)
	}
	if len(names) == 0 {
		return t, &fs.PathError{Op: "list", Path: filepath.Join(dir, "*.yaml"), Err: fs.ErrNotExist}
	}
	for _, name := range names {
		src, err := e.read(name, around)
		var refused *fs.PathError
		switch {
		case errors.As(err, &refused) && refused.Path == name:
			t.rows = append(t.rows, broken(name, "", fmt.Sprintf("can't be read: %v", refused.Err)))
		case err != nil:
			return t, err // of the command line: it would be the same for each
		default:
			t.rows = append(t.rows, recipeRow(src))
		}
	}
	return t, nil
}

// broken is the row of a recipe of which no more is known.
func broken(file, service, why string) []string {
	return []string{strings.TrimSuffix(filepath.Base(file), ".yaml"), cmp.Or(service, "-"), "-", "-", "-", "-", why}
}

func recipeRow(src *source) []string {
	if src.Diags.Failed() {
		return broken(src.Name, src.File.Service(), fmt.Sprintf("does not compile, %s: gen check %s", diag.Several(src.Diags.Count(diag.Error), "error"), src.Name))
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
	return []string{strings.TrimSuffix(filepath.Base(src.Name), ".yaml"), src.Service.Name,
		distinct(func(r *recipe.Recipe) string { return r.Workload.Model }),
		distinct(func(r *recipe.Recipe) string { return fmt.Sprint(r.Orchestration.TotalNodes) }),
		fmt.Sprint(len(src.Plan.Trials)), roughly(src.Plan.EstimateS()), about(src.Text)}
}

// roughly is a time in words that is good to two digits: 59 s, 40 min, 5.2 h.
func roughly(seconds int) string {
	switch {
	case seconds < 100:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 100*60:
		return fmt.Sprintf("%d min", (seconds+30)/60)
	case seconds < 10*3600:
		return fmt.Sprintf("%.1f h", float64(seconds)/3600)
	}
	return fmt.Sprintf("%d h", (seconds+1800)/3600)
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
	all, err := allServices(dirs)
	for _, s := range all {
		t.rows = append(t.rows, []string{s.Name, strings.Join(s.Dialects, ","), portOf(s), cmp.Or(s.Image, "-"), s.Description})
	}
	return t, err
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

// print writes the table in columns, on a terminal cut to its width.
func (t table) print(e env) error {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(t.head, "\t")))
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = diag.Printable(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	columns := width(e.stdout)
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(e.stdout, diag.Clip(strings.TrimRight(line, "\n"), columns)); err != nil {
			return err
		}
	}
	return nil
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
	return e.json(objects)
}

// portOf is a service's customary port, if it has one.
func portOf(s *service.Service) string {
	if s.Port == 0 {
		return "-"
	}
	return fmt.Sprint(s.Port)
}
