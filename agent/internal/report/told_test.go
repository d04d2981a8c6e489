package report

import (
	"encoding/csv"
	"strings"
	"testing"

	"hpcbench/agent/internal/summary"
)

// tells is a job of two trials, of whose servers one tells of itself in the first; with proof, and metrics that were added.
func tells(t *testing.T) tree {
	f := newTree(t)
	f.events("7", "1000\tfact\tscenario\tdemo", "1000\tphase\tinitialise\tstart", "1001\tdeployment\td1\tstart", "1002\tdeployment\td1\tready",
		"1002\tproof\td1\tkv_cache\told", "1003\tdeployment\td1\tstart", "1003\tproof\td1\tkv_cache\tGPU KV cache size: 1,234 tokens",
		"1003\tproof\td1\tbackend\tUsing A\tn1", "1003\tproof\td1\tbackend\tUsing B\tn2", "1004\texit\t0")
	f.ledger("7", "0001 d1 40 missing k1 a", "0002 d1 40 missing k2 b")
	for id, told := range map[string]*summary.Server{"0001": {IntervalS: 1, Told: summary.Told{
		Looks: 30, Failed: 2, Why: "HTTP 500", Running: &summary.Level{Mean: 7.5, Max: 8}, Waiting: &summary.Level{Mean: 1.5, Max: 4},
		KVUsage: &summary.Level{Mean: 0.25, Max: 0.5}, GenTokens: new(4000.0), PrefixQueries: new(1000.0), PrefixHits: new(5.0), PrefixHitShare: new(0.005),
		TTFT: &summary.Timed{N: 100, Mean: 0.02}, Custom: map[string]summary.Level{"custom_fan_rpm": {Mean: 3, Max: 4}},
	}}, "0002": nil} {
		tr := trialOf(id, map[string]int{"0001": 8, "0002": 32}[id], "openai-chat", 1)
		p := measured(tr, nil)
		p.Told = told
		f.writeJSON(p, "7", id, "host-2", "part.json")
		f.writeJSON(summary.Merge(tr, []*summary.Part{p}), "7", id, "summary.json")
		f.write("k"+id[3:]+"\n", "7", id, "key")
	}
	f.write("time_s,cpu_busy_ratio,custom_watts_w,custom_none\n1,0.5,100,\n2,0.5,,\n3,0.5,200,\n4,0.", "7", "monitor-n1.csv")
	f.write("time_s,cpu_busy_ratio\n1,0.5\n2,0.5\n", "7", "monitor-n2.csv")
	return f
}

func TestServersWordsAreInEveryOutput(t *testing.T) {
	f := tells(t)
	report(t, "", f.dir)
	rows, err := csv.NewReader(strings.NewReader(read(t, f.dir, "summary.csv"))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%v: %q", err, rows)
	}
	for i, head := range rows[0] {
		want, asked := map[string]string{
			"server_running_mean": "7.5", "server_waiting_max": "4", "server_kv_usage_mean": "0.25", "server_preemptions": "", "server_gen_tokens": "4000",
			"server_prefix_hit_share": "0.005", "server_ttft_s_mean": "0.02", "server_itl_s_mean": "", "server_looks": "30", "server_looks_failed": "2",
			"server_custom_fan_rpm_mean": "3", "server_custom_fan_rpm_max": "4",
		}[head]
		if asked && (rows[1][i] != want || rows[2][i] != "") {
			t.Errorf("%s is %q and %q, want %q and nothing", head, rows[1][i], rows[2][i], want)
		}
	}
	words := []string{"server queue", "KV cache %", "25.0", "prefix hits %", "0.500", "1.50",
		"kv_cache: GPU KV cache size: 1,234 tokens · backend: Using A (n1), Using B (n2)", "n1 150 (100 to 200)", "n1 nothing"}
	text := strings.Join(strings.Fields(read(t, f.dir, "report.txt")), " ")
	page := read(t, f.dir, "report.html")
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("report.txt has no %q:\n%s", word, text)
		}
		if !strings.Contains(page, word) {
			t.Errorf("report.html has no %q", word)
		}
	}
	for _, word := range []string{"running 7.50 (max 8.00), waiting 1.50 (max 4.00)", "4000 tokens made", "fan_rpm 3.00 (max 4.00)", "2 of 30 looks failed (HTTP 500)"} {
		if !strings.Contains(page, word) {
			t.Errorf("report.html has no %q", word)
		}
	}
	if strings.Contains(text+page, "kv_cache: old") {
		t.Error("the proof of an earlier start is told")
	}
}

func TestManyNodesAreToldInShort(t *testing.T) {
	if got := several([]string{"a", "b", "c", "d", "e", "f"}); got != "a, b, c, d, and 2 more" {
		t.Error(got)
	}
}
