package cli

import (
	"hpcbench/agent/internal/search"
	"hpcbench/agent/workload"
)

// findOptions is what the command line says of a search for the highest rate.
type findOptions struct {
	on                                 *bool
	most, precision, attain, certainty *float64
	probes                             *int
}

// findFlags are those that say how to search.
var findFlags = []string{"max-rate", "precision", "attain", "confidence", "probes"}

// standardRate is the first that a search tries, in requests/s.
const standardRate = 1

func (o *findOptions) declare(f *flags) {
	f.heading("Search for the highest rate that holds the SLO:")
	o.on = f.is("find-rate", "double --rate (default 1) until it fails the --slo, then halve the gap; an open loop at each rate,\nfor --duration or until --requests are measured (default as long as it takes to tell, within 10 s and 1 m)")
	o.most = f.real("max-rate", "R", 0, "the highest rate that is tried (default no bound)")
	o.precision = f.real("precision", "P", 0.05, "how far the rate that fails may be above the one that holds at the end, as a share")
	o.attain = f.real("attain", "P", 0.99, "share of the requests due that has to keep the SLO, failed ones included")
	o.certainty = f.real("confidence", "P", 0.95, "of the statement that a rate holds, and of the one that it fails")
	o.probes = f.number("probes", "N", 20, "it ends after so many at the latest")
}

// fill writes the search into a workload whose first rate is there.
func (o *findOptions) fill(w *workload.Workload) {
	if !*o.on {
		return
	}
	w.Search = &workload.Search{
		Low: w.Rate, High: *o.most, Precision: *o.precision, Attain: *o.attain, Confidence: *o.certainty, Probes: *o.probes,
	}
}

// conflicts says what is wrong with the search, or between it and the rest of the command line.
func (o *loadOptions) searchConflicts(f *flags, p *problems) {
	if !*o.find.on {
		for _, name := range findFlags {
			p.note(f.given(name), "--%s is of a search: it needs --find-rate", name)
		}
		return
	}
	w := workload.Workload{Rate: *o.arrivals.rate}
	o.find.fill(&w)
	_, err := search.New(*w.Search)
	p.note(err != nil, "--find-rate: %v", err)
	p.note(f.given("max-rate") && *o.find.most <= 0, "--max-rate %v: want more than 0", *o.find.most)
	p.note(len(o.slo) == 0, "--find-rate needs what a rate has to hold, such as --slo ttft=500ms")
	for _, name := range []string{"ramp", "steps", "trace"} {
		p.note(f.given(name), "--find-rate and --%s exclude each other: the search tries one rate at a time", name)
	}
	p.note(f.given("concurrency"), "--find-rate and --concurrency exclude each other: behind a cap on requests in flight every rate would hold")
	_, ttft := o.slo["ttft"]
	p.note(ttft && *o.noStream, "--slo ttft can't be kept with --no-stream: there is no first token")
}
