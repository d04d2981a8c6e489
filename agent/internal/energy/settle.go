package energy

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
)

// Settle measures trials of a job anew whose summaries were written before all readings of their windows had come, now that
// nothing more will come. It returns how many it has written.
func Settle(dir string, j *job.Job) (settled int, err error) {
	var failures []error
	for _, t := range j.Trials {
		if t.Start == 0 {
			continue // of another job
		}
		done, err := settle(dir, j, filepath.Join(dir, t.ID, "summary.json"))
		if err != nil {
			failures = append(failures, fmt.Errorf("trial %s: %w", t.ID, err))
		}
		if done {
			settled++
		}
	}
	return settled, errors.Join(failures...)
}

// settle does so with one summary, if it is late.
func settle(dir string, j *job.Job, path string) (bool, error) {
	text, err := whole.Read(path)
	if err != nil {
		return false, nil // the trial has failed, and left none
	}
	var s summary.Summary
	if err := json.Unmarshal(text, &s); err != nil {
		return false, err
	}
	if s.Schema != summary.Schema || s.Resources == nil || !s.Resources.Late {
		return false, nil
	}
	before := s.Resources
	s.Resources, s.Energy, err = Measure(Config{Dir: dir, Began: before.Began, Window: before.Window, Idle: Idle(dir, j, before.Began), Nodes: roles(before), Offsets: j.Offsets(dir)})
	if s.Resources == nil {
		s.Resources = before // its files are gone
	}
	s.Resources.Late = false
	s.Share()
	return true, errors.Join(err, whole.WriteJSON(path, s))
}

// roles are the nodes as they were when the trial ran: nodes.tsv is that of the last deployment.
func roles(r *summary.Resources) (t nodes.Table) {
	for _, n := range r.Nodes {
		for _, role := range strings.Split(n.Role, ", ") {
			if role != "" {
				t = append(t, nodes.Node{Role: role, Name: n.Node})
			}
		}
	}
	return t
}
