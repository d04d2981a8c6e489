package trial

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/readings"
)

// monitored writes a node's readings of the minutes around now, as if its clock were so far ahead: a GPU of 250 W.
func monitored(t *testing.T, dir, node string, ahead time.Duration) {
	t.Helper()
	text := "time_s,cpu_busy_ratio,gpu0_power_watts,gpu0_energy_joules\n"
	now := float64(time.Now().UnixMilli()) / 1e3
	for s := -60.0; s < 120; s += 0.1 {
		text += fmt.Sprintf("%.3f,0.5,100,%.3f\n", now+s+ahead.Seconds(), 250*(60+s))
	}
	if err := os.WriteFile(readings.Path(dir, node), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The joules of the servers' GPUs, and what all nodes did in the window, are in the summary: each node's by its own clock.
func TestWhatTheNodesDidIsInTheSummary(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0, time.Hour)
	monitored(t, b.run, "s1", 0)
	monitored(t, b.run, "c2", time.Hour)
	b.Nodes = nodes.Table{{Role: "client", Name: "c1"}, {Role: "client", Name: "c2"}, {Role: "server", Name: "s1"}}
	if err := os.WriteFile(b.run+"/events.tsv", []byte("1000\tphase\tdeploy\tstart\n1001\ttrial\t0001\tstart\tx\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Run(t.Context(), b.Config)
	if err != nil {
		t.Fatal(err)
	}
	r, e := s.Resources, s.Energy
	if r == nil || e == nil || e.Joules == nil || len(r.Nodes) != 3 {
		t.Fatalf("resources %+v, energy %+v", r, e)
	}
	length := r.Window[1] - r.Window[0]
	if math.Abs(length-s.DurationS) > 1e-3 || math.Abs(*e.Joules-250*length) > 0.1 || len(e.GPUs) != 1 || e.GPUs[0].Node != "s1" {
		t.Errorf("%g J over %g s of %g s, of %+v", *e.Joules, length, s.DurationS, e.GPUs)
	}
	if math.Abs(*e.PerRequest-*e.Joules/40) > 1e-3 {
		t.Errorf("%g J a request, of %g J for 40", *e.PerRequest, *e.Joules)
	}
	var gaps []string
	for _, n := range r.Nodes {
		gaps = append(gaps, fmt.Sprintf("%s %v", n.Node, n.GapS > 0))
	}
	if strings.Join(gaps, ", ") != "s1 false, c1 true, c2 false" || r.Late {
		t.Errorf("gaps: %s, late: %v; want one of c1, which nobody watched", gaps, r.Late)
	}
	if kept := b.summary(t); kept.Energy == nil || *kept.Energy.Joules != *e.Joules {
		t.Errorf("summary.json has %+v", kept.Energy)
	}
}

// A monitor that is gone costs a gap that is stated, and no trial.
func TestAMonitorThatDiedIsAGap(t *testing.T) {
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0)
	b.Nodes = nodes.Table{{Role: "server", Name: "s1"}}
	text := fmt.Sprintf("time_s,gpu0_power_watts\n%d,100\n%d,100\n", time.Now().Unix()-9, time.Now().Unix()-8)
	if err := os.WriteFile(readings.Path(b.run, "s1"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Run(t.Context(), b.Config)
	if err != nil || !b.complete() {
		t.Fatalf("complete %v, %v", b.complete(), err)
	}
	length := s.Resources.Window[1] - s.Resources.Window[0]
	if n := s.Resources.Nodes[0]; math.Abs(n.GapS-length) > 1e-3 || n.Readings != 0 || !s.Resources.Late || s.Energy.Joules != nil || s.Energy.Why == "" {
		t.Errorf("%+v, %+v over %g s", s.Resources, s.Energy, length)
	}
}
