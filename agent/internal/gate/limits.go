package gate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// What is taken from strangers (docs/agent.md).
const (
	HeaderLimit = 16 << 10         // bytes of a request's header
	bodyLimit   = 64 << 20         // bytes of a body that comes with the token: a trial's assignment
	bodyTime    = 30 * time.Second // for such a body to come
	strangeBody = 64 << 10         // bytes of a body without it
	StrangeTime = 5 * time.Second  // for a header to come, and a body without the token
	ConnLimit   = 256              // open connections, of all addresses

	TriesAtOnce    = 20          // wrong tokens of one address that are answered 401, and then
	triesEvery     = time.Second // one more each; the others are answered 429
	addressLimit   = 1024        // addresses whose tries are counted
	RefusalsAtOnce = 20          // refusals of the log that have a line, and then
	refusalsEvery  = time.Minute // one more each, which counts those without
)

// Limits says in words what an executor refuses, for its documents.
var Limits = fmt.Sprintf(`A header may have %d KiB, a body %d KiB, or %d MiB with the token; both have to come within %.0f s, a body with the token
within %.0f s. Of more than %d connections the one that is open longest without having shown the token makes room. An address
that sent %d wrong tokens gets HTTP 429 with Retry-After, but for one a second; the right token is heard from any address at any
time. The log has a line for each of the first %d refusals, and then one a minute with a count.`,
	HeaderLimit>>10, strangeBody>>10, bodyLimit>>20, StrangeTime.Seconds(), bodyTime.Seconds(), ConnLimit, TriesAtOnce, RefusalsAtOnce)

// Server is an HTTP server behind the gate. It does not read forms, which would put files of strangers into /tmp.
func (g *Gate) Server(handle fasthttp.RequestHandler) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: handle, HeaderReceived: g.bound, ErrorHandler: g.malformed, Name: "hpcbench-agent", Logger: silent{},
		MaxRequestBodySize: bodyLimit, ReadBufferSize: HeaderLimit, DisablePreParseMultipartForm: true,
		ReadTimeout: StrangeTime, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, CloseOnShutdown: true,
	}
}

// Listen is a listener that keeps no more than ConnLimit connections open.
func Listen(ln net.Listener) net.Listener { return newDoors(ln, ConnLimit) }

// Shut ends a server and its listener: who does not read its answer within a second does without it.
func (g *Gate) Shut(web *fasthttp.Server, ln net.Listener) {
	limit, release := context.WithTimeout(context.Background(), time.Second)
	defer release()
	_ = web.ShutdownWithContext(limit) // see above
	_ = ln.Close()                     // Shutdown knows nothing of a listener that Serve has not seen yet
}

// silent drops fasthttp's own log: who connects and goes away again is no news.
type silent struct{}

func (silent) Printf(string, ...any) {}

// bound keeps those without the token from filling this node's memory, and gives those with it the time that a large body
// takes.
func (g *Gate) bound(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if g.trusts != nil && g.trusts(h) {
		return fasthttp.RequestConfig{ReadTimeout: bodyTime}
	}
	return fasthttp.RequestConfig{ReadTimeout: StrangeTime, MaxRequestBodySize: strangeBody}
}

// malformed answers what is no request that can be read to its end.
func (g *Gate) malformed(c *fasthttp.RequestCtx, err error) {
	status, why := fasthttp.StatusBadRequest, "not an HTTP request that is understood here"
	small, slow := (*fasthttp.ErrSmallBuffer)(nil), net.Error(nil)
	switch {
	case errors.As(err, &small):
		status, why = fasthttp.StatusRequestHeaderFieldsTooLarge, fmt.Sprintf("a header of more than %d KiB", HeaderLimit>>10)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status, why = fasthttp.StatusRequestEntityTooLarge, fmt.Sprintf("a body of more than %d KiB without the token, or %d MiB with it", strangeBody>>10, bodyLimit>>20)
	case errors.As(err, &slow) && slow.Timeout():
		status, why = fasthttp.StatusRequestTimeout, "the request did not come to its end in time"
	}
	g.Note(why, c)
	Refuse(c, status, "%s", why)
}
