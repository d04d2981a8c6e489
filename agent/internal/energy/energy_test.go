package energy

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/readings"
	"hpcbench/agent/internal/summary"
)

const zero = 1_795_000_000.0 // an instant that a window begins at

// node writes a node's file: a row at each of the seconds, whose cells are what of says of it.
func node(t *testing.T, dir, name, heads string, seconds []float64, of func(second float64) string) {
	t.Helper()
	text := "time_s," + heads + "\n"
	for _, s := range seconds {
		text += fmt.Sprintf("%.3f,%s\n", zero+s, of(s))
	}
	if err := os.WriteFile(readings.Path(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// every is the seconds from a to b.
func every(a, b, step float64) (all []float64) {
	for s := a; s <= b+1e-9; s += step {
		all = append(all, s)
	}
	return all
}

func near(t *testing.T, what string, got *float64, want float64) {
	t.Helper()
	switch {
	case got == nil:
		t.Errorf("%s is not known, want %g", what, want)
	case math.Abs(*got-want) > 1e-6*math.Max(1, math.Abs(want)):
		t.Errorf("%s is %g, want %g", what, *got, want)
	}
}

func server(name string) nodes.Table { return nodes.Table{{Role: "server", Name: name}} }

// A GPU that draws 100 W in a straight line to 300 W over ten seconds takes 2000 J, whichever way it tells, and wherever between
// its readings the window's ends lie.
func TestCounterAndPowerSayTheSame(t *testing.T) {
	power := func(s float64) float64 { return 100 + 20*s }
	energy := func(s float64) float64 { return 1e6 + 100*s + 10*s*s } // its integral
	for name, c := range map[string]struct {
		heads  string
		of     func(float64) string
		source string
		within float64 // of 2000 J: straight lines between the counter's readings are none of its curve
	}{
		"counter": {"gpu0_energy_joules", func(s float64) string { return fmt.Sprintf("%.3f", energy(s)) }, summary.ByCounter, 3},
		"power":   {"gpu0_power_watts", func(s float64) string { return fmt.Sprintf("%.2f", power(s)) }, summary.ByPower, 1e-3},
		"both":    {"gpu0_power_watts,gpu0_energy_joules", func(s float64) string { return fmt.Sprintf("1,%.3f", energy(s)) }, summary.ByCounter, 3},
		"a counter that begins anew": {"gpu0_power_watts,gpu0_energy_joules", func(s float64) string {
			return fmt.Sprintf("%.2f,%.3f", power(s), math.Mod(energy(s), 1e6+500))
		}, summary.ByPower, 1e-3},
	} {
		dir := t.TempDir()
		node(t, dir, "cn02", c.heads, every(-4.3, 14, 1), c.of)
		r, e, err := Measure(Config{Dir: dir, Window: [2]float64{zero, zero + 10}, Nodes: server("cn02")})
		if err != nil || e == nil || e.Joules == nil {
			t.Fatalf("%s: %+v, %v", name, e, err)
		}
		if math.Abs(*e.Joules-2000) > c.within || e.Source != c.source || (e.Sensor != "") != (c.source == summary.ByPower) || e.GPUs[0].GapS != 0 {
			t.Errorf("%s: %g J by %s, %+v", name, *e.Joules, e.Source, e.GPUs)
		}
		if e.IdleJoules != nil || e.IdleWatts != nil {
			t.Errorf("%s: idle %v W, and nobody knows when it idled", name, *e.IdleWatts)
		}
		if r.Late || r.Nodes[0].GapS != 0 || r.Nodes[0].Readings != 10 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestGapsAreStatedAndNotMadeUp(t *testing.T) {
	without := func(from, to float64) (all []float64) {
		for _, s := range every(-5, 105, 1) {
			if s <= from || s >= to {
				all = append(all, s)
			}
		}
		return all
	}
	counter := func(s float64) string { return fmt.Sprintf("%.2f,%.3f", 200.0, 200*s+1000) }
	for name, c := range map[string]struct {
		seconds []float64
		heads   string
		of      func(float64) string
		gap     float64
		joules  float64 // NaN: not known
	}{
		"none":                         {every(-5, 105, 1), "gpu0_power_watts", func(float64) string { return "200" }, 0, 20000},
		"one row late is none":         {without(50, 52), "gpu0_power_watts", func(float64) string { return "200" }, 0, 20000},
		"eight seconds, of power":      {without(50, 58), "gpu0_power_watts", func(float64) string { return "200" }, 8, 20000},
		"twenty seconds, of power":     {without(50, 70), "gpu0_power_watts", func(float64) string { return "200" }, 20, math.NaN()},
		"twenty seconds, of a counter": {without(50, 70), "gpu0_power_watts,gpu0_energy_joules", counter, 20, 20000},
		"the monitor died":             {every(-5, 70, 1), "gpu0_power_watts,gpu0_energy_joules", counter, 30, math.NaN()},
		"it began late":                {every(40, 105, 1), "gpu0_power_watts,gpu0_energy_joules", counter, 40, math.NaN()},
		"it was never there":           {nil, "gpu0_power_watts", nil, 100, math.NaN()},
	} {
		dir := t.TempDir()
		node(t, dir, "cn02", c.heads, c.seconds, c.of)
		r, e, err := Measure(Config{Dir: dir, Window: [2]float64{zero, zero + 100}, Nodes: server("cn02")})
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Nodes[0]; n.GapS != c.gap || e.GPUs[0].GapS != c.gap {
			t.Errorf("%s: gaps of %g s of the node and %g s of the GPU, want %g s", name, n.GapS, e.GPUs[0].GapS, c.gap)
		}
		if math.IsNaN(c.joules) {
			if e.Joules != nil || !strings.Contains(e.Why, "GPU 0 of cn02") {
				t.Errorf("%s: %+v", name, e)
			}
			continue
		}
		near(t, name, e.Joules, c.joules)
	}
}

// The idle part is what was drawn while nobody asked: before and between the trials, once the GPU has settled.
func TestIdlePart(t *testing.T) {
	dir := t.TempDir()
	load := func(s float64) bool { return s > -18.5 && s < -10.5 || s >= 0 && s <= 31 } // another trial ran from −20 to −11, its load from −18.5
	node(t, dir, "cn02", "gpu0_power_watts,gpu1_power_watts", every(-60, 40, 0.5), func(s float64) string {
		if load(s) {
			return "300,40"
		}
		return "60,40"
	})
	j := &job.Job{
		Deployments: []job.Deployment{{ID: "d1", Ready: zero - 400}, {ID: "d2", Ready: zero - 40}, {ID: "d3", Ready: zero + 100}},
		Trials: []job.Trial{{ID: "0001", Start: zero - 300, End: zero - 100}, {ID: "0002", Start: zero - 20, End: zero - 11},
			{ID: "0003", Start: zero - 2}, {ID: "0004"}},
	}
	if err := os.Mkdir(filepath.Join(dir, "0002"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "0002", "summary.json"), fmt.Appendf(nil, `{"resources":{"began":%f}}`, zero-18.5), 0o644); err != nil {
		t.Fatal(err)
	}
	idle := Idle(dir, j, zero-0.25)
	if len(idle) != 2 || idle[0] != [2]float64{zero - 39, zero - 18.5} || idle[1] != [2]float64{zero - 10, zero - 0.25} {
		t.Fatalf("idle %v", idle)
	}
	_, e, err := Measure(Config{Dir: dir, Window: [2]float64{zero + 1, zero + 31}, Idle: idle, Nodes: server("cn02")})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "all", e.Joules, 30*340)
	near(t, "idle power", e.IdleWatts, 100)
	near(t, "the idle part", e.IdleJoules, 3000)
	near(t, "time looked at", &e.IdleS, 20.5+9.75)
	s := summary.Summary{DurationS: 30, Energy: e, Throughput: summary.Throughput{RequestsPerS: new(2.0), OutputTokensPerS: new(100.0)}}
	s.Share()
	near(t, "by request", e.PerRequest, 170)
	near(t, "by token", e.PerOutputToken, 3.4)
	want := "10200 J of 2 GPUs, 3.40 J an output token, 170 J a request; idle they would have taken 3000 J of it (100 W, looked at for 30.2 s) (" + summary.PowerSensor + ")"
	if e.String() != want {
		t.Errorf("%s\nwant %s", e, want)
	}
	_, e, err = Measure(Config{Dir: dir, Window: [2]float64{zero + 1, zero + 31}, Idle: [][2]float64{{zero - 5, zero - 4.2}}, Nodes: server("cn02")})
	if err != nil || e.IdleJoules != nil || e.IdleWatts != nil || e.IdleS != 0 {
		t.Errorf("by less than a second: %+v, %v", e, err)
	}
	if got := Idle(dir, &job.Job{}, zero); got != nil {
		t.Errorf("without a deployment that was ready: %v", got)
	}
}

// Nodes have clocks of their own: the readings of one that is five seconds ahead are of five seconds earlier.
func TestClocksAreMended(t *testing.T) {
	dir := t.TempDir()
	node(t, dir, "cn02", "cpu_busy_ratio,gpu0_power_watts", every(0, 40, 1), func(s float64) string {
		if s >= 15 && s <= 25 {
			return "0.9,400"
		}
		return "0.1,50"
	})
	r, e, err := Measure(Config{Dir: dir, Window: [2]float64{zero + 10, zero + 20}, Nodes: server("cn02"), Offsets: map[string]float64{"cn02": 5}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "energy", e.Joules, 4000)
	if n := r.Nodes[0]; n.CPU.Mean < 0.9-1e-9 || n.CPU.Max != 0.9 || n.GPUs[0].Power.Mean != 400 {
		t.Errorf("%+v", n)
	}
}

func TestNodesAreToldByRole(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"cn01", "cn02", "cn03"} {
		node(t, dir, name, "cpu_busy_ratio,mem_used_bytes,gpu0_utilization_ratio,gpu0_power_watts", every(-2, 12, 1), func(s float64) string {
			return "0.25,3000000000,0.5,70"
		})
	}
	if err := os.WriteFile(readings.Path(dir, "cn03"), []byte("time_s,cpu_busy_ratio\n1795000001.000,\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	table := nodes.Table{{Role: "monitor", Name: "cn01"}, {Role: "client", Name: "cn01"}, {Role: "server", Name: "cn02"}, {Role: "server", Name: "cn02"},
		{Role: "idle", Name: "cn04"}, {Role: "endpoint", Name: "e1", IP: "http://x"}}
	r, e, err := Measure(Config{Dir: dir, Window: [2]float64{zero, zero + 10}, Nodes: table})
	if err != nil {
		t.Fatal(err)
	}
	if len(e.GPUs) != 1 || e.GPUs[0].Node != "cn02" {
		t.Errorf("energy of %+v, want the server's alone", e.GPUs)
	}
	want := "cn02 (server): CPU 25.0 % (max 25.0), memory 3.00 GB (max 3.00), GPU 50.0 % (max 50.0), its power 70.0 W (max 70.0); " +
		"cn01 (client, monitor): CPU 25.0 % (max 25.0), memory 3.00 GB (max 3.00), GPU 50.0 % (max 50.0), its power 70.0 W (max 70.0); " +
		"cn04 (idle): no readings; cn03: no readings for 10.0 s of it"
	if r.String() != want {
		t.Errorf("%s\nwant %s", r, want)
	}
	if gaps := r.Gaps(); gaps != "cn04 for 10.0 s, cn03 for 10.0 s" || r.MostGap() != 10 {
		t.Errorf("gaps %q, %g", gaps, r.MostGap())
	}
	if l := r.Use(summary.GPUPowerOf); l == nil || l.Mean != 70 {
		t.Errorf("power of the servers' GPUs %v", l)
	}
	if r, e, err := Measure(Config{Dir: t.TempDir(), Window: [2]float64{zero, zero + 10}, Nodes: table}); r != nil || e != nil || err != nil {
		t.Errorf("nothing was watched: %v, %v, %v", r, e, err)
	}
}

// A trial whose readings had not all come is measured again when the job ends, and then only.
func TestSettle(t *testing.T) {
	dir := t.TempDir()
	reach := func(end float64) {
		node(t, dir, "cn02", "gpu0_energy_joules", every(-5, end, 1), func(s float64) string { return fmt.Sprint(100*s + 1000) })
	}
	reach(7)
	s := summary.Summary{Schema: summary.Schema, Trial: "0001", DurationS: 10, Throughput: summary.Throughput{RequestsPerS: new(5.0)}}
	s.Client.Verdict = "ok"
	var err error
	if s.Resources, s.Energy, err = Measure(Config{Dir: dir, Began: zero - 1, Window: [2]float64{zero, zero + 10}, Nodes: server("cn02")}); err != nil {
		t.Fatal(err)
	}
	if !s.Resources.Late || s.Energy.Joules != nil || s.Resources.Nodes[0].GapS != 3 {
		t.Fatalf("%+v, %+v", s.Resources, s.Energy)
	}
	path := filepath.Join(dir, "0001", "summary.json")
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	reach(12)
	j := &job.Job{Trials: []job.Trial{{ID: "0001", Start: zero - 2}, {ID: "0002", Start: zero + 20}, {ID: "0003"}}}
	for want := 1; want >= 0; want-- {
		if n, err := Settle(dir, j); n != want || err != nil {
			t.Errorf("%d settled, %v; want %d", n, err, want)
		}
	}
	text, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var now summary.Summary
	if err := json.Unmarshal(text, &now); err != nil {
		t.Fatal(err)
	}
	near(t, "energy", now.Energy.Joules, 1000)
	near(t, "by request", now.Energy.PerRequest, 20)
	if now.Resources.Late || now.Resources.Nodes[0].Role != "server" || now.Resources.Nodes[0].GapS != 0 {
		t.Errorf("%+v", now.Resources)
	}
}

// Wait returns when the rows are there, and at once where they are not about to come.
func TestWait(t *testing.T) {
	dir := t.TempDir()
	now := float64(time.Now().UnixMilli()) / 1e3
	rows := func(name string, last float64) string {
		text := fmt.Sprintf("time_s,cpu_busy_ratio\n%.3f,\n%.3f,\n", last-1, last)
		if err := os.WriteFile(readings.Path(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return readings.Path(dir, name)
	}
	rows("dead", now-3700)
	path := rows("cn02", now+3600) // whose clock is an hour ahead
	done := make(chan struct{})
	go func() { Wait(dir, now+1, map[string]float64{"cn02": 3600}, time.Hour); close(done) }()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, text := range []string{fmt.Sprintf("%.3f,", now+3601), "\n"} { // half a row is none
		select {
		case <-done:
			t.Fatal("it did not wait")
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it still waits")
	}
	Wait(dir, now+1e6, nil, 10*time.Millisecond) // for what does not come
}
