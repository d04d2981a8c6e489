package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hpcbench/gen/internal/ask"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/plan"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/wizard"
)

var createCommand = command{"create", "write a recipe by answers to questions", `usage: gen create [flags]

Asks in six steps for what a recipe needs: service, scenario, nodes, resources, workload, containers and binds. Each question
has a default in brackets and its answer is checked at once; < goes a step back, ? tells more, - leaves out what may be
left out, and ctrl-C ends it without a trace. What the cluster's profile and the service's folder know is offered. At the
end stands a recipe with comments, that compiles.

Without a terminal on the standard input, or with --yes, nothing is asked: the defaults hold, and --set gives the rest.
Exit status: 0 written, 1 something is wrong with an answer or missing, 2 wrong usage or a file that can't be written.

flags:
  -o FILE                 where to write it (default recipes/SLUG.yaml, SLUG being the scenario); - for the standard output
  --service NAME          the service, a name of gen list services
  --scenario NAME         the experiment's name
  --cluster NAME          the cluster profile, a name of gen list clusters
  --set PATH=VALUE        any other answer, such as account=p200981; may be given several times
  --services DIR          services of your own; may be given several times
  --yes                   ask nothing
  --force                 write over a file that is there, without asking

example:
  $ gen create --yes --cluster meluxina --service vllm --scenario first --set account=p200981 --set workload.concurrency='[1, 64]'
  first: 2 trials of vllm, 1 deployment, on 1 node: 1 server
  …
  recipes/first.yaml is written: gen recipes/first.yaml compiles it
`, runCreate}

// creation is what a recipe is made of.
type creation struct {
	env
	asker    *ask.Asker
	services many
	given    []recipe.Set
	out      string
	force    bool
}

func runCreate(e env, args []string) error {
	f := newFlags("create")
	c := creation{env: e}
	var sets many
	yes := f.Bool("yes", false, "")
	name, scenario, profile := f.String("service", "", ""), f.String("scenario", "", ""), f.String("cluster", "", "")
	f.StringVar(&c.out, "o", "", "")
	f.BoolVar(&c.force, "force", false, "")
	f.Var(&c.services, "services", "")
	f.Var(&sets, "set", "")
	operands, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("create takes no arguments: -o %s says where to write", operands[0])
	}
	if c.given, err = settings(sets); err != nil {
		return err
	}
	for path, value := range map[string]string{"workload.service": *name, "scenario": *scenario, "cluster": *profile} {
		if value != "" {
			c.given = append(c.given, recipe.Set{Path: path, Value: recipe.Key{Text: true, OneValue: true}.Value(value)})
		}
	}
	slices.SortStableFunc(c.given, func(a, b recipe.Set) int { return strings.Compare(a.Path, b.Path) })
	c.asker = &ask.Asker{Out: io.Discard}
	if terminal(e.stdin) && !*yes {
		c.asker = e.asker()
	}
	return c.run()
}

// run asks, and writes the recipe.
func (c *creation) run() error {
	w, err := c.wizard()
	if err != nil {
		return err
	}
	if c.asker.In != nil {
		fmt.Fprintln(c.asker.Out, "A recipe in six steps. An empty line takes what is in brackets; ? tells more, < goes back, ctrl-C ends it.")
	}
	answers, err := w.Run()
	if errors.Is(err, ask.ErrEnd) {
		return errors.New("the answers ended before the questions: nothing was written")
	}
	if err != nil {
		return err
	}
	src, err := c.draft(answers)
	if err != nil {
		return err
	}
	return c.write(src)
}

// wizard knows all services and profiles, and judges answers as gen check judges recipes.
func (c *creation) wizard() (*wizard.Wizard, error) {
	services, err := allServices(c.services)
	if err != nil {
		return nil, err
	}
	fsys, names, err := profiles()
	if err != nil {
		return nil, err
	}
	w := &wizard.Wizard{Asker: c.asker, Services: services, Given: c.given}
	for _, name := range names {
		p, err := cluster.Load(fsys, name)
		if err != nil {
			return nil, err
		}
		w.Clusters = append(w.Clusters, p)
	}
	w.Judge = func(sets []recipe.Set) (*recipe.File, diag.List) {
		src, err := c.judge(sets)
		if err != nil { // a service's folder or a profile that can't be read: there since the program began
			return &recipe.File{}, diag.List{{Severity: diag.Error, Code: "unreadable", Message: err.Error()}}
		}
		return src.File, src.Diags
	}
	return w, nil
}

