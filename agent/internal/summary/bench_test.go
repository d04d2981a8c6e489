package summary

import (
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// BenchmarkAdd is the cost of a record to the client, in CPU time: of short answers with few gaps, as a fast server gives them.
func BenchmarkAdd(b *testing.B) {
	c := New(workload.Assignment{Trial: trial(), Parts: 1, Endpoints: []string{"http://a", "http://b"}})
	records := make([]*record.Record, 1024)
	for i := range records {
		at := float64(i) * 12 / 1024
		records[i] = answer(at, at+1e-5*float64(i%7), 0.001*float64(1+i%97))
		records[i].Endpoint = i % 2
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		c.Add(records[i&1023])
	}
}

// BenchmarkMerge is the cost of a summary of 64 client nodes, half an hour of load each.
func BenchmarkMerge(b *testing.B) {
	tr := trial()
	tr.Workload.DurationS = seriesMost
	var parts []*Part
	for node := range 64 {
		c := New(workload.Assignment{Trial: tr, Part: node, Parts: 64})
		for i := range 4 * seriesMost {
			at := float64(i) / 4
			c.Add(answer(at, at, 0.001*float64(1+i%997)))
		}
		parts = append(parts, c.Part())
	}
	b.ResetTimer()
	for b.Loop() {
		Merge(tr, parts)
		SeriesCSV(tr, parts)
	}
}
