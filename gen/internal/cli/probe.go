package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/probe"
	"hpcbench/gen/internal/render"
	"hpcbench/templates"
)

var probeCommand = command{"probe", "ask a cluster for the facts of its profile", `usage: gen probe [flags]
       gen probe ANSWERS [--name NAME]

Without a file: writes DIR/probe/probe.sbatch, a small job that asks a cluster for what a profile says of it: partitions,
qos and limits, GPUs, CPUs and memory of a node, whether nodes are shared, container runtime and modules, interfaces,
internet of login and compute nodes, Slurm, bash and MPI. It changes nothing, and takes seconds of one node. On a login node
of the cluster, bash probe.sbatch runs it; what it finds is in answers.txt beside it, for a person to read.
With that file: prints a profile made of it, each value with what it was read from, and blanks where nothing told.

flags:
  -o DIR                  parent of the job directory (default out)
  --partition P           of the job, as in a recipe; the probe describes a node of it
  --account A             of the job
  --qos Q                 of the job
  --name NAME             the profile's name (default Slurm's own name of the cluster)
  --force                 write over an edited probe.sbatch, too

example:
  $ gen probe --partition gpu --account p200981 --qos test
  $ scp -r out/probe login.mysite.org: && ssh login.mysite.org bash probe/probe.sbatch
  $ scp login.mysite.org:probe/answers.txt . && gen probe answers.txt > mysite.yaml
  $ gen recipes/vllm.yaml --cluster mysite.yaml
`, runProbe}

// probeView is what templates/probe.sbatch.tmpl sees.
type probeView struct {
	Partition  string
	Directives []render.Directive
}

func runProbe(e env, args []string) error {
	f := newFlags("probe")
	out, name, force := f.String("o", "out", ""), f.String("name", "", ""), f.Bool("force", false, "")
	partition, account, qos := f.String("partition", "", ""), f.String("account", "", ""), f.String("qos", "", "")
	files, err := parse(f, args)
	if err != nil {
		return err
	}
	switch len(files) {
	case 0:
		return e.writeProbe(*out, *force, probeView{*partition, given("partition", *partition, "account", *account, "qos", *qos)})
	case 1:
		return e.readProbe(files[0], *name)
	}
	return usagef("probe takes one file of answers, not %d", len(files))
}

// given are the directives that have a value.
func given(pairs ...string) []render.Directive {
	var all []render.Directive
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, render.Directive{Flag: pairs[i], Value: pairs[i+1]})
		}
	}
	return all
}

// writeProbe makes the job directory.
func (e env) writeProbe(parent string, force bool, view probeView) error {
	script, err := render.Script(templates.FS, "probe.sbatch.tmpl", view)
	if err != nil {
		return usagef("%v", err)
	}
	b := &bundle.Bundle{Slug: "probe", Head: []string{"hpcbench " + Version}}
	b.Add("probe.sbatch", 0o755, script)
	done, err := bundle.Write(parent, b, force)
	if err != nil {
		return err
	}
	e.edited(done)
	_, err = fmt.Fprintf(e.stdout, `%s asks a cluster for the facts of its profile
  next  on a login node: bash probe.sbatch   (asks it, then submits itself: seconds of one node; arguments go to sbatch)
  then  gen probe answers.txt > mine.yaml
`, filepath.Join(done.Dir, "probe.sbatch"))
	return err
}

// readProbe prints the profile that a file of answers makes.
func (e env) readProbe(file, name string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the answers: %w", err)
	}
	answers, err := probe.Parse(file, text)
	if err != nil {
		fmt.Fprintln(e.stderr, err)
		return errFailed
	}
	profile, blanks := probe.Profile(answers, name)
	if _, err := cluster.Parse("the profile", profile); err != nil {
		return fmt.Errorf("%s makes a profile that gen itself does not read: %w", file, err)
	}
	if len(blanks) > 0 {
		fmt.Fprintf(e.stderr, "blank, for nothing told: %s\n", strings.Join(blanks, ", "))
	}
	_, err = e.stdout.Write(profile)
	return err
}
