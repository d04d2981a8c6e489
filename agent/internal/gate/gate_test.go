package gate

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// frozen is a gate whose clock stands until it is put forward.
func frozen(log *slog.Logger) (g *Gate, forward func(time.Duration)) {
	now := time.Unix(1e9, 0)
	g = New(log, nil)
	g.now = func() time.Time { return now }
	return g, func(d time.Duration) { now = now.Add(d) }
}

func TestWrongTokensOfOneAddressAreSlowedDown(t *testing.T) {
	g, forward := frozen(slog.Default())
	mallory, alice := netip.MustParseAddr("10.0.0.66"), netip.MustParseAddr("10.0.0.1")
	for k := range TriesAtOnce {
		if wait := g.Wrong(mallory); wait != 0 {
			t.Fatalf("try %d: wait %d s", k, wait)
		}
	}
	if wait := g.Wrong(mallory); wait != 1 {
		t.Errorf("one more: wait %d s, want 1", wait)
	}
	if wait := g.Wrong(alice); wait != 0 {
		t.Errorf("another address: wait %d s", wait)
	}
	forward(triesEvery)
	if wait := g.Wrong(mallory); wait != 0 {
		t.Errorf("after a second: wait %d s", wait)
	}
	if wait := g.Wrong(mallory); wait != 1 {
		t.Errorf("and once more: wait %d s, want 1", wait)
	}
	forward(time.Hour)
	for k := range TriesAtOnce {
		if wait := g.Wrong(mallory); wait != 0 {
			t.Fatalf("after an hour, try %d: wait %d s", k, wait)
		}
	}
	if wait := g.Wrong(mallory); wait == 0 {
		t.Error("an hour is more than TriesAtOnce seconds, and all that was not tried in it was saved up")
	}
}

func TestAddressesThatAreCountedHaveALimit(t *testing.T) {
	g, _ := frozen(slog.Default())
	for k := range 10 * addressLimit {
		g.Wrong(netip.AddrFrom4([4]byte{10, byte(k >> 16), byte(k >> 8), byte(k)}))
	}
	if len(g.tries) > addressLimit {
		t.Errorf("%d addresses are kept, want %d at most", len(g.tries), addressLimit)
	}
}

func TestRefusalsDoNotFloodTheLog(t *testing.T) {
	var out bytes.Buffer
	g, forward := frozen(slog.New(slog.NewTextHandler(&out, nil)))
	c := new(fasthttp.RequestCtx)
	c.Request.SetRequestURI("/" + strings.Repeat("a", 1000))
	for range 1000 {
		g.Note("wrong token", c)
	}
	if n := strings.Count(out.String(), "\n"); n != RefusalsAtOnce || out.Len() > 400*RefusalsAtOnce {
		t.Errorf("%d lines, %d bytes; want %d lines", n, out.Len(), RefusalsAtOnce)
	}
	out.Reset()
	forward(refusalsEvery)
	g.Note("wrong token", c)
	g.Note("wrong token", c)
	if want := fmt.Sprintf("others=%d\n", 1000-RefusalsAtOnce); strings.Count(out.String(), "\n") != 1 || !strings.HasSuffix(out.String(), want) {
		t.Errorf("a minute later: %q, want one line that ends in %q", out.String(), want)
	}
	out.Reset()
	g.Last()
	g.Last()
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "others=1\n") {
		t.Errorf("at the end: %q, want one line with the one that had none", out.String())
	}
}
