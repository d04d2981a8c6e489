package summary

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hpcbench/agent/workload"
)

// Server is what the servers told of themselves over the window of the client node that asked them, the first of the job. What
// none of them told is absent.
type Server struct {
	IntervalS float64 `json:"interval_s"` // from one look at an endpoint to the next

	Told             // over all endpoints: levels and counts added up, kv_usage, means and custom in the mean; a max is one endpoint's
	Endpoints []Told `json:"by_endpoint"`
}

// Told is what one server told, or all of them.
type Told struct {
	URL    string `json:"url,omitempty"`
	Looks  int64  `json:"looks"`            // during the whole trial
	Failed int64  `json:"failed,omitempty"` // of these
	Why    string `json:"why,omitempty"`    // the first failure's reason
	Resets int64  `json:"resets,omitempty"` // how often counters began anew, as with a server that was started again

	Running *Level `json:"running,omitempty"`
	Waiting *Level `json:"waiting,omitempty"`
	KVUsage *Level `json:"kv_usage,omitempty"` // 0 to 1

	Preemptions    *float64 `json:"preemptions,omitempty"` // counters: their increase over the window
	PromptTokens   *float64 `json:"prompt_tokens,omitempty"`
	GenTokens      *float64 `json:"gen_tokens,omitempty"`
	PrefixQueries  *float64 `json:"prefix_queries,omitempty"` // tokens
	PrefixHits     *float64 `json:"prefix_hits,omitempty"`    // tokens
	PrefixHitShare *float64 `json:"prefix_hit_share,omitempty"`

	TTFT *Timed `json:"ttft_s,omitempty"` // by the server's clock
	ITL  *Timed `json:"itl_s,omitempty"`
	E2E  *Timed `json:"e2e_s,omitempty"`

	Custom map[string]Level `json:"custom,omitempty"` // by column
}

// Level is a gauge over the window, of the looks that fall in it.
type Level struct {
	Mean float64 `json:"mean"`
	Max  float64 `json:"max"`
}

// Timed is what a histogram gained over the window. Between two looks it is taken to have grown evenly, so N need not be whole.
type Timed struct {
	N    float64 `json:"n"`
	Mean float64 `json:"mean"`
}

// told is what the client node that asked the servers was told; nil where none asked.
func told(parts []*Part) *Server {
	for _, p := range parts {
		if p.Told != nil {
			return p.Told
		}
	}
	return nil
}

// All is one server's word, or that of several as one.
func All(endpoints []Told) Told {
	var t Told
	for _, e := range endpoints {
		t.Looks, t.Failed, t.Why, t.Resets = t.Looks+e.Looks, t.Failed+e.Failed, cmp.Or(t.Why, e.Why), t.Resets+e.Resets
		t.Running, t.Waiting, t.KVUsage = t.Running.with(e.Running), t.Waiting.with(e.Waiting), t.KVUsage.with(e.KVUsage)
		t.TTFT, t.ITL, t.E2E = t.TTFT.with(e.TTFT), t.ITL.with(e.ITL), t.E2E.with(e.E2E)
		for _, c := range []struct{ to, from **float64 }{
			{&t.Preemptions, &e.Preemptions}, {&t.PromptTokens, &e.PromptTokens}, {&t.GenTokens, &e.GenTokens},
			{&t.PrefixQueries, &e.PrefixQueries}, {&t.PrefixHits, &e.PrefixHits},
		} {
			*c.to = sum(*c.to, *c.from)
		}
	}
	if t.KVUsage != nil {
		known := slices.DeleteFunc(slices.Clone(endpoints), func(e Told) bool { return e.KVUsage == nil })
		t.KVUsage.Mean /= float64(len(known))
	}
	t.Custom = customs(endpoints)
	return t.Shared()
}

// Shared fills in the share of prefix hits.
func (t Told) Shared() Told {
	if t.PrefixQueries != nil && t.PrefixHits != nil && *t.PrefixQueries > 0 {
		t.PrefixHitShare = new(*t.PrefixHits / *t.PrefixQueries)
	}
	return t
}

