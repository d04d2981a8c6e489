package plan

import (
	"fmt"
	"slices"
	"strings"

	"hpcbench/agent/workload"
)

// Text is the plan in a few lines: what will run where, with what load, for how long, and what it costs.
func (p *Plan) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", p.Slug, p.Title())
	for _, j := range p.Jobs {
		fmt.Fprintf(&b, "  %s  %s", j.Script, Roles(j))
		if p.Setting.Local {
			fmt.Fprintf(&b, ", on this machine, about %s\n", Clock(j.EstimateS))
		} else {
			fmt.Fprintf(&b, ", about %s of at most %s\n", Clock(j.EstimateS), Clock(j.LimitS))
		}
		for _, d := range j.deployments {
			fmt.Fprintf(&b, "    %s  %s, %s\n", d.ID, count(d.Trials, "trial"), about(d))
			for _, line := range loads(j, d) {
				fmt.Fprintf(&b, "        %s\n", line)
			}
		}
	}
	if !p.Setting.Local {
		fmt.Fprintf(&b, "  bill  %s\n", p.Bill())
	}
	return b.String()
}

// Title is the plan in one line.
func (p *Plan) Title() string {
	where := "in " + count(len(p.Jobs), "job")
	if len(p.Jobs) == 1 {
		where = "on " + Roles(p.Jobs[0])
	}
	return fmt.Sprintf("%s of %s, %s, %s", count(len(p.Trials), "trial"), p.Service, count(len(p.Deployments), "deployment"), where)
}

// Roles is what a job's nodes are for.
func Roles(j *Job) string {
	var parts []string
	for _, role := range []struct {
		n    int
		name string
	}{{j.Servers, "server"}, {j.Clients, "client"}, {j.Monitors, "monitor"}} {
		if role.n > 0 {
			parts = append(parts, count(role.n, role.name))
		}
	}
	if j.Idle > 0 {
		parts = append(parts, fmt.Sprintf("%d idle", j.Idle))
	}
	return count(j.Total, "node") + ": " + strings.Join(parts, ", ")
}

func count(n int, word string) string { return fmt.Sprintf("%d %s", n, verb(n, word, word+"s")) }

// Bill is what all jobs cost in the profile's unit, and in local mode how long they take.
func (p *Plan) Bill() string {
	var about, most float64
	for _, j := range p.Jobs {
		about, most = about+j.Bill, most+j.BillMost
	}
	if p.Setting.Local {
		return "about " + Clock(p.Jobs[0].EstimateS) + " on this machine"
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

func about(d *Deployment) string {
	var parts []string
	if !strings.Contains(d.What, "model=") {
		parts = append(parts, d.Model)
	}
	if d.What != "" {
		parts = append(parts, d.What)
	}
	if d.Launcher != "single" {
		parts = append(parts, "one server by "+d.Launcher)
	}
	return strings.Join(append(parts, count(d.Endpoints, "endpoint")), ", ")
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
	return all
}

func share(w workload.Workload, j *Job, endpoints int) string {
	where := "the first server node"
	if j.Clients > 0 {
		where = "each of " + count(j.Clients, "client node")
		if j.Clients == 1 {
			where = "the client node"
		}
	}
	if w.Rate > 0 {
		line := fmt.Sprintf("%g requests/s (%s) = %g on %s, %g per endpoint", w.Rate, w.Arrival,
			w.Rate/float64(max(1, j.Clients)), where, w.Rate/float64(endpoints))
		if w.Concurrency > 0 {
			line += fmt.Sprintf(", at most %d in flight", w.Concurrency)
		}
		return line
	}
	byNode, byEndpoint := spread(w, max(1, j.Clients), endpoints)
	total := 0
	for _, n := range byNode {
		total += n
	}
	line := fmt.Sprintf("%d in flight = %s on %s, %s per endpoint", total, span(byNode), where, span(byEndpoint))
	if w.Batch > 1 {
		line += fmt.Sprintf(", in groups of %d", w.Batch)
	}
	return line
}

// span is "10", or "2 to 3" when some have more than others.
func span(counts []int) string {
	low, high := slices.Min(counts), slices.Max(counts)
	if low == high {
		return fmt.Sprint(low)
	}
	return fmt.Sprintf("%d to %d", low, high)
}
