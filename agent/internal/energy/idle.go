package energy

import (
	"cmp"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/whole"
)

// How far Idle looks back, and how long it lets a GPU settle: what drivers show as power is a mean over a second.
const (
	lookBack = 600
	settling = 1
)

// Idle are the times before an instant in which the servers of the deployment that runs then were up and nobody asked them: from
// when they were ready to the first load, from each trial's end to the next load, and from the last one's end to the instant. dir
// is the job's results, whose summaries know when the load of a trial began, a second or more after the trial.
func Idle(dir string, j *job.Job, before float64) [][2]float64 {
	from := ready(j, before)
	if math.IsNaN(from) {
		return nil
	}
	var idle [][2]float64
	add := func(from, to float64) {
		if from = max(from+settling, before-lookBack); to > from {
			idle = append(idle, [2]float64{from, to})
		}
	}
	for _, t := range slices.SortedFunc(slices.Values(j.Trials), func(a, b job.Trial) int { return cmp.Compare(a.Start, b.Start) }) {
		if t.Start < from || t.End == 0 || t.End > before {
			continue // of another deployment, or not over then
		}
		if t.End > before-lookBack {
			add(from, began(filepath.Join(dir, t.ID, "summary.json"), t))
		}
		from = t.End
	}
	add(from, before)
	return idle
}

// ready is when the deployment was that runs at an instant; NaN where none was.
func ready(j *job.Job, before float64) float64 {
	from := math.NaN()
	for _, d := range j.Deployments {
		if d.Ready > 0 && d.Ready <= before && !(d.Ready < from) {
			from = d.Ready
		}
	}
	return from
}

// began is when a trial's load did by its summary, else when the trial itself did.
func began(path string, t job.Trial) float64 {
	var s struct {
		Resources *struct{ Began float64 }
	}
	text, err := whole.Read(path)
	if err != nil || json.Unmarshal(text, &s) != nil || s.Resources == nil || !(s.Resources.Began > t.Start && s.Resources.Began < t.End) {
		return t.Start
	}
	return s.Resources.Began
}
