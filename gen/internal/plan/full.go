package plan

import (
	"fmt"
	"slices"
	"strings"

	"hpcbench/gen/internal/diag"
)

// Full is the whole plan for a person: what runs where and in which order, how long each part takes, what it costs, and
// what would make it cheaper.
func (p *Plan) Full() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", p.Slug, p.Title())
	section := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&b, "\n%s\n  %s\n", title, strings.Join(lines, "\n  "))
		}
	}
	section("Jobs", p.jobLines())
	section("Deployments, in the order in which they start", p.deploymentLines())
	section("Time", p.phases())
	section("Bill", p.billLines())
	section("Percentiles", append(lines(p.Carries()), p.untold()...))
	section("Cheaper", p.advice())
	section("Why in this order", p.why())
	return b.String()
}

// untold says of how many trials nobody knows the number of requests, and so which percentiles they carry.
func (p *Plan) untold() []string {
	n, sought := 0, 0
	for _, t := range p.Trials {
		_, known := expected(t.Workload)
		switch {
		case t.Workload.Search != nil:
			sought++
		case !known:
			n++
		}
	}
	var all []string
	if n > 0 {
		all = append(all, fmt.Sprintf("%s by the clock: the server sets the pace, and the report marks the percentiles that its requests do not carry",
			plural(n, "1 trial ends", "%d trials end")))
	}
	if sought > 0 {
		all = append(all, fmt.Sprintf("%s: as many requests as the rate that is found has in one window", plural(sought, "1 trial is a search", "%d trials are searches")))
	}
	return all
}

// lines are those of a text, none of an empty one.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func (p *Plan) jobLines() []string {
	var all []string
	for _, j := range p.Jobs {
		line := fmt.Sprintf("%s  %s, %s: %s", j.Script, p.where(), diag.Several(j.Total, "node"), Roles(j))
		if p.Setting.Local {
			all = append(all, fmt.Sprintf("%s, about %s", line, Span(j.EstimateS)))
			continue
		}
		line += fmt.Sprintf(", about %s of at most %s", Clock(j.EstimateS), Clock(j.LimitS))
		if j.Chain > 1 {
			line += fmt.Sprintf(" each, %d times one after the other", j.Chain)
		}
		if j.After != "" {
			line += ", after " + j.After
		}
		if j.Het {
			line += fmt.Sprintf(", a heterogeneous job: %s in front, %s behind", diag.Several(j.Total-j.Servers, "node"), diag.Several(j.Servers, "node"))
		}
		all = append(all, line)
	}
	return all
}

func (p *Plan) deploymentLines() []string {
	var all, before []string
	first := ""
	for _, j := range p.Jobs {
		for k, d := range j.deployments {
			trials, _ := d.seconds()
			all = append(all, fmt.Sprintf("%s  %s: start %s, %s %s", d.ID, d.about(), Span(d.StartupS), diag.Several(d.Trials, "trial"), Span(trials)))
			of := loads(j, d)
			if k > 0 && slices.Equal(of, before) {
				of = []string{"loads as of " + first}
			} else {
				before, first = of, d.ID
			}
			for _, line := range of {
				all = append(all, "      "+line)
			}
		}
	}
	return all
}

// about is what distinguishes a deployment.
func (d *Deployment) about() string {
	var parts []string
	if !strings.Contains(d.What, "model=") {
		parts = append(parts, d.Model)
	}
	if d.What != "" {
		parts = append(parts, d.What)
	}
	if d.Restart > 0 {
		parts = append(parts, fmt.Sprintf("start %d", d.Restart))
	}
	switch d.Launcher {
	case "ray", "mp", "spmd":
		parts = append(parts, "one server by "+d.Launcher)
	case "tasks":
		parts = append(parts, fmt.Sprintf("one server of %s a node", diag.Several(d.Tasks, "task")))
	}
	parts = append(parts, diag.Several(d.Endpoints, "endpoint"))
	if d.IdleGPUs > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s idle", d.IdleGPUs, diag.Several(d.IdleGPUs+d.GPUs, "GPU")))
	}
	return strings.Join(parts, ", ")
}

// phases is where the time goes.
func (p *Plan) phases() []string {
	startup, warmup, window, rest, overhead := 0, 0.0, 0.0, 0.0, 0
	for _, j := range p.Jobs {
		if !p.Setting.Local {
			overhead += overheadS * max(1, j.Chain)
		}
	}
	for _, d := range p.Deployments {
		startup += d.StartupS
		for _, t := range d.trials {
			n := float64(windows(t.Workload))
			warmup += n * t.Workload.WarmupS
			window += n * t.Workload.DurationS
			rest += float64(t.Seconds) - n*(t.Workload.WarmupS+t.Workload.DurationS)
		}
	}
	all := []string{fmt.Sprintf("start-up %s (by the service's estimate), warm-up %s, measured %s, cool-down and drain %s, around it %s",
		Span(startup), Span(int(warmup)), Span(int(window)), Span(int(rest)), Span(overhead))}
	if atMost := slices.ContainsFunc(p.Trials, func(t *Trial) bool { return t.Workload.MinDurationS > 0 }); atMost {
		all = append(all, fmt.Sprintf("windows end after %d requests of each place in flight, between %d s and %d s; the most is counted here", windowRequests, windowLeastS, windowMostS))
	}
	return append(all, p.searches()...)
}

