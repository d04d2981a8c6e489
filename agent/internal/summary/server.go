package summary

import (
	"fmt"
	"math"

	"hpcbench/agent/internal/hist"
	"hpcbench/agent/internal/record"
)

// The server's own timings of a request, and what is left of it.
const (
	serverLoad    = iota // loading the model (Ollama's load_duration, which is short and not 0 where the model stood ready)
	serverPrompt         // evaluating the prompt (prompt_eval_duration; llama.cpp's prompt_ms)
	serverDecode         // making the tokens (eval_duration; llama.cpp's predicted_ms)
	serverOutside        // done − sent without all these: queues, the network, the HTTP server and this client
	timings
)

var timingNames = [timings]string{"load_s", "prompt_s", "decode_s", "outside_s"}

// ServerTimings are the names of what servers say of a request, in order.
func ServerTimings() []string { return timingNames[:] }

// addServer counts what the server said of a request that ended ok.
func (c *Collector) addServer(r *record.Record) {
	if r.Graded {
		c.due.Graded++
		if r.Right {
			c.due.Right++
		}
	}
	if math.IsNaN(r.ServerPrompt) && math.IsNaN(r.ServerDecode) && math.IsNaN(r.ServerLoad) {
		return
	}
	said := 0.0
	for i, s := range [...]float64{serverLoad: r.ServerLoad, serverPrompt: r.ServerPrompt, serverDecode: r.ServerDecode} {
		if !math.IsNaN(s) {
			c.server[i].Record(nanoseconds(s))
			said += s
		}
	}
	if !math.IsNaN(r.ServerPrompt) && !math.IsNaN(r.ServerDecode) {
		c.server[serverOutside].Record(nanoseconds(r.Done - r.Sent - said))
	}
}

// describeAll are the distributions of histograms that hold values, by name; nil when none does.
func describeAll(all map[string]*hist.H) map[string]Distribution {
	var found map[string]Distribution
	for name, h := range all {
		if d, known := describe(h, 0); known {
			if found == nil {
				found = map[string]Distribution{}
			}
			found[name] = d
		}
	}
	return found
}

// ColdStarts are the requests due in the window that ended ok and for which the server loaded the model first. Their latency
// is that of a disk, and so not in the summary's latency; it is in latency_all, and they count in every rate.
type ColdStarts struct {
	N    int64         `json:"n"`
	TTFT *Distribution `json:"ttft_s,omitempty"`
	E2EL *Distribution `json:"e2el_s,omitempty"`
}

// coldStarts are those of a trial; nil when there were none.
func coldStarts(t total) *ColdStarts {
	if t.due.Cold == 0 {
		return nil
	}
	c := &ColdStarts{N: t.due.Cold}
	for m, into := range map[Metric]**Distribution{TTFT: &c.TTFT, E2EL: &c.E2EL} {
		if d, known := describe(t.cold[m.String()], 0); known {
			*into = &d
		}
	}
	return c
}

// String is the cold starts in words.
func (c ColdStarts) String() string {
	text := fmt.Sprintf("%d requests waited for the model to be loaded", c.N)
	if c.E2EL != nil {
		text += fmt.Sprintf(" (E2EL %.3g s in the mean)", float64(c.E2EL.Mean))
	}
	return text + "; their latency is in none of the others"
}
