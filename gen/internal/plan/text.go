package plan

import (
	"fmt"
	"slices"
	"strings"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/diag"
)

// Text is the plan in a few lines: where it runs, what of, and what it costs.
func (p *Plan) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s · %s\n", p.Slug, p.where(), p.nodesInAll())
	fmt.Fprintf(&b, "%s   %s\n", p.amounts(), strings.Join(p.briefly(), " · "))
	fmt.Fprintf(&b, "%s\n", strings.Join(p.costs(), " · "))
	return b.String()
}

// where is the cluster with its queue.
func (p *Plan) where() string {
	if p.Setting.Local {
		return "this machine"
	}
	r := p.Jobs[0].recipe
	queue := strings.Join(slices.DeleteFunc([]string{r.Partition, r.QOS}, func(s string) bool { return s == "" }), "/")
	return strings.TrimSpace(p.Setting.Cluster + " " + queue)
}

// nodesInAll is what the jobs have of nodes, each different kind once.
func (p *Plan) nodesInAll() string {
	var all []string
	for _, j := range p.Jobs {
		words := diag.Several(j.Total, "node")
		if gpus := j.gpus(); gpus > 0 {
			words += strings.TrimRight(fmt.Sprintf(" × %d %s", gpus, p.site.GPUModel), " ")
			if p.site.GPUModel == "" {
				words += " GPUs"
			}
		}
		if words += " · " + Roles(j); !slices.Contains(all, words) {
			all = append(all, words)
		}
	}
	return strings.Join(all, "; ")
}

// replicas is the most servers that share a node.
func (j *Job) replicas() int {
	most := 1
	for _, d := range j.deployments {
		most = max(most, d.Replicas)
	}
	return most
}

// gpus is how many GPUs each server's node has.
func (j *Job) gpus() int {
	most := 0
	for _, d := range j.deployments {
		most = max(most, d.recipe.Resources.Servers.GPUs)
	}
	return most
}

// amounts counts jobs, deployments and trials.
func (p *Plan) amounts() string {
	trials := diag.Several(len(p.Trials), "trial")
	if again := len(p.Trials) / max(1, p.points); again > 1 && again*p.points == len(p.Trials) {
		trials += fmt.Sprintf(" (%s × %d)", diag.Several(p.points, "point"), again)
	}
	return fmt.Sprintf("%s, %s, %s", diag.Several(p.runs(), "job"), diag.Several(len(p.Deployments), "deployment"), trials)
}

// runs counts the jobs that submit.sh submits.
func (p *Plan) runs() int {
	n := 0
	for _, j := range p.Jobs {
		n += max(1, j.Chain)
	}
	return n
}

// mostBrief is how many deployments are told of one by one.
const mostBrief = 4

// briefly is a few words on each deployment, and of very many the ends.
func (p *Plan) briefly() []string {
	var all []string
	for _, d := range p.Deployments {
		all = append(all, d.brief())
	}
	if n := len(all); n > mostBrief {
		all = []string{all[0], all[1], fmt.Sprintf("… %d more", n-3), all[n-1]}
	}
	return all
}

func (d *Deployment) brief() string {
	trials, _ := d.seconds()
	words := strings.TrimSpace(d.ID+" "+d.What) + " " + Span(d.StartupS+trials)
	if d.IdleGPUs > 0 {
		words += fmt.Sprintf(", %s idle", diag.Several(d.IdleGPUs, "GPU"))
	}
	return words
}

// costs is the bill, with what is behind it.
func (p *Plan) costs() []string {
	if p.Setting.Local {
		return []string{p.Bill()}
	}
	r := p.Jobs[0].recipe
	bill := "bill " + p.Bill()
	if r.Account != "" {
		bill += " of " + r.Account
	}
	if p.site.Whole(r.Partition) {
		bill += " (whole nodes)"
	}
	all := []string{bill}
	if share := p.idleShare(); share >= 0.05 {
		words := fmt.Sprintf("%.0f %% of GPU time idle", 100*share)
		if len(p.lonely()) > 0 {
			words += ": try replicas_per_node"
		}
		all = append(all, words)
	}
	limits := []string{}
	for _, j := range p.Jobs {
		if l := Clock(j.LimitS); !slices.Contains(limits, l) {
			limits = append(limits, l)
		}
	}
	all = append(all, "time limit "+strings.Join(limits, ", "))
	if p.Deployments[0].StartupS > 0 {
		all = append(all, "start-up "+Span(p.Deployments[0].StartupS)+" (a guess)")
	}
	return all
}

// idleShare is the share of the GPU time of the allocations that no server can use, 0 to 1.
func (p *Plan) idleShare() float64 {
	paid, used := 0.0, 0.0
	for _, j := range p.Jobs {
		for _, d := range j.deployments {
			trials, _ := d.seconds()
			s := float64(d.StartupS + trials)
			nodes := j.Total
			if j.Het {
				nodes = j.Servers
			}
			paid += s * float64(j.gpus()*nodes)
			used += s * float64(d.GPUs)
		}
	}
	if paid == 0 {
		return 0
	}
	return 1 - used/paid
}

