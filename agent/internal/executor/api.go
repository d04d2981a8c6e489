package executor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/expose"
	"hpcbench/agent/internal/gate"
	"hpcbench/agent/internal/load"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

const (
	stopWithin = 10 * time.Second // for a trial to end that is stopped
	latestZero = 600.0            // seconds: a start further ahead than this is a mistake
)

// Health is the answer of GET /health.
type Health struct {
	Status  string `json:"status"` // ok
	Node    string `json:"node"`
	Service string `json:"service"`
	Version string `json:"version"`
	UnixNS  int64  `json:"unix_ns"`         // this node's wall clock
	Proof   string `json:"proof,omitempty"` // that it has the token: an HMAC of the query's challenge
}

// route is what answers a method and a path.
type route struct {
	method, path string
	guarded      bool // needs the token
	answer       func(e *Executor, c *fasthttp.RequestCtx)
}

var routes = []route{
	{"GET", "/health", false, (*Executor).getHealth},
	{"POST", "/start", true, (*Executor).postStart},
	{"GET", "/status", false, (*Executor).getStatus},
	{"GET", "/live", false, (*Executor).getLive},
	{"GET", "/metrics", false, (*Executor).getMetrics},
	{"GET", "/metrics/prometheus", false, (*Executor).getPrometheus},
	{"POST", "/stop", true, (*Executor).postStop},
}

func (e *Executor) handle(c *fasthttp.RequestCtx) {
	method, path := string(c.Method()), string(c.Path())
	for _, r := range routes {
		if r.path != path {
			continue
		}
		if r.method != method && !(r.method == "GET" && method == "HEAD") {
			c.Response.Header.Set("Allow", r.method)
			refuse(c, fasthttp.StatusMethodNotAllowed, "%s takes %s", path, r.method)
			return
		}
		if r.guarded && !e.knows(c) {
			return
		}
		r.answer(e, c)
		return
	}
	refuse(c, fasthttp.StatusNotFound, "no %s here", path)
}

// trusts reports whether a request has the job's token, and whether it has one at all. Digests are compared, so that the
// time it takes tells nothing, not even the token's length.
func (e *Executor) trusts(h *fasthttp.RequestHeader) (right, bearer bool) {
	given, bearer := strings.CutPrefix(string(h.Peek("Authorization")), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(e.cfg.Token))
	return e.cfg.Token != "" && bearer && subtle.ConstantTimeCompare(a[:], b[:]) == 1, bearer
}

// knows reports whether the request has the job's token; if not, it is answered and logged.
func (e *Executor) knows(c *fasthttp.RequestCtx) bool {
	right, bearer := e.trusts(&c.Request.Header)
	if right {
		gate.Stay(c)
		return true
	}
	why := "wrong token"
	if !bearer {
		why = "no token"
	}
	e.gate.Note(why, c)
	if seconds := e.gate.Wrong(gate.Remote(c)); seconds > 0 {
		c.Response.Header.Set("Retry-After", strconv.Itoa(seconds))
		c.SetConnectionClose()
		refuse(c, fasthttp.StatusTooManyRequests, "too many wrong tokens from this address: the next is read in %d s", seconds)
		return false
	}
	c.Response.Header.Set("WWW-Authenticate", "Bearer")
	refuse(c, fasthttp.StatusUnauthorized, "%s: %s needs the job's token (Authorization: Bearer …)", why, c.Path())
	return false
}

// getHealth tells who this is and, to who asks, proves it.
func (e *Executor) getHealth(c *fasthttp.RequestCtx) {
	h := Health{Status: "ok", Node: e.cfg.Node, Service: e.cfg.Service, Version: e.cfg.Version}
	if challenge := c.QueryArgs().Peek("challenge"); len(challenge) > challengeLimit {
		refuse(c, fasthttp.StatusBadRequest, "a challenge of %d bytes: want %d at most", len(challenge), challengeLimit)
		return
	} else if len(challenge) > 0 && e.cfg.Token != "" {
		h.Proof = prove(e.cfg.Token, c.LocalAddr().String(), string(challenge))
	}
	h.UnixNS = time.Now().Add(e.cfg.Clock).UnixNano()
	tell(c, fasthttp.StatusOK, h)
}

