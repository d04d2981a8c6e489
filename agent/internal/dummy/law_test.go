package dummy

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	instants = regexp.MustCompile(`"created_at":"[^"]*"`)
	numbers  = regexp.MustCompile(`"id":"(chatcmpl-|cmpl-)?(\d+|N)"|"created":(\d+|N)`)
	timings  = regexp.MustCompile(`"(prompt|predicted)_ms":[0-9.]+`)
	measures = regexp.MustCompile(`,"(total_duration|load_duration|prompt_eval_count|prompt_eval_duration|eval_count|eval_duration)":(\d+|N)`)
)

// masked is answer without what differs from run to run. Durations go as a whole: Ollama leaves out those of zero.
func masked(answer string) string {
	answer = timings.ReplaceAllString(instants.ReplaceAllString(answer, `"created_at":"T"`), `"${1}_ms":N`)
	return measures.ReplaceAllString(numbers.ReplaceAllString(answer, "N"), "")
}

// bubble is the clock of a synctest bubble.
type bubble struct{ base time.Time }

func (b bubble) now() int64 { return int64(time.Since(b.base)) }
func (b bubble) wait(_ *alarm, until int64) bool {
	time.Sleep(time.Duration(until - b.now()))
	return true
}

// stream serves one streamed request of n tokens without a network, and returns the instants of its tokens after the
// server's start.
func stream(t *testing.T, s *server, n int) []time.Duration {
	t.Helper()
	g := s.pool.Get().(*generation)
	g.d, g.length, g.arrived, g.number = &openaiCompletions, n, s.clock.now(), s.number.Add(1)
	g.key = s.cfg.key(nil, g.number)
	if !s.enter(g, nil) {
		t.Fatal("no slot")
	}
	g.due = g.start + s.cfg.stretch(s.cfg.TTFT, g.key, 0)
	if _, err := io.ReadAll(g); err != nil {
		t.Error(err)
	}
	stamps := make([]time.Duration, n)
	for k, at := range g.stamps {
		stamps[k] = time.Duration(at - s.began)
	}
	g.CloseWithError(nil)
	return stamps
}

func newBubble(cfg Config) *server { return newServer(cfg, bubble{time.Now()}, nil) }

func TestTokensAreDueAtStartPlusTTFTPlusITL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBubble(Config{TTFT: 100 * time.Millisecond, ITL: 7 * time.Millisecond})
		for k, at := range stream(t, s, 50) {
			if want := 100*time.Millisecond + time.Duration(k)*7*time.Millisecond; at != want {
				t.Fatalf("token %d at %v, want %v", k, at, want)
			}
		}
	})
}

// TestLateReaderShiftsNothing: due times are absolute, so a client that stalls gets the tokens it missed at once.
func TestLateReaderShiftsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBubble(Config{ITL: 10 * time.Millisecond})
		g := s.pool.Get().(*generation)
		g.d, g.length = &openaiCompletions, 10
		buf := make([]byte, 4096)
		for k := range 10 {
			if k == 3 {
				time.Sleep(42 * time.Millisecond)
			}
			if _, err := g.Read(buf); err != nil {
				t.Fatal(err)
			}
		}
		if last := time.Duration(g.stamps[9]); last != 90*time.Millisecond {
			t.Errorf("last token at %v, want 90ms", last)
		}
		if late := time.Duration(g.stamps[3]); late != 62*time.Millisecond {
			t.Errorf("the token after the stall at %v, want 62ms", late)
		}
	})
}

func TestQueueIsServedInOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBubble(Config{TTFT: 100 * time.Millisecond, ITL: 100 * time.Millisecond, MaxRunning: 1})
		first := make([]time.Duration, 4)
		var wg sync.WaitGroup
		for i := range first {
			wg.Go(func() { first[i] = stream(t, s, 3)[0] })
			synctest.Wait() // so that the next one arrives after this one
		}
		if running, waiting := s.running.Load(), s.waiting.Load(); running != 1 || waiting != 3 {
			t.Errorf("%d running and %d waiting of 4 requests and 1 slot", running, waiting)
		}
		wg.Wait()
		want := []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 700 * time.Millisecond, 1000 * time.Millisecond}
		if !slices.Equal(first, want) {
			t.Errorf("first tokens at %v, want %v", first, want)
		}
	})
}

func TestJitterStretchesEachGapWithinItsBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{ITL: 10 * time.Millisecond, Jitter: 0.5, Seed: 7}
		at := stream(t, newBubble(cfg), 200)
		var low, high int
		for k := 1; k < len(at); k++ {
			switch gap := at[k] - at[k-1]; {
			case gap < 5*time.Millisecond || gap > 15*time.Millisecond:
				t.Fatalf("gap %d is %v", k, gap)
			case gap < 10*time.Millisecond:
				low++
			default:
				high++
			}
		}
		if low < 60 || high < 60 {
			t.Errorf("%d gaps below the middle, %d above", low, high)
		}
		if again := stream(t, newBubble(cfg), 200); !slices.Equal(at, again) {
			t.Error("the same seed gave other instants")
		}
	})
}

func TestTokensPerWriteShareTheirInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := stream(t, newBubble(Config{ITL: 10 * time.Millisecond, TokensPerWrite: 4}), 10)
		want := []time.Duration{0, 0, 0, 0, 40, 40, 40, 40, 80, 80}
		for k := range want {
			if at[k] != want[k]*time.Millisecond {
				t.Fatalf("instants %v", at)
			}
		}
	})
}

func TestLength(t *testing.T) {
	for _, c := range []struct {
		name    string
		tokens  int
		r       request
		n       int
		natural bool
	}{
		{"nothing asked, nothing set", 0, request{}, 128, true},
		{"nothing asked", 20, request{}, 20, true},
		{"asked", 0, request{maxTokens: 50}, 50, false},
		{"asked more than its end", 20, request{maxTokens: 50}, 20, true},
		{"asked less than its end", 20, request{maxTokens: 5}, 5, false},
		{"asked its end", 20, request{maxTokens: 20}, 20, false},
		{"ignore_eos", 20, request{maxTokens: 50, ignoreEOS: true}, 50, false},
		{"min_tokens as max_tokens", 20, request{maxTokens: 50, minTokens: 50}, 50, false},
		{"min_tokens between", 20, request{maxTokens: 50, minTokens: 30}, 30, true},
	} {
		cfg := Config{Tokens: c.tokens}
		if n, natural := cfg.length(&c.r); n != c.n || natural != c.natural {
			t.Errorf("%s: %d tokens, natural %v; want %d, %v", c.name, n, natural, c.n, c.natural)
		}
	}
}

// The first request loads the model, and those that come meanwhile wait for it; all of them say how long. The law counts from
// there on.
func TestAColdModelIsLoadedByTheFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBubble(Config{TTFT: 100 * time.Millisecond, ITL: 10 * time.Millisecond, Cold: 2 * time.Second})
		time.Sleep(time.Second) // before the first request nothing is loaded
		for _, c := range []struct {
			d           *dialect
			load, first time.Duration // after the arrival
		}{
			{&openaiChat, 0, 100 * time.Millisecond}, // not a dialect that loads
			{&ollamaGenerate, 2 * time.Second, 2100 * time.Millisecond},
			{&ollamaChat, 0, 100 * time.Millisecond},
		} {
			g := s.pool.Get().(*generation)
			*g = generation{s: s, d: c.d, alarm: g.alarm, choices: 1, arrived: s.clock.now(), length: 3, key: 1}
			g.req.stream = true
			if !s.load(g) || !s.enter(g, nil) {
				t.Fatal("not served")
			}
			g.due = g.start + int64(s.cfg.TTFT)
			text, err := io.ReadAll(g)
			if err != nil {
				t.Fatal(err)
			}
			if load, first := time.Duration(g.truth().LoadNS), time.Duration(g.stamps[0]-g.arrived); load != c.load || first != c.first {
				t.Errorf("%s: loaded in %v, first token after %v; want %v and %v", c.d.name, load, first, c.load, c.first)
			}
			if prompt, output := g.times(); prompt != int64(100*time.Millisecond) || output != int64(20*time.Millisecond) {
				t.Errorf("%s: prompt in %v, output in %v ns", c.d.name, prompt, output)
			}
			want := fmt.Sprintf(`"load_duration":%d`, int64(c.load)+loadNS)
			if got := strings.Contains(string(text), want); got != c.d.loads {
				t.Errorf("%s: %s in %s: %v", c.d.name, want, text, got)
			}
			g.CloseWithError(nil)
		}
	})
}

func TestWhatComesDuringTheLoadWaitsForItsRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBubble(Config{Cold: 2 * time.Second})
		var loads [3]time.Duration
		var all sync.WaitGroup
		for i := range loads {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 1500 * time.Millisecond)
				g := &generation{s: s, d: &ollamaGenerate, alarm: newAlarm(), arrived: s.clock.now()}
				if s.load(g) {
					loads[i] = time.Duration(g.ready - g.arrived)
				}
			})
		}
		all.Wait()
		if want := [3]time.Duration{2 * time.Second, 500 * time.Millisecond, 0}; loads != want {
			t.Errorf("waited %v, want %v", loads, want)
		}
	})
}