// judge reads a recipe of nothing but settings.
func (c *creation) judge(sets []recipe.Set) (*source, error) {
	around := surroundings{services: c.services}
	for _, s := range sets {
		around.sets = append(around.sets, s.String())
	}
	return c.examine("the answers", []byte("{}\n"), around)
}

// draft is the recipe of the answers, compiled in memory.
func (c *creation) draft(answers []recipe.Set) (*source, error) {
	src, err := c.judge(answers)
	if err != nil {
		return nil, err
	}
	if src.Diags.Failed() {
		return nil, cmp.Or(c.tell(src.Diags), errFailed)
	}
	text := append([]byte(headline(src)), src.File.Draft()...)
	made, err := c.examine(cmp.Or(c.out, "the recipe"), text, surroundings{services: c.services})
	if err != nil {
		return nil, err
	}
	if err := c.tell(made.Diags, made); err != nil {
		return nil, err
	}
	if made.Diags.Failed() {
		return nil, errors.New("the recipe of these answers does not compile, and was not written: gen is wrong here")
	}
	_, err = made.bundle(nil, surroundings{services: c.services})
	return made, err
}

// headline is the comment at the top: what the recipe answers and costs, as gen list shows it.
func headline(src *source) string {
	points := src.File.Points()
	question := fmt.Sprintf("What does %s give with %s on %s", src.Service.Title, points[0].Recipe.Workload.Model, where(src))
	if len(points) > 1 {
		question += " as the load changes"
	}
	return fmt.Sprintf("# %s?\n# Costs about %s, for %s. Made by gen create; docs/recipe.md has every key.\n",
		question, roughly(src.Plan.EstimateS()), diag.Several(len(src.Plan.Trials), "trial"))
}

// where is the number of nodes and the cluster, in words.
func where(src *source) string {
	if src.Plan.Setting.Local {
		return "this machine"
	}
	return diag.Several(src.Plan.Jobs[0].Total, "node") + " of " + src.Profile.Name
}

// write puts the recipe into its file, and says what it is and what comes next.
func (c *creation) write(src *source) error {
	file := cmp.Or(c.out, filepath.Join("recipes", plan.Slug(src.Plan.Scenario)+".yaml"))
	if file == "-" {
		_, err := c.stdout.Write(src.Text)
		return err
	}
	file, err := c.place(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := putFile(file, append(modeline(file), src.Text...), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "%s%s is written: gen %s compiles it\n", src.Plan.Text(), file, file)
	return err
}

// place is the file to write: another than asked for where that one is there and is to stay.
func (c *creation) place(file string) (string, error) {
	for {
		_, err := os.Lstat(file)
		switch {
		case c.force || errors.Is(err, fs.ErrNotExist):
			return file, nil
		case err != nil:
			return "", err
		case c.asker.In == nil:
			return "", &fs.PathError{Op: "write (--force writes over it)", Path: file, Err: fs.ErrExist}
		}
		line, err := c.asker.Line(fmt.Sprintf("  %s is there. Write over it? [y/N, or another name]: ", file))
		switch {
		case err != nil:
			return "", errors.New("nothing was written")
		case line == "y" || line == "yes":
			return file, nil
		case line != "" && line != "n" && line != "no":
			file = line
		}
	}
}

// modeline is the first line that editors find the schema by, where it lies beside the directory of recipes.
func modeline(file string) []byte {
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), "../schemas/recipe.schema.json")); err != nil {
		return nil
	}
	return []byte("# yaml-language-server: $schema=../schemas/recipe.schema.json\n")
}
