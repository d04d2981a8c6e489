package summary

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// BenchmarkMerge64 is what one summary of 64 client nodes costs, each with a part of a million records (make bench).
func BenchmarkMerge64(b *testing.B) {
	const nodes, records = 64, 1_000_000
	trial := workload.Trial{Schema: workload.Schema, ID: "0001", Workload: workload.Workload{
		Dialect: "openai-chat", Stream: true, Rate: 64_000, DurationS: 1000, MaxTokens: 16, SLO: map[string]float64{"ttft": 0.5},
	}}
	var drawn [4]*Part // drawing 64 of them would take minutes
	for i := range drawn {
		drawn[i] = partOf(trial, i, nodes, records)
	}
	parts := make([]*Part, nodes)
	for node := range parts {
		p := *drawn[node%len(drawn)]
		p.Node, p.Part = fmt.Sprint("cn", node), node
		parts[node] = &p
	}
	for b.Loop() {
		if s := Merge(trial, parts); s.Requests.OK == 0 {
			b.Fatal("nothing was merged")
		}
	}
}

// partOf is the part of one node, of n records with latencies drawn at random.
func partOf(trial workload.Trial, node, nodes, n int) *Part {
	c := New(workload.Assignment{Schema: workload.Schema, Trial: trial, Node: fmt.Sprint("cn", node), Part: node, Parts: nodes})
	random := rand.New(rand.NewPCG(1, uint64(node)))
	for i := range n {
		c.Add(drawnRecord(random, int64(node+i*nodes)))
	}
	p := c.Part()
	p.State = Complete
	return p
}

func drawnRecord(random *rand.Rand, id int64) *record.Record {
	at := float64(id) / 64_000
	r := &record.Record{
		ID: id, Phase: record.Measure, Scheduled: at, Sent: at + 1e-5, FirstToken: at + 0.02 + random.ExpFloat64()/10, Outcome: record.OK, Status: 200,
		PromptTokens: 128, OutputTokens: 16, TokenSource: record.Usage, Bytes: 3000, Batch: -1,
	}
	r.LastToken = r.FirstToken
	for range 15 {
		gap := 0.005 + random.ExpFloat64()/100
		r.Gaps = append(r.Gaps, float32(gap))
		r.LastToken += gap
	}
	r.Done = r.LastToken + 1e-4
	return r
}
