package summary

import (
	"encoding/json"
	"fmt"
	"math"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/workload"
)

// Summary is a trial's summary.json (DESIGN §10). Seconds throughout; what is not known is absent.
type Summary struct {
	Schema     int            `json:"schema"`
	Trial      string         `json:"trial"`
	Name       string         `json:"name"`
	Point      map[string]any `json:"point"`
	Repetition int            `json:"repetition"`
	Restart    int            `json:"restart,omitempty"` // which start of the server, from 1; 0: the recipe asks for one only
	Service    string         `json:"service"`
	Model      string         `json:"model"`
	Dialect    string         `json:"dialect"`
	Load       Load           `json:"load"`
	DurationS  float64        `json:"duration_s"` // length of the window as it came out

	Requests   Counts     `json:"requests"` // due in the window
	Tokens     TokenSums  `json:"tokens"`
	Throughput Throughput `json:"throughput"`

	SLO     map[string]float64 `json:"slo,omitempty"` // the bounds, in seconds, by ttft, tpot, itl, e2el
	Goodput *Goodput           `json:"goodput,omitempty"`

	// Latency is over the requests that ended ok, without cold starts; LatencyAll has these too, and counts each failed
	// request as one infinite value of every metric, except that a failed request that was sent has its lateness. A metric
	// without a value is absent.
	Latency    map[string]Distribution `json:"latency"`
	LatencyAll map[string]Distribution `json:"latency_all"`

	// ServerTimings is what the server says of the requests due in the window that ended ok, by the names of ServerTimings();
	// those of them that it says nothing of are not in it.
	ServerTimings map[string]Distribution `json:"server_timings,omitempty"`
	Cold          *ColdStarts             `json:"cold,omitempty"`     // absent: there were none
	Accuracy      *Accuracy               `json:"accuracy,omitempty"` // of a dataset that knows the right answers

	Steady *Steady `json:"steady,omitempty"` // absent: the window has no length
	Little *Little `json:"little,omitempty"` // likewise

	ByEndpoint []Split `json:"by_endpoint,omitempty"` // where there are several
	ByNode     []Split `json:"by_node,omitempty"`     // of the client nodes, where there are several

	Search *Search `json:"search,omitempty"` // of a trial that was a search

	Server *Server `json:"server,omitempty"` // absent: nobody asked them, or they have no metrics

	Resources *Resources `json:"resources,omitempty"` // absent: no node was watched
	Energy    *Energy    `json:"energy,omitempty"`    // absent: no node with servers has GPUs that anybody could read

	Drain  Drain    `json:"drain"`
	Client Verdict  `json:"client"`
	Marks  []string `json:"marks"` // why the trial is doubtful; empty: it is not
	LowN   []string `json:"low_n"` // quantiles of Latency that the sample can't carry, as "ttft_s_p99"
}

// Load is what the trial offered, over all client nodes.
type Load struct {
	Concurrency int     `json:"concurrency,omitempty"` // requests in flight; with Rate: the cap on them
	Rate        float64 `json:"rate,omitempty"`        // requests due per second; absent: a closed loop
	Arrival     string  `json:"arrival,omitempty"`
}

// TokenSums are the tokens of the requests due in the window that ended ok. A sum is absent when the count of any of
// them is not known.
type TokenSums struct {
	Prompt *int64 `json:"prompt,omitempty"`
	Output *int64 `json:"output,omitempty"`
	Source string `json:"source,omitempty"` // of the output counts: usage, events, tokenizer, usage_split, or mixed
}

// Throughput is completions whose done lies in the window, by its length. Requests that failed are not in it. A rate is
// absent when the window has no length or its tokens are not known.
type Throughput struct {
	RequestsPerS     *float64 `json:"requests_per_s,omitempty"`
	OutputTokensPerS *float64 `json:"output_tokens_per_s,omitempty"`
	TotalTokensPerS  *float64 `json:"total_tokens_per_s,omitempty"` // prompt and output
	FailuresPerS     *float64 `json:"failures_per_s,omitempty"`

	// Intervals of 95 % within the run, by the means of batches of whole seconds with five requests each at least (Law,
	// Simulation Modeling and Analysis, ch. 9); absent where there are fewer than ten such batches.
	RequestsPerSCI95     *Interval `json:"requests_per_s_ci95,omitempty"`
	OutputTokensPerSCI95 *Interval `json:"output_tokens_per_s_ci95,omitempty"`
}

