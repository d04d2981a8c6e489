package loop

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/internal/wire/fixture"
	"hpcbench/agent/workload"
)

// replay answers request i of a run with the i-th answer, in writes of so many bytes, and closes the connection where the
// answer has no end of its own.
func replay(t *testing.T, ln net.Listener, answers []fixture.Answer, piece int) {
	t.Helper()
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go replayOn(c, answers, piece)
		}
	}()
}

func replayOn(c net.Conn, answers []fixture.Answer, piece int) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		id := r.Header.Get("X-Request-Id")
		i, err := strconv.Atoi(id[strings.LastIndexByte(id, '-')+1:])
		if err != nil || i >= len(answers) {
			return
		}
		for b := []byte(answers[i].Bytes); len(b) > 0; b = b[min(piece, len(b)):] {
			if _, err := c.Write(b[:min(piece, len(b))]); err != nil {
				return
			}
		}
		if !ends(answers[i]) {
			return
		}
	}
}

// ends reports whether an answer has an end of its own after which its connection stays open.
func ends(a fixture.Answer) bool {
	d, err := wire.Lookup(a.Dialect)
	if err != nil {
		return false
	}
	var p wire.Parser
	p.Reset(d, !a.Document)
	p.Feed([]byte(a.Bytes))
	return p.Answer().Reusable
}

// listeners are the ways to a server, by name, with what its URL is.
var listeners = map[string]func(t *testing.T) (net.Listener, string){
	"loop": func(t *testing.T) (net.Listener, string) {
		ln := listen(t, "tcp", "127.0.0.1:0")
		return ln, "http://" + ln.Addr().String()
	},
	"unix": func(t *testing.T) (net.Listener, string) {
		path := filepath.Join(t.TempDir(), "s")
		return listen(t, "unix", path), "unix:" + path
	},
	"fasthttp": func(t *testing.T) (net.Listener, string) {
		donor := httptest.NewTLSServer(nil)
		t.Cleanup(donor.Close)
		ln := listen(t, "tcp", "127.0.0.1:0")
		return tls.NewListener(ln, &tls.Config{Certificates: donor.TLS.Certificates}), "https://" + ln.Addr().String()
	},
}

func listen(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// fasthttps are the answers whose HTTP fasthttp's client reads more strictly than RFC 9112 asks, with what its error says.
var fasthttps = map[string]string{
	"length/twice the same":                  "duplicate content-length",
	"head/endless header":                    "small read buffer",
	"head/endless headers":                   "small read buffer",
	"chunks and a length/chunks of HTTP/1.0": "no JSON object", // it takes them for the body
}

// waits is the answer in whose head fasthttp's client waits for carriage returns for ever: a time-out.
const waits = "head/bare line feeds"

// Every row of the table of edge cases, through both drivers and over a unix socket, whole and a byte at a time.
func TestRows(t *testing.T) {
	for driver, way := range listeners {
		for kind, answers := range kinds(driver) {
			for _, piece := range []int{1 << 20, 1} {
				t.Run(fmt.Sprintf("%s/%s/in pieces of %d", driver, kind, piece), func(t *testing.T) {
					ln, url := way(t)
					replay(t, ln, answers, piece)
					w := workload.Workload{Dialect: answers[0].Dialect, Stream: !answers[0].Document, Concurrency: 1, Requests: len(answers)}
					records, _ := run(t, assignment(w, url), Options{Insecure: true})
					if len(records) != len(answers) {
						t.Fatalf("%d records of %d answers", len(records), len(answers))
					}
					for _, r := range records {
						checkRow(t, answers[r.ID], r, driver, piece > 1)
					}
				})
			}
		}
	}
}

// kinds are all answers that a driver is tested with, by what can't change in a trial.
func kinds(driver string) map[string][]fixture.Answer {
	all := map[string][]fixture.Answer{}
	for _, a := range fixture.All() {
		if a.Name == waits && driver == "fasthttp" {
			continue
		}
		kind := fmt.Sprintf("%s/stream=%v", a.Dialect, !a.Document)
		all[kind] = append(all[kind], a)
	}
	return all
}

func checkRow(t *testing.T, a fixture.Answer, r record.Record, driver string, whole bool) {
	t.Helper()
	want := a.Want
	if words, ok := fasthttps[a.Name]; ok && driver == "fasthttp" {
		want.Outcome, want.Words = record.Invalid, words
	}
	if r.Outcome != want.Outcome || !strings.Contains(r.Error, want.Words) || r.PromptTokens != want.Prompt || r.OutputTokens != want.Output || r.TokenSource != want.Source || r.Pings != want.Pings {
		t.Errorf("%s: %v, %d and %d tokens by %v, %d pings, %q; want %+v", a.Name, r.Outcome, r.PromptTokens, r.OutputTokens, r.TokenSource, r.Pings, r.Error, want)
	}
	if got := math.IsNaN(r.FirstToken); got != (want.Events == 0) {
		t.Errorf("%s: first token at %v, want %d", a.Name, r.FirstToken, want.Events)
	}
	if want.Events > 0 && len(r.Gaps) != want.Events-1 {
		t.Errorf("%s: %d gaps between %d events", a.Name, len(r.Gaps), want.Events)
	}
	if several := strings.HasPrefix(a.Name, "several tokens in the first read/"); several && whole && r.Coalesced != want.Events-1 {
		t.Errorf("%s: %d events came with one before, want %d", a.Name, r.Coalesced, want.Events-1)
	}
	if got := math.IsNaN(r.FirstAnswer); got != (want.Events == 0 || want.Thoughts < 0) || r.FirstAnswer < r.FirstToken || r.FirstAnswer > r.LastToken {
		t.Errorf("%s: first answer at %v between %v and %v; want %d thoughts before it", a.Name, r.FirstAnswer, r.FirstToken, r.LastToken, want.Thoughts)
	}
}

// A server that closes the connection anywhere before the end of a good answer, and one that closes it before a byte: each is
// a disconnect, of every dialect, streamed and not.
func TestClosedAtEveryOffset(t *testing.T) {
	for driver, way := range listeners {
		for kind, answers := range kinds(driver) {
			if driver != "loop" && !strings.HasPrefix(kind, "openai-chat") {
				continue // they differ below the dialect
			}
			t.Run(driver+"/"+kind, func(t *testing.T) {
				var cuts []fixture.Answer
				for at := range answers[0].Bytes { // the plain one
					cut := answers[0]
					cut.Bytes = cut.Bytes[:at]
					cuts = append(cuts, cut)
				}
				ln, url := way(t)
				replay(t, ln, cuts, 1<<20)
				w := workload.Workload{Dialect: answers[0].Dialect, Stream: !answers[0].Document, Concurrency: 4, Requests: len(cuts)}
				records, _ := run(t, assignment(w, url), Options{Insecure: true})
				if len(records) != len(cuts) || answers[0].Want.Outcome != record.OK {
					t.Fatalf("%d records of %d cuts of %+v", len(records), len(cuts), answers[0])
				}
				for _, r := range records {
					if r.Outcome != record.Disconnect || r.Error == "" || math.IsNaN(r.Sent) {
						t.Errorf("cut at %d: %v %q", r.ID, r.Outcome, r.Error)
					}
				}
			})
		}
	}
}
