package service

import (
	"errors"
	"fmt"
	"strings"

	"hpcbench/agent/workload"
)

// checkMetrics finds what could never be read from the server, and a reset that could never be asked.
func (s *Service) checkMetrics() error {
	var found []error
	note := func(bad bool, format string, args ...any) {
		if bad {
			found = append(found, fmt.Errorf(format, args...))
		}
	}
	m := s.Metrics
	note(m.Path != "" && !strings.HasPrefix(m.Path, "/"), "metrics.path is %q, and must begin with /", m.Path)
	note(m.Path == "" && len(m.Map) > 0, "metrics.map has names, and metrics.path does not say where they are")
	_, err := workload.Sources(m.Map)
	note(err != nil, "metrics.map: %w", err)
	seen := map[string]bool{}
	for i, x := range m.Extra {
		err := x.Watched().Check(s.Name, m.Path != "")
		note(err != nil, "metrics.extra[%d]: %w", i, err)
		note(seen[x.Name], "metrics.extra[%d]: there are two metrics of the name %q", i, x.Name)
		note(x.From != "" && x.From != "server", "metrics.extra[%d]: from is %q, and can be server", i, x.From)
		seen[x.Name] = true
	}
	if s.Reset.Path != "" && s.Reset.Method == "" {
		s.Reset.Method = "POST"
	}
	note(s.Reset.Method != "" && !strings.HasPrefix(s.Reset.Path, "/"), "reset.path is %q, and must begin with /", s.Reset.Path)
	return errors.Join(found...)
}

// Watched is the metric as the agent reads it.
func (m Metric) Watched() workload.Metric {
	return workload.Metric{Name: m.Name, Metric: m.Metric, Command: m.Command, Unit: m.Unit, Help: m.Help}
}