// searches says how often they send their load.
func (p *Plan) searches() []string {
	var all []string
	for _, t := range p.Trials {
		if s := t.Workload.Search; s != nil {
			if line := fmt.Sprintf("a search ends after %s at the latest, mostly earlier; the most is counted here", diag.Several(s.Probes, "probe")); !slices.Contains(all, line) {
				all = append(all, line)
			}
		}
	}
	return all
}

func (p *Plan) billLines() []string {
	all := []string{p.Bill()}
	if p.Setting.Local {
		return all
	}
	if share := p.idleShare(); share >= 0.05 {
		all = append(all, fmt.Sprintf("%.0f %% of the GPU time is idle", 100*share))
	}
	return append(all, fmt.Sprintf("submit.sh --smoke: at most %s in %s", p.SmokeBill(), Span(p.SmokeS())))
}

// SmokeBill is what the short form of all jobs costs at most.
func (p *Plan) SmokeBill() string {
	most := 0.0
	for _, j := range p.Jobs {
		most += j.Smoke.Bill
	}
	return amount(most) + " " + p.Setting.Bill
}

// SmokeS is how long the short form of all jobs may take, in seconds.
func (p *Plan) SmokeS() int {
	s := 0
	for _, j := range p.Jobs {
		s += j.Smoke.LimitS
	}
	return s
}

// advice is what would make the plan cheaper, as far as a plan can tell.
func (p *Plan) advice() []string {
	var all []string
	if p.Setting.Local {
		return nil
	}
	for _, d := range p.lonely() {
		n := (d.GPUs + d.IdleGPUs) / d.GPUs // of servers on one node each, that many times what they use
		if n < 2 {
			continue
		}
		all = append(all, fmt.Sprintf("%s leaves %s idle: replicas_per_node: %d uses them, or ask for fewer", strings.TrimSpace(d.ID+" "+d.What), diag.Several(d.IdleGPUs, "GPU"), n))
	}
	j := p.Jobs[0]
	if j.Clients > 0 && j.gpus() > 0 && !j.Het && p.site.Whole(j.recipe.Partition) {
		all = append(all, fmt.Sprintf("%s billed like a server's: clients.placement: same-node shares the servers' nodes, het takes CPU nodes", plural(j.Clients, "a client node is", "%d client nodes are")))
	}
	if j.Monitors > 0 && j.gpus() > 0 {
		all = append(all, "the monitor node is billed, too, and every node is watched without it: monitors: 0")
	}
	if startup := p.Deployments[0].StartupS * len(p.Deployments); len(p.Deployments) > 1 && startup*2 > p.EstimateS() {
		all = append(all, fmt.Sprintf("half of the time is servers that start (%s × %s): sweep values of the workload rather than of the server", diag.Several(len(p.Deployments), "start"), Span(p.Deployments[0].StartupS)))
	}
	return all
}

// lonely are the servers that leave GPUs of their nodes idle, each once; none where the plan itself has several on a node.
func (p *Plan) lonely() []*Deployment {
	if slices.ContainsFunc(p.Deployments, func(d *Deployment) bool { return d.Replicas > 1 }) {
		return nil
	}
	return slices.DeleteFunc(firsts(p.Deployments), func(d *Deployment) bool { return d.Launcher != "single" || d.IdleGPUs == 0 || d.GPUs == 0 })
}

// plural is one of two sentences, by the number.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// EstimateS is how long all jobs take, one after the other, in seconds.
func (p *Plan) EstimateS() int {
	s := 0
	for _, j := range p.Jobs {
		s += j.EstimateS
	}
	return s
}

// why says what the order follows from.
func (p *Plan) why() []string {
	distinct := len(firsts(p.Deployments))
	all := []string{fmt.Sprintf("%d combinations of server values need a server each, started once for all of its points: no order starts fewer", distinct)}
	if distinct == 1 {
		all[0] = "all points differ in the load only: one start of the server serves them"
	}
	if p.Deployments[len(p.Deployments)-1].Restart > 1 {
		all = append(all, "every restart goes through the servers in the opposite direction of the one before, so that a drift falls on all alike")
	}
	if slices.ContainsFunc(p.Trials, func(t *Trial) bool { return t.Repetition > 1 }) {
		all = append(all, "repetitions are interleaved: all points once, then all again")
	}
	if len(p.Jobs) > 1 {
		all = append(all, "each allocation of other nodes is a job of its own; they run one after the other")
	}
	return all
}