// customs are the custom metrics in the mean over the endpoints that told them.
func customs(endpoints []Told) map[string]Level {
	var all map[string]Level
	for _, e := range endpoints {
		for name := range e.Custom {
			if all == nil {
				all = map[string]Level{}
			}
			all[name] = Level{}
		}
	}
	for name := range all {
		var sum *Level
		n := 0.0
		for _, e := range endpoints {
			if l, has := e.Custom[name]; has {
				sum, n = sum.with(&l), n+1
			}
		}
		all[name] = Level{sum.Mean / n, sum.Max}
	}
	return all
}

func sum(a, b *float64) *float64 {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return new(*a + *b)
}

// with is the level of two servers: the sum of their means, and the higher max.
func (l *Level) with(o *Level) *Level {
	if l == nil && o == nil {
		return nil
	}
	a, b := orZero(l), orZero(o)
	if l == nil || o == nil {
		return &Level{a.Mean + b.Mean, cmp.Or(a.Max, b.Max)}
	}
	return &Level{a.Mean + b.Mean, max(a.Max, b.Max)}
}

func (t *Timed) with(o *Timed) *Timed {
	a, b := orZero(t), orZero(o)
	if n := a.N + b.N; n > 0 {
		return &Timed{n, (a.N*a.Mean + b.N*b.Mean) / n}
	}
	return nil
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// hitsBound is the share of prompt tokens that a prefix cache may have had without its being asked for (DESIGN §6).
const hitsBound = 0.01

// unasked says that the servers' prefix caches knew prompts that were to be new; empty where they did not, or the workload
// repeats on purpose. What every prompt begins with, a token or a chat's template, is not counted.
func (t *Server) unasked(w workload.Workload, requests int64) string {
	if t == nil || t.PrefixHitShare == nil || w.Prefix != nil || w.Prompt != "" || w.Dataset != "" || w.Turns > 1 {
		return ""
	}
	shared := 1.0 // the token that begins every text
	if strings.HasSuffix(w.Dialect, "chat") {
		shared = templateTokens
	}
	hits := *t.PrefixHits - shared*float64(requests)
	if hits <= hitsBound**t.PrefixQueries {
		return ""
	}
	return fmt.Sprintf("prefix hits that nobody asked for: the servers' cache had %.1f %% of %.0f prompt tokens (another load on them, or one like it before)",
		100**t.PrefixHitShare, *t.PrefixQueries)
}

// String is what the servers told, in words.
func (t *Server) String() string {
	var words []string
	say := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	level := func(name string, l *Level, factor float64, unit string) {
		if l != nil {
			say("%s %s%s (max %s)", name, short(factor*l.Mean), unit, short(factor*l.Max))
		}
	}
	level("running", t.Running, 1, "")
	level("waiting", t.Waiting, 1, "")
	level("KV cache", t.KVUsage, 100, " %")
	for _, c := range []struct {
		n    *float64
		what string
	}{{t.Preemptions, "preemptions"}, {t.PromptTokens, "prompt tokens"}, {t.GenTokens, "tokens made"}} {
		if c.n != nil {
			say("%.0f %s", *c.n, c.what)
		}
	}
	if t.PrefixHitShare != nil {
		say("prefix hits %s %% of %.0f tokens", short(100**t.PrefixHitShare), *t.PrefixQueries)
	}
	for _, d := range []struct {
		name string
		of   *Timed
	}{{"TTFT", t.TTFT}, {"ITL", t.ITL}, {"E2EL", t.E2E}} {
		if d.of != nil {
			say("mean %s %s ms by its clock", d.name, short(1e3*d.of.Mean))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Custom)) {
		level(strings.TrimPrefix(name, workload.CustomColumn), new(t.Custom[name]), 1, "")
	}
	if t.Resets > 0 {
		say("its counters began anew %d times", t.Resets)
	}
	if t.Failed > 0 {
		say("%d of %d looks failed (%s)", t.Failed, t.Looks, t.Why)
	}
	return strings.Join(words, ", ")
}
