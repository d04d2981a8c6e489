package share

import (
	"testing"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/record"
)

// What is counted while the threads still agree on the window is what a count with the window known would be.
func TestCountingAsRecordsComeIsExact(t *testing.T) {
	for name, requests := range map[string]int{"window of a length": 0, "window of requests": 3000} {
		dir := t.TempDir()
		a := assignment(t, dummy.Config{})
		w := &a.Trial.Workload
		w.Concurrency, w.WarmupRequests, w.WarmupS, w.Requests, w.DurationS, w.CooldownS = 1100, 3000, 3600, requests, 0.3, 0.1 // two threads
		if requests > 0 {
			w.DurationS = 0
		}
		s := New(a, Options{Dir: dir})
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		p := s.Part()
		_, records := kept(t, dir)
		var ok, failed int64
		before, measured := 0, 0
		for _, r := range records {
			switch {
			case r.Done < p.Window.StartS:
				before++
			case r.Done < p.Window.EndS && r.Outcome == record.OK:
				ok++
			case r.Done < p.Window.EndS:
				failed++
			}
			if r.Phase == record.Measure {
				measured++
			}
			if (r.Phase == record.Warmup) != (r.Scheduled < p.Window.StartS) {
				t.Errorf("%s: due at %.9f it is %v, and the window begins at %.9f", name, r.Scheduled, r.Phase, p.Window.StartS)
			}
		}
		// A thread settles a round of up to 256 events at once, and so after what the other thread has told meanwhile.
		if before < 3000 || before > 3000+256 || ok != p.Window.OK || failed != p.Window.Failed || requests > 0 && measured != requests {
			t.Errorf("%s: %d done before, %d ok and %d failed in [%v, %v), %d measured; the part counts %+v",
				name, before, ok, failed, p.Window.StartS, p.Window.EndS, measured, p.Window)
		}
	}
}