// Goodput is what kept every bound of the SLO.
type Goodput struct {
	RequestsPerS *float64 `json:"requests_per_s,omitempty"` // completions in the window, by its length
	Ratio        *float64 `json:"ratio,omitempty"`          // of the requests due in the window, failed ones included

	// RatioCI95 is Wilson's score interval of Ratio within the run, of n / Deff requests: Kish's design effect of the share
	// of good ones from one second to the next, absent where it is not known and taken for 1.
	RatioCI95 *[2]float64 `json:"ratio_ci95,omitempty"`
	Deff      *float64    `json:"deff,omitempty"`
}

// Distribution describes the values of one metric, in seconds. Quantiles are by nearest rank over the histogram and
// less than 1/1024 too high; n, mean, stddev (of the population), min and max are exact.
type Distribution struct {
	N      int64 `json:"n"`
	Mean   Value `json:"mean"`
	Stddev Value `json:"stddev"`
	Min    Value `json:"min"`
	P50    Value `json:"p50"`
	P75    Value `json:"p75"`
	P90    Value `json:"p90"`
	P95    Value `json:"p95"`
	P99    Value `json:"p99"`
	P999   Value `json:"p999"`
	Max    Value `json:"max"`

	// CI95 are intervals of the quantiles, by their names, within the run. There is none for the pooled gaps of itl_s, which
	// come in clusters, a request's own; TPOT has one value a request, and its interval. Nor is there for lateness_s.
	CI95 map[string]Interval `json:"ci95,omitempty"`
}

// Value is a number that may be infinite: the JSON string "inf" then.
type Value float64

// MarshalJSON writes a number, or "inf".
func (v Value) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(v), 1) {
		return []byte(`"inf"`), nil
	}
	return json.Marshal(float64(v))
}

// UnmarshalJSON reads a number, or "inf".
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == `"inf"` {
		*v = Value(math.Inf(1))
		return nil
	}
	return json.Unmarshal(b, (*float64)(v))
}

// Quantile is one of the quantiles of a Distribution.
type Quantile struct {
	Name string // as in JSON
	P    float64
	of   func(*Distribution) *Value
}

// MinN is how many values it takes to say the quantile with confidence.
func (q Quantile) MinN() int64 { return int64(workload.MinRequests(100 * q.P)) }

// Quantiles are those of a Distribution, in order.
var Quantiles = []Quantile{
	{"p50", 0.50, func(d *Distribution) *Value { return &d.P50 }},
	{"p75", 0.75, func(d *Distribution) *Value { return &d.P75 }},
	{"p90", 0.90, func(d *Distribution) *Value { return &d.P90 }},
	{"p95", 0.95, func(d *Distribution) *Value { return &d.P95 }},
	{"p99", 0.99, func(d *Distribution) *Value { return &d.P99 }},
	{"p999", 0.999, func(d *Distribution) *Value { return &d.P999 }},
}

// Of is the quantile's value in d, in seconds.
func (q Quantile) Of(d Distribution) float64 { return float64(*q.of(&d)) }

// describe is the distribution of the values in h (ns) and so many infinite ones; false when there is none.
func describe(h *hist.H, infinite int64) (Distribution, bool) {
	d := Distribution{N: h.N() + infinite}
	if d.N == 0 {
		return d, false
	}
	for _, q := range Quantiles {
		*q.of(&d) = atRank(h, hist.Rank(q.P, d.N))
	}
	d.Min, d.Max = atRank(h, 1), atRank(h, d.N)
	d.Mean, d.Stddev = Value(h.Mean()/1e9), Value(h.Stddev()/1e9)
	if infinite > 0 {
		d.Mean, d.Stddev = d.Max, d.Max
	}
	return d, true
}

// atRank is the value of a rank in h; past its end lie the infinite ones.
func atRank(h *hist.H, rank int64) Value {
	if rank > h.N() {
		return Value(math.Inf(1))
	}
	return Value(seconds(h.AtRank(rank)))
}

// lowN names the quantiles of d that its n can't carry.
func lowN(m Metric, d Distribution) []string {
	var low []string
	for _, q := range Quantiles {
		if d.N < q.MinN() {
			low = append(low, fmt.Sprintf("%s_%s", m, q.Name))
		}
	}
	return low
}
