package trial

import (
	"path/filepath"
	"time"

	"hpcbench/agent/internal/energy"
	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/summary"
)

// cost puts what the nodes had to do in the window into the summary, by the readings of their monitors that are there; wait lets
// those that are under way come. What is missing is stated there, and the job's end looks for it again: no trial fails by it.
func (c Config) cost(s *summary.Summary, parts []*summary.Part, zero time.Time, wait bool) {
	from, to, known := summary.Span(parts, s.DurationS)
	if !known || zero.IsZero() {
		return
	}
	began := float64(zero.UnixMicro()) / 1e6
	dir := filepath.Dir(c.Out)
	m := energy.Config{Dir: dir, Began: began, Window: [2]float64{began + from, began + to}, Nodes: c.Nodes}
	if j, err := job.Read(dir); err == nil { // of agent trial by itself there is none
		m.Idle, m.Offsets = energy.Idle(dir, j, began), j.Offsets(dir)
	}
	if wait {
		energy.Wait(dir, m.Window[1], m.Offsets, c.Monitors)
	}
	var err error
	if s.Resources, s.Energy, err = energy.Measure(m); err != nil {
		c.Say("what the nodes did is not all known: %v", err)
	}
	s.Share()
}
