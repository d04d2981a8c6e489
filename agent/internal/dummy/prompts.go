package dummy

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// prompts is a cache of requests: one that came before, word for word, hits with its whole prompt.
type prompts struct {
	mu      sync.Mutex
	seed    maphash.Seed
	seen    map[uint64]struct{}
	queries int64 // tokens
	hits    int64
}

// mostPrompts is how many requests are remembered; then all are forgotten.
const mostPrompts = 1 << 20

// ask looks a request up and remembers it.
func (p *prompts) ask(body []byte, tokens int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.seen) == 0 || len(p.seen) >= mostPrompts {
		p.seed, p.seen = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	key := maphash.Bytes(p.seed, body)
	p.queries += tokens
	if _, before := p.seen[key]; before {
		p.hits += tokens
	}
	p.seen[key] = struct{}{}
}

func (p *prompts) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

func (p *prompts) counts() (queries, hits int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queries, p.hits
}

// tally is the sum and the number of some times.
type tally struct{ ns, n atomic.Int64 }

func (t *tally) add(ns, n int64) {
	t.ns.Add(ns)
	t.n.Add(n)
}

// write writes the tally as a histogram with one bucket, for which every time is short enough.
func (t *tally) write(b *bytes.Buffer, name string) {
	n := t.n.Load()
	fmt.Fprintf(b, "# HELP %s Of the answers that came to their end.\n# TYPE %[1]s histogram\n%[1]s_bucket{le=\"+Inf\"} %[2]d\n%[1]s_sum %[3]g\n%[1]s_count %[2]d\n",
		name, n, float64(t.ns.Load())/1e9)
}
