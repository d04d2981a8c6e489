package loop

import (
	"net"
	"testing"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

func TestTheLeadFollowsHowLateTheTimerIs(t *testing.T) {
	lead := time.Duration(0)
	for range 100 {
		lead = learn(lead, 40*time.Microsecond)
	}
	if want := 40*time.Microsecond + leadMargin; lead < want-time.Microsecond || lead > want {
		t.Errorf("a timer that is 40 µs late: a lead of %v, want %v", lead, want)
	}
	for range 100 {
		lead = learn(lead, 3*time.Second) // somebody else had the core
	}
	if lead > leadMost {
		t.Errorf("a lead of %v, %v is the most", lead, leadMost)
	}
	for range 100 {
		lead = learn(lead, 0)
	}
	if lead > leadMargin+time.Microsecond {
		t.Errorf("a timer in time: a lead of %v, want the margin %v", lead, leadMargin)
	}
}

func TestOnlyAnOpenLoopHasALeadAndNothingIsSentBeforeItsTime(t *testing.T) {
	for open, w := range map[bool]workload.Workload{
		true:  {Rate: 500, Arrival: "constant", Requests: 50},
		false: {Concurrency: 2, Requests: 50, ThinkTimeS: 0.002},
	} {
		w.Dialect = "openai-chat"
		a := assignment(w, "http://"+raw(t, "tcp", "127.0.0.1:0", func(c net.Conn, _, _ int) bool { return say(c, goodAnswer) }).String())
		e, err := newEngine(t.Context(), a, Options{Zero: time.Now(), Observe: new(Live)})
		if err != nil {
			t.Fatal(err)
		}
		out := newOutlet(1)
		th, err := newThread(e, 0, 1, out)
		if err != nil {
			t.Fatal(err)
		}
		th.run()
		th.close()
		out.close()
		if (th.lead > 0) != open || th.lead > leadMost {
			t.Errorf("open %v: a lead of %v", open, th.lead)
		}
		n := 0
		out.drain(func(r *record.Record) {
			n++
			if r.Sent < r.Scheduled {
				t.Errorf("request %d due at %v was sent at %v", r.ID, r.Scheduled, r.Sent)
			}
		})
		if n != 50 {
			t.Errorf("%d records", n)
		}
	}
}
