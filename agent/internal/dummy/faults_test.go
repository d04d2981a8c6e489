package dummy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestErrorRateFollowsFromSeedAndID(t *testing.T) {
	failures := func(seed int64) (failed string) {
		url, _ := start(t, Config{ErrorRate: 0.3, Seed: seed})
		for i := range 40 {
			status, _ := post(t, url+"/v1/completions", `{"model":"m","prompt":"a","max_tokens":1}`, "X-Request-Id", fmt.Sprint("r-", i))
			failed += map[int]string{200: ".", 500: "x"}[status]
		}
		return failed
	}
	first := failures(1)
	if n := strings.Count(first, "x"); n < 4 || n > 22 {
		t.Errorf("%d of 40 failed at a rate of 0.3", n)
	}
	if again := failures(1); again != first {
		t.Errorf("the same seed and ids failed otherwise:\n%s\n%s", first, again)
	}
	if failures(2) == first {
		t.Error("another seed failed the same requests")
	}
}

func TestFaults(t *testing.T) {
	t.Run("die", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := Serve(t.Context(), ln, Config{DieAfter: time.Millisecond}); !errors.Is(err, ErrDied) {
			t.Errorf("Serve returned %v", err)
		}
	})
	t.Run("hang", func(t *testing.T) {
		var out bytes.Buffer
		url, stop := start(t, Config{HangAfter: 1, Truth: &out})
		client := http.Client{Timeout: 100 * time.Millisecond}
		if resp, err := client.Post(url+"/api/generate", "application/json", strings.NewReader(`{"prompt":"a"}`)); err == nil {
			b, _ := io.ReadAll(resp.Body)
			t.Errorf("a hung server answered %s", b)
		}
		if status, _ := get(t, url+"/health"); status != 200 {
			t.Errorf("health of a hung server is %d", status)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if lines := truthLines(t, out.String()); len(lines) != 1 || lines[0].Done {
			t.Errorf("truth: %s", out.String())
		}
	})
	t.Run("unhealthy", func(t *testing.T) {
		url, _ := start(t, Config{FailHealth: true})
		if status, _ := get(t, url+"/health"); status != 503 {
			t.Errorf("health is %d", status)
		}
		if status, _ := post(t, url+"/api/generate", `{"prompt":"a","stream":false}`); status != 200 {
			t.Errorf("generation is %d", status)
		}
	})
	t.Run("still loading", func(t *testing.T) {
		url, _ := start(t, Config{StartDelay: time.Hour})
		status, answer := get(t, url+"/health")
		if status != 503 || !strings.Contains(answer, "Loading model") {
			t.Errorf("%d %s", status, answer)
		}
	})
}

func TestSlowingDownToNothing(t *testing.T) {
	quit := make(chan struct{})
	defer close(quit)
	clock, err := newClock(quit)
	if err != nil {
		t.Fatal(err)
	}
	defer clock.close()
	s := newServer(Config{SlowAfter: time.Minute}, clock, quit)
	for _, c := range []struct{ since, least, most time.Duration }{
		{time.Second, 5 * time.Millisecond, 5 * time.Millisecond},
		{70 * time.Second, 5 * 1024 * time.Millisecond, 5 * 2048 * time.Millisecond}, // a second and more may pass in between
		{time.Hour, time.Hour, time.Hour},
	} {
		s.began = clock.now() - int64(c.since)
		if got := time.Duration(s.slowed(int64(5 * time.Millisecond))); got < c.least || got > c.most {
			t.Errorf("after %v a pause of 5 ms is %v, want %v to %v", c.since, got, c.least, c.most)
		}
	}
}

// TestQueuedRequestOfALostClient: clients that hang up while they wait must not be served one after the other.
func TestQueuedRequestOfALostClient(t *testing.T) {
	var out bytes.Buffer
	url, stop := start(t, Config{MaxRunning: 1, ITL: time.Hour, Truth: &out})
	ctx, leave := context.WithCancel(t.Context())
	ask := func(ctx context.Context, id string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, "POST", url+"/api/generate", strings.NewReader(`{"prompt":"a","options":{"num_predict":2}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Request-Id", id)
		return http.DefaultClient.Do(req)
	}
	running, err := ask(t.Context(), "running")
	if err != nil {
		t.Fatal(err)
	}
	defer running.Body.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		if resp, err := ask(ctx, "queued"); err == nil {
			resp.Body.Close()
			t.Error("the second request was answered beside the first")
		}
	})
	for {
		if _, text := get(t, url+"/metrics"); strings.Contains(text, "dummy_num_requests_waiting 1\n") {
			break
		}
	}
	leave()
	wg.Wait()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, line := range truthLines(t, out.String()) {
		if line.ID == "queued" && (line.Done || line.Status != 0 || len(line.Tokens) != 0) {
			t.Errorf("%+v", line)
		}
	}
}
