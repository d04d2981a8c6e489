package executor

import (
	"net/http"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
)

func TestWhoLooksOnSeesTheTrialGrow(t *testing.T) {
	r := newRig(t)
	if _, ok, err := r.Live(t.Context(), -1); ok || err != nil {
		t.Fatalf("before the first trial: %v, %v", ok, err)
	}
	a := endless(mock(t, dummy.Config{TTFT: 5 * time.Millisecond, ITL: time.Millisecond}))
	if err := r.Start(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	live := share.Live{}
	r.until(t, func(summary.State, int64) bool { // records are counted a little after their requests' end
		var err error
		if live, _, err = r.Live(t.Context(), -1); err != nil {
			t.Fatal(err)
		}
		return len(live.Rows) > 0 && live.Rows[0].OK > 0
	})
	if live.Progress.Trial != "0001" || live.Progress.State != summary.Running || live.StepS != 1 || len(live.Rows) == 0 || live.ByOutcome["ok"] == 0 {
		t.Errorf("got %+v", live)
	}
	if row := live.Rows[0]; row.At != 0 || row.OK == 0 || row.Tokens == 0 || row.TTFT == nil || row.TTFT.P50 < 0.004 {
		t.Errorf("first row %+v", row)
	}
	if since := time.Since(time.UnixMilli(int64(1e3 * live.StartUnixS))); since < 0 || since > time.Minute {
		t.Errorf("it began %v ago", since)
	}
	if later, _, err := r.Live(t.Context(), 3600); err != nil || len(later.Rows) != 0 {
		t.Errorf("later rows than there are: %+v, %v", later.Rows, err)
	}
	if _, err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if live, _, err := r.Live(t.Context(), -1); err != nil || live.Progress.State != summary.Stopped {
		t.Errorf("after its end: %+v, %v", live.Progress, err)
	}
}

func TestLiveTakesASecondAndIsReadOnly(t *testing.T) {
	r := newRig(t)
	for _, after := range []string{"x", "-2", "1.5", "99999999999999999999"} {
		answer, err := http.Get(r.URL + "/live?after=" + after)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Body.Close(); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("after=%s: HTTP %d", after, answer.StatusCode)
		}
	}
	answer, err := http.Post(r.URL+"/live", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET" {
		t.Errorf("POST: HTTP %d", answer.StatusCode)
	}
}
