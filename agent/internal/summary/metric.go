package summary

import (
	"math"

	"hpcbench/agent/internal/record"
)

// Metric is a latency that is taken of every request. Its definition is DESIGN §2's.
type Metric int

// The metrics, in the order of every table.
const (
	TTFT          Metric = iota // first token − sent
	TTFTAnswer                  // first token that is no reasoning − sent; where none reasoned it is TTFT, and absent
	TPOT                        // (last token − first token)/(n − 1), for n > 1 output tokens
	ITL                         // each gap between token events, pooled over requests
	E2EL                        // last token − sent; done − sent when not streamed
	TTFTScheduled               // first token − scheduled
	E2ELScheduled               // as E2EL, from scheduled
	Lateness                    // sent − scheduled
	metrics                     // how many there are
)

var metricNames = [metrics]string{"ttft_s", "ttft_answer_s", "tpot_s", "itl_s", "e2el_s", "ttft_scheduled_s", "e2el_scheduled_s", "lateness_s"}

// Metrics are all metrics, in order.
func Metrics() []Metric {
	all := make([]Metric, metrics)
	for i := range all {
		all[i] = Metric(i)
	}
	return all
}

// String is the metric's name in files: it ends in its unit, seconds.
func (m Metric) String() string { return metricNames[m] }

// instants are a request's latencies in seconds, NaN where it has none; ITL is not among them, for it has many values.
type instants [metrics]float64

// measure takes the latencies of one request. What was not streamed has no first token to speak of; nor has an answer
// that came in one piece although a stream was asked for.
func measure(r *record.Record, stream bool) instants {
	first, answer, end := r.FirstToken, r.FirstAnswer, r.LastToken
	if !stream || math.IsNaN(first) {
		first, answer, end = record.Unknown, record.Unknown, r.Done
	}
	at := instants{
		TTFT:          first - r.Sent,
		TTFTAnswer:    answer - r.Sent,
		TPOT:          record.Unknown,
		ITL:           record.Unknown,
		E2EL:          end - r.Sent,
		TTFTScheduled: first - r.Scheduled,
		E2ELScheduled: end - r.Scheduled,
		Lateness:      r.Sent - r.Scheduled,
	}
	if stream && r.OutputTokens > 1 {
		at[TPOT] = (r.LastToken - first) / float64(r.OutputTokens-1)
	}
	return at
}

// Latencies are those of one request by Metric, in seconds, NaN where it has none; ITL is not among them.
func Latencies(r *record.Record, stream bool) [metrics]float64 { return measure(r, stream) }

// reasoned says whether reasoning came before the answer, or in its stead.
func (at *instants) reasoned() bool {
	return !math.IsNaN(at[TTFT]) && !(at[TTFTAnswer] <= at[TTFT])
}

// nanoseconds rounds seconds to whole ns, which is what histograms hold.
func nanoseconds(s float64) int64 { return int64(math.Round(s * 1e9)) }

// seconds is the way back.
func seconds(ns int64) float64 { return float64(ns) / 1e9 }
