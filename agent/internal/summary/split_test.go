package summary

import (
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// spread are twenty answers at each of so many endpoints, changed by change.
func spread(endpoints int, change func(r *record.Record)) (all []*record.Record) {
	for i := range 20 * endpoints {
		r := answer(3+0.01*float64(i), 3+0.01*float64(i), 0.1)
		r.Endpoint = i % endpoints
		if change != nil {
			change(r)
		}
		all = append(all, r)
	}
	return all
}

// over is the part of a node that sent these to so many endpoints.
func over(tr workload.Trial, endpoints int, records []*record.Record) *Part {
	a := workload.Assignment{Trial: tr, Node: "n1", Parts: 1}
	for i := range endpoints {
		a.Endpoints = append(a.Endpoints, "http://e"+string(rune('1'+i)))
	}
	c := New(a)
	for _, r := range records {
		c.Add(r)
	}
	p := c.Part()
	p.State = Complete
	return p
}

func TestEachEndpointHasItsNumbers(t *testing.T) {
	tr := trial()
	s := Merge(tr, []*Part{throughJSON(t, over(tr, 2, append(spread(2, nil), failed(4, record.Timeout))))})
	if len(s.ByEndpoint) != 2 || s.ByNode != nil {
		t.Fatalf("by endpoint %+v, by node %+v", s.ByEndpoint, s.ByNode)
	}
	first, second := s.ByEndpoint[0], s.ByEndpoint[1]
	if first.URL != "http://e1" || first.Requests.OK != 20 || first.Requests.Failed != 1 || first.Requests.ByOutcome["timeout"] != 1 || second.Requests.Scheduled != 20 {
		t.Errorf("%+v and %+v", first, second)
	}
	near(t, "requests/s", *first.RequestsPerS, 2)
	near(t, "failures/s", *first.FailuresPerS, 0.1)
	near(t, "tokens/s", *second.OutputTokensPerS, 6)
	near(t, "TTFT", second.TTFT.P50, 0.1)
	near(t, "E2EL", second.E2EL.Mean, 0.3)
	if one := Merge(tr, []*Part{over(tr, 1, spread(1, nil))}); one.ByEndpoint != nil || len(one.Marks) > 0 {
		t.Errorf("one endpoint is split: %+v, %q", one.ByEndpoint, one.Marks)
	}
}

func TestAnEndpointFarOffTheOthersIsMarked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *record.Record)
		want   string
	}{
		"alike": {},
		"slow": {func(r *record.Record) {
			if r.Endpoint == 2 {
				r.FirstToken += 0.1
			}
		}, "endpoint http://e3 is far off the others: p50 of ttft_s 200 ms, theirs 100 ms"},
		"failing": {func(r *record.Record) {
			if r.Endpoint == 1 {
				*r = *failed(r.Scheduled, record.HTTPStatus)
				r.Endpoint = 1
			}
		}, "endpoint http://e2 is far off the others: 100 % of its requests failed, of theirs 0 %"},
	} {
		tr := trial()
		s := Merge(tr, []*Part{over(tr, 3, spread(3, c.change))})
		found := slices.DeleteFunc(s.Marks, func(m string) bool { return !strings.Contains(m, "far off") })
		if c.want == "" && len(found) > 0 || c.want != "" && !slices.Equal(found, []string{c.want}) {
			t.Errorf("%s: marks %q, want %q", name, found, c.want)
		}
	}
}

func TestManyEndpointsAreCountedInBoundedMemory(t *testing.T) {
	tr := trial()
	n := splitMost + 2
	s := Merge(tr, []*Part{throughJSON(t, over(tr, n, spread(n, nil)))}) // of the twenty each 13 are due in the window
	if len(s.ByEndpoint) != n || s.ByEndpoint[splitMost-1].E2EL == nil || s.ByEndpoint[splitMost].E2EL != nil || s.ByEndpoint[splitMost].Requests.OK != 13 {
		t.Errorf("%d endpoints: %+v", len(s.ByEndpoint), s.ByEndpoint[splitMost:])
	}
}
