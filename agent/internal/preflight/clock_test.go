package preflight

import (
	"math"
	"testing"
	"time"

	"hpcbench/agent/internal/job"
)

// What is said of a clock is what job.Offsets reads out of job.json, whatever it comes to.
func TestWordsOfAClockAreReadAgain(t *testing.T) {
	for _, offset := range []time.Duration{0, 12 * time.Millisecond, -3 * time.Second, 10 * time.Minute} {
		r := judgeClock(offset, time.Millisecond)
		j := job.Job{Preflight: []job.Check{{Node: "cn02", Check: r.Check, State: string(r.State), Words: r.Words}}}
		if got, known := j.Offsets(t.TempDir())["cn02"]; !known || math.Abs(got-offset.Seconds()) > 1e-3 {
			t.Errorf("%v: %q is read as %g, %v", offset, r.Words, got, known)
		}
	}
}
