package dummy

import (
	"bytes"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// server is the state that requests share.
type server struct {
	cfg    Config
	clock  clock
	quit   <-chan struct{}
	began  int64         // monotonic ns, like every instant
	offset int64         // wall clock minus monotonic, ns: read once, so that both tell the same story
	slots  chan struct{} // nil: no limit. Go serves the senders that wait on a channel first come, first served
	pool   sync.Pool     // of *generation
	truths *truths
	log    requestLog
	model  modelName

	number    atomic.Int64 // requests so far
	loaded    atomic.Int64 // when the model is; 0: nobody has asked for it
	running   atomic.Int64
	waiting   atomic.Int64
	prompted  atomic.Int64 // prompt tokens of the requests answered with 200
	generated atomic.Int64 // tokens written
	succeeded atomic.Int64
	failed    atomic.Int64
	resets    atomic.Int64
	prompts   prompts
	timed     [3]tally // to the first token, from token to token, and of the whole, of the answers that came to their end
}

func newServer(cfg Config, clock clock, quit <-chan struct{}) *server {
	s := &server{cfg: cfg, clock: clock, quit: quit, truths: newTruths(cfg.Truth), model: newModelName(cfg.Model)}
	s.began = clock.now()
	s.offset = unixNano() - clock.now()
	if cfg.LogRequests {
		s.log = requestLog{to: cfg.Log, offset: cfg.ClockOffset}
	}
	if cfg.MaxRunning > 0 {
		s.slots = make(chan struct{}, cfg.MaxRunning)
	}
	s.pool.New = func() any { return &generation{s: s, alarm: newAlarm(), choices: 1} }
	return s
}

// handle answers one request.
func (s *server) handle(ctx *fasthttp.RequestCtx) {
	path := ctx.Path()
	if s.clock.now()-s.began < int64(s.cfg.StartDelay) {
		answer(ctx, fasthttp.StatusServiceUnavailable, typeJSON, openaiError(nil, 503, "Loading model"))
		return
	}
	d := lookup(path)
	switch {
	case d == nil:
		s.page(ctx, string(path))
	case !ctx.IsPost():
		ctx.Response.Header.Set("Allow", "POST")
		answer(ctx, fasthttp.StatusMethodNotAllowed, typeText, []byte("405 method not allowed"))
	default:
		s.generate(ctx, d)
	}
}

// generate answers a request for text.
func (s *server) generate(ctx *fasthttp.RequestCtx, d *dialect) {
	g := s.begin(ctx, d)
	if status, words := s.refuse(ctx, g); status != 0 {
		g.status, g.done = status, true
		g.out = g.d.problem(g.out[:0], status, words)
		answer(ctx, status, typeJSON, g.out)
		g.release()
		return
	}
	if !s.load(g) || !s.enter(g, ctx.Conn()) {
		hangUp(ctx)
		g.release()
		return
	}
	g.due = g.start + s.slowed(s.cfg.stretch(s.cfg.TTFT, g.key, 0))
	s.prompted.Add(int64(g.req.promptTokens))
	if s.cfg.PrefixCache {
		s.prompts.ask(ctx.PostBody(), int64(g.req.promptTokens))
	}
	g.status = fasthttp.StatusOK
	if g.req.stream {
		ctx.SetContentType(g.d.streamType)
		ctx.SetBodyStream(g, -1)
		return
	}
	if g.finish() {
		answer(ctx, fasthttp.StatusOK, typeJSON, g.out)
	} else {
		g.status = 0
		hangUp(ctx)
	}
	g.release()
}

// begin takes a generation from the pool and stamps the arrival.
func (s *server) begin(ctx *fasthttp.RequestCtx, d *dialect) *generation {
	g := s.pool.Get().(*generation)
	*g = generation{
		s: s, d: d, alarm: g.alarm, choices: 1, arrived: s.clock.now(), number: s.number.Add(1),
		model: g.model[:0], stamps: g.stamps[:0], out: g.out[:0], text: g.text[:0],
		id:   append(g.id[:0], ctx.Request.Header.Peek("X-Request-Id")...),
		path: append(g.path[:0], ctx.Path()...),
	}
	g.key = s.cfg.key(g.id, g.number)
	s.log.add(g.id, g.path, g.arrived+s.offset)
	return g
}

// refuse reads the request and says why it can't be served; status 0: it can.
func (s *server) refuse(ctx *fasthttp.RequestCtx, g *generation) (status int, words string) {
	r, err := parse(ctx.PostBody())
	if err != nil {
		return fasthttp.StatusBadRequest, err.Error()
	}
	g.req = r
	g.d = g.d.of(&g.req)
	g.req.stream = g.d.streams(&g.req)
	g.model = append(g.model, s.model.orElse(r.model)...)
	g.length, g.natural = s.cfg.length(&r)
	g.choices = g.d.choices(&r)
	switch {
	case !s.has(r.model) && !g.d.modelless:
		return fasthttp.StatusNotFound, "model '" + string(r.model) + "' not found"
	case s.cfg.fails(g.key):
		return fasthttp.StatusInternalServerError, "the dummy fails, as --error-rate asked"
	}
	if g.d.loads && r.promptTokens == 0 {
		g.length = 0 // Ollama: no prompt loads the model, and that is all
	}
	return 0, ""
}

// load waits until the model is loaded, where the request is in a dialect that loads it; false: the server ends.
func (s *server) load(g *generation) bool {
	g.ready = g.arrived
	if s.cfg.Cold == 0 || !g.d.loads {
		return true
	}
	s.loaded.CompareAndSwap(0, g.arrived+int64(s.cfg.Cold))
	g.ready = max(g.arrived, s.loaded.Load())
	return s.wait(g.alarm, g.ready)
}

// enter waits for a slot; false: the server ends, or the client has hung up meanwhile.
func (s *server) enter(g *generation, conn net.Conn) bool {
	g.start = g.ready
	if s.slots == nil {
		s.running.Add(1)
		g.slot = true
		return true
	}
	select {
	case s.slots <- struct{}{}:
	default:
		if !s.queue() {
			return false
		}
		g.start = s.clock.now()
		if gone(conn) {
			<-s.slots
			return false
		}
	}
	s.running.Add(1)
	g.slot = true
	return true
}

// queue waits in line for a slot; false: the server ends.
func (s *server) queue() bool {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	select {
	case s.slots <- struct{}{}:
		return true
	case <-s.quit:
		return false
	}
}

func (s *server) leave() {
	s.running.Add(-1)
	if s.slots != nil {
		<-s.slots
	}
}

// slowed is a pause of the law, in ns, as it comes out once the server slows down to nothing: twice as long for each second
// since then, and an hour at most.
func (s *server) slowed(pause int64) int64 {
	if s.cfg.SlowAfter == 0 {
		return pause
	}
	late := s.clock.now() - s.began - int64(s.cfg.SlowAfter)
	if late <= 0 {
		return pause
	}
	return int64(min(float64(pause)*math.Exp2(float64(late)/1e9), float64(time.Hour)))
}

// wait is clock.wait, but never returns true once the server hangs.
func (s *server) wait(a *alarm, until int64) bool {
	if !s.clock.wait(a, until) {
		return false
	}
	if after := int64(s.cfg.HangAfter); after > 0 && s.clock.now()-s.began >= after {
		<-s.quit
	}
	select {
	case <-s.quit:
		return false
	default:
		return true
	}
}

func (s *server) wall(monotonic int64) int64 { return monotonic + s.offset }

// count adds one ended request to the metrics.
func (s *server) count(status int) {
	if status == fasthttp.StatusOK {
		s.succeeded.Add(1)
	} else {
		s.failed.Add(1)
	}
}

// gone tells whether the peer has closed its side: a queue full of clients that left must not be served one by one.
func gone(conn net.Conn) bool {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return true
	}
	closed := false
	err = rc.Read(func(fd uintptr) bool {
		var one [1]byte
		n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = n == 0 && err == nil || err != nil && err != syscall.EAGAIN
		return true
	})
	return closed || err != nil
}

// hangUp ends the connection without an answer.
func hangUp(ctx *fasthttp.RequestCtx) {
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(net.Conn) {})
}

// modelName is the model the server has.
type modelName struct {
	name   []byte // as a JSON string without its quotes; empty: every name will do
	listed []byte // what the lists of models say
}

func newModelName(name string) modelName {
	if name == "" {
		return modelName{listed: []byte("dummy")}
	}
	quoted := quote(name)
	return modelName{name: quoted, listed: quoted}
}

// is tells whether asked names the model. Ollama's clients may leave out the tag :latest.
func (m modelName) is(asked []byte) bool {
	return len(m.name) == 0 || bytes.Equal(bytes.TrimSuffix(asked, []byte(":latest")), bytes.TrimSuffix(m.name, []byte(":latest")))
}

// orElse is what an answer calls the model: asked, or the listed name if the request has none.
func (m modelName) orElse(asked []byte) []byte {
	if len(asked) == 0 {
		return m.listed
	}
	return asked
}
