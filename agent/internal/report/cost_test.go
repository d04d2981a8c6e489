package report

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/summary"
)

// costly is a trial whose server's two GPUs were watched, and whose monitor missed some seconds.
func costly(f tree, job, key, id string) {
	t := trialOf(id, 8, "openai-chat", 1)
	p := measured(t, nil)
	s := summary.Merge(t, []*summary.Part{p})
	level := func(mean, most float64) *summary.Level { return &summary.Level{Mean: mean, Max: most} }
	gpu := func(k int, watts float64) summary.GPUUse {
		return summary.GPUUse{GPU: k, Utilization: level(0.5, 1), Memory: level(40e9, 41e9), Power: level(watts, watts+50)}
	}
	s.Resources = &summary.Resources{Began: 1000, Window: [2]float64{1005, 1035}, Nodes: []summary.NodeUse{
		{Node: "cn02", Role: "server", Readings: 26, GapS: 4.5, CPU: level(0.125, 0.5), Memory: level(9e9, 9e9), GPUs: []summary.GPUUse{gpu(0, 300), gpu(1, 100)}},
		{Node: "cn01", Role: "client", Readings: 30, CPU: level(0.75, 1), Memory: level(2e9, 2e9)},
	}}
	s.Energy = &summary.Energy{Joules: new(12000.0), Source: summary.ByCounter, IdleWatts: new(150.0), IdleJoules: new(4500.0), IdleS: 12,
		GPUs: []summary.GPUEnergy{{Node: "cn02", GPU: 0, Joules: new(9000.0), GapS: 4.5}, {Node: "cn02", GPU: 1, Joules: new(3000.0), GapS: 4.5}}}
	s.Share()
	f.writeJSON(p, job, t.ID, "host-2", "part.json")
	f.writeJSON(s, job, t.ID, "summary.json")
	f.write(key+"\n", job, t.ID, "key")
}

// What a trial's nodes did, the joules of its GPUs, and the seconds that nobody watched are in each of the three files.
func TestWhatATrialCostIsTold(t *testing.T) {
	f := newTree(t)
	costly(f, "41", "k1", "0001")
	f.trial("41", "k2", trialOf("0002", 1, "openai-chat", 1), nil)
	text := report(t, "", f.dir)
	for _, want := range []string{
		"Energy of the servers' GPUs over the window\n  0001 c8-chat-r1  12000 J of 2 GPUs, 0.593 J an output token, 9.49 J a request; idle they would have taken 4500 J of it",
		"Nodes that were not watched all of a window\n  0001 c8-chat-r1  cn02 for 4.50 s\n",
		"J/token",
	} {
		if flat := strings.ReplaceAll(text, "\n    ", " "); !strings.Contains(strings.Join(strings.Fields(flat), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(read(t, f.dir, "summary.csv"))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("rows %q, %v", rows, err)
	}
	for head, want := range map[string]string{
		"energy_j": "12000", "energy_source": "counter", "energy_idle_j": "4500", "unwatched_s": "4.5", "server_node_cpu_mean": "0.125", "server_node_cpu_max": "0.5",
		"gpu_utilization_mean": "0.5", "gpu_power_watts_mean": "200", "gpu_power_watts_max": "350", "gpu_memory_bytes_max": "41000000000",
	} {
		k := slices.Index(rows[0], head)
		if k < 0 || rows[1][k] != want || rows[2][k] != "" {
			t.Errorf("%s: column %d has %q, %q; want %q and, of the other, nothing", head, k, rows[1][max(k, 0)], rows[2][max(k, 0)], want)
		}
	}
	page := read(t, f.dir, "report.html")
	for _, want := range []string{"<td>cn02</td><td>server</td><td>26</td><td>4.50</td><td>12.5</td><td>50.0</td>", "<td>1</td><td>50.0</td><td>100</td><td>40.0</td><td>41.0</td><td>100</td><td>150</td>",
		"12000 J of 2 GPUs"} {
		if !strings.Contains(strings.NewReplacer(` class="right"`, "").Replace(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
