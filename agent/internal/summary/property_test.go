package summary

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// sorts are records of all sorts, some of which have all that a record may have.
func sorts(draw *rand.Rand, n int) (all []*record.Record) {
	for i := range n {
		at := 14 * draw.Float64()
		r := answer(at, at+0.01*draw.Float64(), 0.001+draw.ExpFloat64())
		switch draw.IntN(8) {
		case 0:
			r = failed(at, record.Outcome(1+draw.IntN(outcomes-1)))
		case 1:
			r.Cold, r.ServerLoad, r.ServerPrompt, r.ServerDecode = draw.IntN(3) == 0, draw.Float64(), draw.Float64(), draw.Float64()
		case 2:
			r.Graded, r.Right = true, draw.IntN(2) == 0
		case 3:
			r = failed(at, record.Cancelled)
			r.GivenUp, r.FirstToken = true, r.Sent
		}
		r.ID, r.Endpoint = int64(i), draw.IntN(3)
		all = append(all, r)
	}
	return all
}

// A trial has one summary and one series, however its requests are dealt out over nodes, and in whatever order they end, on
// however many threads, and their nodes' parts come. (The threads of a node hand their records to one collector.)
func TestASummaryDoesNotDependOnWhoMeasured(t *testing.T) {
	draw := rand.New(rand.NewPCG(11, 12))
	tr := trial()
	tr.Workload.SLO = map[string]float64{"ttft": 0.5, "itl": 0.2}
	endpoints := []string{"http://a", "http://b", "http://c"}
	records := sorts(draw, 1500)
	var want *Summary
	var series string
	for try, nodes := range []int{1, 3, 16} {
		for threads := 1; threads <= 2; threads++ {
			var parts []*Part
			dealt := make([]*Collector, nodes)
			for node := range dealt {
				dealt[node] = New(workload.Assignment{Trial: tr, Node: fmt.Sprintf("n%02d", node), Part: node, Parts: nodes, Endpoints: endpoints})
			}
			for _, i := range draw.Perm(len(records)) {
				dealt[draw.IntN(nodes)].Add(records[i])
			}
			for _, c := range dealt {
				p := c.Part()
				p.State, p.Client = Complete, &Client{Threads: threads}
				parts = append(parts, throughJSON(t, p))
			}
			draw.Shuffle(len(parts), func(i, k int) { parts[i], parts[k] = parts[k], parts[i] })
			got := Merge(tr, parts)
			got.ByNode, got.Client = nil, Verdict{} // these tell of the nodes themselves
			text := SeriesCSV(tr, parts)
			if try == 0 && threads == 1 {
				want, series = got, text
			}
			got.Marks = want.Marks // nodes of few requests are far off the others by chance
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%d nodes of %d threads:\n got %+v\nwant %+v", nodes, threads, got, want)
			}
			if text != series {
				t.Errorf("%d nodes of %d threads have another series", nodes, threads)
			}
		}
	}
	if want.Cold == nil || want.Accuracy == nil || len(want.ByEndpoint) != 3 || len(want.ServerTimings) != 4 || want.Little == nil {
		t.Errorf("%+v", want)
	}
}