// Span is a length of time in words.
func Span(s int) string {
	switch {
	case s < 100:
		return fmt.Sprintf("%d s", s)
	case s < 100*60:
		return fmt.Sprintf("%d min", (s+30)/60)
	}
	return fmt.Sprintf("%d h %02d min", s/3600, s/60%60)
}

// Title is the plan in one line.
func (p *Plan) Title() string {
	where := "in " + diag.Several(len(p.Jobs), "job")
	if len(p.Jobs) == 1 {
		where = "on " + diag.Several(p.Jobs[0].Total, "node") + ": " + Roles(p.Jobs[0])
	}
	return fmt.Sprintf("%s of %s, %s, %s", diag.Several(len(p.Trials), "trial"), p.Service, diag.Several(len(p.Deployments), "deployment"), where)
}

// Roles is what a job's nodes are for.
func Roles(j *Job) string {
	var parts []string
	for _, role := range []struct {
		n    int
		name string
	}{{j.Servers, "server"}, {j.Clients, "client"}, {j.Monitors, "monitor"}} {
		if role.n > 0 {
			parts = append(parts, diag.Several(role.n, role.name))
		}
	}
	if n := j.replicas(); n > 1 {
		parts[0] = fmt.Sprintf("%s of up to %d servers", diag.Several(j.Servers, "node"), n)
	}
	if j.Beside > 0 {
		parts = append(parts, map[bool]string{true: "client on the server's node", false: diag.Several(j.Beside, "client") + " on the servers' nodes"}[j.Beside == 1])
	}
	if j.Idle > 0 {
		parts = append(parts, fmt.Sprintf("%d idle", j.Idle))
	}
	return strings.Join(parts, ", ")
}

// Bill is what all jobs cost in the profile's unit, and in local mode how long they take.
func (p *Plan) Bill() string {
	var about, most float64
	for _, j := range p.Jobs {
		about, most = about+j.Bill, most+j.BillMost
	}
	if p.Setting.Local {
		return "about " + Clock(p.EstimateS()) + " on this machine"
	}
	if most == 0 {
		return "not known: the cluster profile does not say what a node has"
	}
	return fmt.Sprintf("about %s %s, at most %s", amount(about), p.Setting.Bill, amount(most))
}

// amount has one place, and two where there is little.
func amount(hours float64) string {
	if hours < 1 {
		return fmt.Sprintf("%.2f", hours)
	}
	return fmt.Sprintf("%.1f", hours)
}

// mostLoads is how many lines of loads are told one by one.
const mostLoads = 10

// loads says what the load of each trial comes to on a node and an endpoint, each once, and of very many the ends.
func loads(j *Job, d *Deployment) []string {
	var all []string
	for _, t := range d.trials {
		if line := share(t.Workload, j, d.Endpoints); !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	if n := len(all); n > mostLoads {
		all = []string{all[0], all[1], fmt.Sprintf("… %d more", n-3), all[n-1]}
	}
	if n := len(all); n > 1 && max(1, j.Clients+j.Beside)*d.Endpoints == 1 {
		var lines []string
		for some := range slices.Chunk(all, 5) { // each is a few words
			lines = append(lines, strings.Join(some, " · "))
		}
		return lines
	}
	return all
}

func share(w workload.Workload, j *Job, endpoints int) string {
	nodes := max(1, j.Clients+j.Beside)
	where := "the client node"
	switch {
	case nodes > 1:
		where = "each of " + diag.Several(nodes, "client")
	case j.Beside > 0:
		where = "the client beside the server"
	}
	if w.Arrival == "replay" && w.Rate == 0 {
		return "the trace " + w.Trace + " at its own pace"
	}
	if w.Rate > 0 {
		line := fmt.Sprintf("%g requests/s (%s)", w.Rate, w.Arrival)
		if w.Search != nil {
			line = sought(w)
		} else if nodes*endpoints > 1 {
			line += fmt.Sprintf(" = %g on %s, %g per endpoint", w.Rate/float64(nodes), where, w.Rate/float64(endpoints))
		}
		if w.Concurrency > 0 {
			line += fmt.Sprintf(", at most %d in flight", w.Concurrency)
		}
		return line
	}
	byNode, byEndpoint := spread(w, nodes, endpoints)
	total := 0
	for _, n := range byNode {
		total += n
	}
	line := fmt.Sprintf("%d in flight", total)
	if nodes*endpoints > 1 {
		line += fmt.Sprintf(" = %s on %s, %s per endpoint", span(byNode), where, span(byEndpoint))
	}
	if w.Batch > 1 {
		line += fmt.Sprintf(", in groups of %d", w.Batch)
	}
	return line
}

// sought is what a search looks for, and where.
func sought(w workload.Workload) string {
	s := w.Search
	from := fmt.Sprintf("%g requests/s on", s.Low)
	if s.High > 0 {
		from = fmt.Sprintf("%g to %g requests/s", s.Low, s.High)
	}
	return fmt.Sprintf("the highest rate, from %s (%s), at which %g %% hold the SLO, to %g %%, in %s at most", from, w.Arrival, 100*s.Attain, 100*s.Precision, diag.Several(s.Probes, "probe"))
}

// span is "10", or "2 to 3" when some have more than others.
func span(counts []int) string {
	low, high := slices.Min(counts), slices.Max(counts)
	if low == high {
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}
