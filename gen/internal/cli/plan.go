package cli

import (
	"fmt"

	"hpcbench/gen/internal/shell"
)

var planCommand = command{"plan", "what a recipe comes to, without writing anything", `usage: gen plan RECIPE [flags]

Prints jobs with their nodes by role, the deployments in the order in which they start and what distinguishes them, trials and
loads of each, where the time goes, GPUs that stay idle, the bill in the site's own unit, percentiles that the number of
requests won't carry, what would make it cheaper, why the order is this one, and the next command. Writes nothing.
Exit status: 0 printed, 1 the recipe has errors, 2 wrong usage or a file that can't be read.

flags:
  --json                  print the plan as JSON: jobs, deployments and trials, each with all that the bundle would hold
  --cluster NAME|FILE     plan for this cluster profile instead of the recipe's
  --set PATH=VALUE        a value that wins over the recipe's; may be given several times
  --services DIR          services of your own; may be given several times

example:
  $ gen plan recipes/vllm.yaml --set repetitions=3
`, runPlan}

func runPlan(e env, args []string) error {
	f := newFlags("plan")
	asJSON := f.Bool("json", false, "")
	var around surroundings
	around.flags(f)
	names, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(names) != 1 {
		return usagef("plan wants one recipe, and got %d", len(names))
	}
	src, err := e.read(names[0], around)
	if err != nil {
		return err
	}
	if err := e.tell(src.Diags, src); err != nil {
		return err
	}
	if src.Plan == nil {
		return errFailed
	}
	if *asJSON {
		return e.json(src.Plan)
	}
	_, err = fmt.Fprintf(e.stdout, "%s\nnext: %s   (writes the job directory)\n", src.Plan.Full(), shell.Shown(append([]string{"gen", names[0]}, around.words()...)))
	return err
}

// words are the flags as one types them again.
func (s surroundings) words() []string {
	var all []string
	if s.cluster != "" {
		all = append(all, "--cluster", s.cluster)
	}
	for _, set := range s.sets {
		all = append(all, "--set", set)
	}
	for _, dir := range s.services {
		all = append(all, "--services", dir)
	}
	return all
}
