package report

import (
	"fmt"
	"slices"
	"strings"

	"hpcbench/agent/internal/logs"
)

// accounted are the jobs of which something is known; runs of agent load are none.
func (r *Report) accounted() []*run {
	return slices.DeleteFunc(slices.Clone(r.jobs), func(j *run) bool { return j.job == nil })
}

// edited names the files of the bundle that a person changed before any of the jobs; empty when none was.
func (r *Report) edited() string {
	var files []string
	for _, j := range r.accounted() {
		for _, file := range j.job.Edited {
			if !slices.Contains(files, file) {
				files = append(files, file)
			}
		}
	}
	if len(files) == 0 {
		return ""
	}
	slices.Sort(files)
	return "bundle edited: " + strings.Join(files, ", ")
}

// account is a job in a line: how it ended, how long it took and why it failed.
func (r *run) account() string {
	j := r.job
	words := []string{j.State}
	if j.ExitStatus != nil {
		words = append(words, fmt.Sprintf("exit %d", *j.ExitStatus))
	}
	if n := len(j.Phases); n > 0 && j.Phases[0].Start > 0 {
		if end := max(j.Phases[n-1].End, j.Phases[n-1].Start); end > j.Phases[0].Start {
			words = append(words, clock(end-j.Phases[0].Start))
		}
	}
	if roles := r.roles(); roles != "" {
		words = append(words, roles)
	}
	if j.Cause != nil {
		words = append(words, "cause: "+j.Cause.Message)
	}
	return strings.Join(words, " · ")
}

// quote are the lines of a log about what failed first.
func (r *run) quote() []string {
	if r.job.Cause == nil {
		return nil
	}
	return logs.Quote(r.dir, r.job.Cause.Log)
}

// roles counts the job's nodes by role: "2 client, 1 server".
func (r *run) roles() string {
	var words []string
	for _, role := range []string{"monitor", "client", "server", "endpoint", "idle"} {
		names := map[string]bool{}
		for _, n := range r.job.Nodes {
			if n.Role == role {
				names[n.Name] = true
			}
		}
		if len(names) > 0 {
			words = append(words, fmt.Sprintf("%d %s", len(names), role))
		}
	}
	return strings.Join(words, ", ")
}

// clock is a stretch of seconds as 45 s, 3 min 20 s or 2 h 5 min.
func clock(s float64) string {
	n := int(s + 0.5)
	switch {
	case n < 60:
		return fmt.Sprintf("%d s", n)
	case n < 3600:
		return fmt.Sprintf("%d min %d s", n/60, n%60)
	}
	return fmt.Sprintf("%d h %d min", n/3600, n/60%60)
}