func (e *Executor) postStart(c *fasthttp.RequestCtx) {
	a, err := decode(c.PostBody())
	if err == nil {
		err = e.check(a)
	}
	var requests *wire.Requests
	if err == nil {
		requests, err = prepare(a)
	}
	if err != nil {
		e.gate.Note(err.Error(), c)
		refuse(c, fasthttp.StatusBadRequest, "%v", err)
		return
	}
	zero := c.Time().Add(time.Duration(a.StartInS * float64(time.Second)))
	if err := e.start(a, requests, zero); err != nil {
		refuse(c, fasthttp.StatusConflict, "%v", err)
		return
	}
	tell(c, fasthttp.StatusAccepted, e.progress())
}

func (e *Executor) getStatus(c *fasthttp.RequestCtx) { tell(c, fasthttp.StatusOK, e.progress()) }

func (e *Executor) getMetrics(c *fasthttp.RequestCtx) {
	r := e.latest()
	if r == nil {
		refuse(c, fasthttp.StatusNotFound, "no trial has run here yet")
		return
	}
	tell(c, fasthttp.StatusOK, r.share.Part())
}

func (e *Executor) getPrometheus(c *fasthttp.RequestCtx) { expose.Page(c, e.cfg.Registry) }

func (e *Executor) postStop(c *fasthttp.RequestCtx) {
	if body := bytes.TrimSpace(c.PostBody()); len(body) > 0 && string(body) != "{}" {
		e.gate.Note("a body that is not {}", c)
		refuse(c, fasthttp.StatusBadRequest, "%s takes no body, or {}", c.Path())
		return
	}
	e.cfg.Log.Info("asked to stop", "category", "control", "remote", c.RemoteAddr().String())
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	e.halt(ctx)
	tell(c, fasthttp.StatusOK, e.progress())
}

// decode reads an assignment of the schema that is known here, and no field that is not.
func decode(body []byte) (workload.Assignment, error) {
	var a workload.Assignment
	var version struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(body, &version); err != nil {
		return a, fmt.Errorf("not an assignment: %w", err)
	}
	if version.Schema == nil || *version.Schema != workload.Schema {
		return a, fmt.Errorf("not an assignment of schema %d, the one known here", workload.Schema)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, fmt.Errorf("not an assignment: %w", err)
	}
	return a, nil
}

// names are what may name a directory: trials are numbers, nodes are host names.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// check says why an assignment can't be run here.
func (e *Executor) check(a workload.Assignment) error {
	switch {
	case a.Trial.Schema != workload.Schema:
		return fmt.Errorf("trial of schema %d, known here is %d", a.Trial.Schema, workload.Schema)
	case !names.MatchString(a.Trial.ID):
		return fmt.Errorf("trial %q: want a name of letters, digits, dots and dashes", a.Trial.ID)
	case a.Node != e.cfg.Node:
		return fmt.Errorf("meant for node %q, this is %q", a.Node, e.cfg.Node)
	case a.Probe < 0:
		return fmt.Errorf("probe %d: want 0 or more", a.Probe)
	case a.StartInS < 0 || a.StartInS > latestZero || math.IsNaN(a.StartInS):
		return fmt.Errorf("start_in_s %g: want 0 to %g", a.StartInS, latestZero)
	}
	_, err := load.New(a, 0, 1, nil)
	return err
}

// prepare reads what the requests of an assignment say, with the files that it names: what is wrong with them is told
// before the first request.
func prepare(a workload.Assignment) (*wire.Requests, error) {
	r, err := wire.NewRequests(a.Trial.Workload)
	for _, endpoint := range a.Endpoints {
		if err == nil {
			_, err = r.Encoder(endpoint, nil)
		}
	}
	return r, err
}

// tell answers with JSON.
func tell(c *fasthttp.RequestCtx, status int, v any) { gate.Tell(c, status, v) }

// refuse answers with an error.
func refuse(c *fasthttp.RequestCtx, status int, format string, args ...any) {
	gate.Refuse(c, status, format, args...)
}
