// Package gate is what an HTTP server of ours takes from a network that it shares with strangers: bounded headers, bodies, times
// and connections, few lines of log, and guesses of a token slowed down. The executor and the exporter of a node's monitor stand
// behind one.
package gate

import (
	"log/slog"
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Gate counts what strangers try, so that it costs this node little. It never decides on a request with the right token: a job
// may share an address with whoever guesses.
type Gate struct {
	log    *slog.Logger
	trusts func(h *fasthttp.RequestHeader) bool // whether a request has the token; nil: there is none
	now    func() time.Time

	mu     sync.Mutex
	tries  map[netip.Addr]*bucket
	lines  bucket
	unsaid int // refusals without a line of the log
}

// New makes a gate that logs what it refuses. trusts says whether a request has the job's token; nil: none is known here.
func New(log *slog.Logger, trusts func(h *fasthttp.RequestHeader) bool) *Gate {
	return &Gate{log: log, trusts: trusts, now: time.Now, tries: map[netip.Addr]*bucket{}, lines: bucket{size: RefusalsAtOnce, every: refusalsEvery}}
}

// bucket lets through size at once, and then one each time. The zero time is when nothing was taken yet.
type bucket struct {
	size  float64
	every time.Duration
	level float64 // of what was taken, at the time of
	at    time.Time
}

// take reports whether one more is let through, and if not, how long it is until then.
func (b *bucket) take(now time.Time) (ok bool, wait time.Duration) {
	b.level = max(0, b.level-float64(now.Sub(b.at))/float64(b.every))
	b.at = now
	if b.level+1 > b.size {
		return false, time.Duration((b.level + 1 - b.size) * float64(b.every))
	}
	b.level++
	return true, 0
}

// Wrong takes note of a wrong token, and gives the whole seconds after which the address may try again; 0: it may.
func (g *Gate) Wrong(from netip.Addr) (retryAfter int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.tries[from]
	if b == nil {
		if len(g.tries) >= addressLimit { // somebody has very many: they all begin anew
			clear(g.tries)
		}
		b = &bucket{size: TriesAtOnce, every: triesEvery}
		g.tries[from] = b
	}
	ok, wait := b.take(g.now())
	if ok {
		return 0
	}
	return int(math.Ceil(wait.Seconds()))
}

// Note logs a refusal, or counts it when there were many. Nothing of what was sent is logged but the path.
func (g *Gate) Note(why string, c *fasthttp.RequestCtx) {
	g.mu.Lock()
	ok, _ := g.lines.take(g.now())
	unsaid := g.unsaid
	if ok {
		g.unsaid = 0
	} else {
		g.unsaid++
	}
	g.mu.Unlock()
	if !ok {
		return
	}
	args := []any{"category", "control", "path", short(c.Path()), "remote", c.RemoteAddr().String()}
	if unsaid > 0 {
		args = append(args, "others", unsaid)
	}
	g.log.Warn("refused: "+why, args...)
}

// Last logs how many refusals have had no line.
func (g *Gate) Last() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.unsaid > 0 {
		g.log.Warn("refused more requests, without a line each", "category", "control", "others", g.unsaid)
	}
	g.unsaid = 0
}

// short is a path of a stranger's for the log.
func short(path []byte) string {
	const enough = 100
	if len(path) > enough {
		return string(path[:enough]) + "…"
	}
	return string(path)
}

// Remote is the address that a request comes from.
func Remote(c *fasthttp.RequestCtx) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
