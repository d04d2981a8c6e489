package dummy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	typeJSON   = "application/json"
	typeText   = "text/plain; charset=utf-8"
	typeSSE    = "text/event-stream"
	typeNDJSON = "application/x-ndjson"
	typeProm   = "text/plain; version=0.0.4; charset=utf-8"
)

// answer sets the whole response.
func answer(ctx *fasthttp.RequestCtx, status int, contentType string, body []byte) {
	ctx.SetStatusCode(status)
	ctx.SetContentType(contentType)
	ctx.Response.SetBody(body)
}

// page answers the paths that are not for text: health, lists of models, metrics.
func (s *server) page(ctx *fasthttp.RequestCtx, path string) {
	switch path {
	case "/health", "/v2/health/ready", "/v2/health/live":
		s.health(ctx)
	case "/v1/models":
		answer(ctx, 200, typeJSON, fmt.Appendf(nil,
			`{"object":"list","data":[{"id":"%s","object":"model","created":%d,"owned_by":"hpcbench"}]}`,
			s.model.listed, s.wall(s.began)/1e9))
	case "/api/tags":
		answer(ctx, 200, typeJSON, s.tags())
	case "/api/ps":
		answer(ctx, 200, typeJSON, s.ps())
	case "/api/show", "/api/create", "/api/pull":
		s.keep(ctx, path)
	case "/api/version":
		answer(ctx, 200, typeJSON, []byte(`{"version":"0.0.0-dummy"}`))
	case "/metrics":
		answer(ctx, 200, typeProm, s.metrics())
	case resetPath:
		s.reset(ctx)
	case "/":
		answer(ctx, 200, typeText, []byte("Ollama is running")) // what Ollama's clients look for
	default:
		answer(ctx, 404, typeText, []byte("404 page not found"))
	}
}

func (s *server) health(ctx *fasthttp.RequestCtx) {
	if s.cfg.FailHealth {
		answer(ctx, fasthttp.StatusServiceUnavailable, typeJSON, openaiError(nil, 503, "unhealthy, as --fail-health asked"))
		return
	}
	answer(ctx, 200, typeJSON, []byte(`{"status":"ok"}`))
}

// metrics is the Prometheus text. The names follow vLLM's.
func (s *server) metrics() []byte {
	var b bytes.Buffer
	one := func(name, kind, help string, value int64) {
		fmt.Fprintf(&b, "# HELP dummy_%s %s\n# TYPE dummy_%[1]s %[3]s\ndummy_%[1]s %[4]d\n", name, help, kind, value)
	}
	one("num_requests_running", "gauge", "Requests in work.", s.running.Load())
	one("num_requests_waiting", "gauge", "Requests in the queue.", s.waiting.Load())
	one("prompt_tokens_total", "counter", "Prompt tokens of the requests taken into work.", s.prompted.Load())
	one("generation_tokens_total", "counter", "Tokens written.", s.generated.Load())
	one("requests_total", "counter", "Requests that arrived.", s.number.Load())
	one("request_success_total", "counter", "Requests that ended with status 200.", s.succeeded.Load())
	one("request_failure_total", "counter", "Requests that ended otherwise.", s.failed.Load())
	one("resets_total", "counter", "Requests to forget the prompts.", s.resets.Load())
	if s.cfg.PrefixCache {
		queries, hits := s.prompts.counts()
		one("prefix_cache_queries_total", "counter", "Prompt tokens looked up among the prompts that came before.", queries)
		one("prefix_cache_hits_total", "counter", "Prompt tokens of requests that came before, word for word.", hits)
	}
	for i, name := range [...]string{"time_to_first_token", "inter_token_latency", "e2e_request_latency"} {
		s.timed[i].write(&b, "dummy_"+name+"_seconds")
	}
	return b.Bytes()
}

// resetPath is vLLM's for the same. vLLM has it in its development mode alone, and this mock server always.
const resetPath = "/reset_prefix_cache"

// reset forgets the prompts.
func (s *server) reset(ctx *fasthttp.RequestCtx) {
	if !ctx.IsPost() {
		ctx.Response.Header.Set("Allow", "POST")
		answer(ctx, fasthttp.StatusMethodNotAllowed, typeText, []byte("405 method not allowed"))
		return
	}
	s.resets.Add(1)
	s.prompts.forget()
	answer(ctx, 200, typeJSON, []byte(`{}`))
}

// quote is name as JSON writes it, without the quotes.
func quote(name string) []byte {
	b, err := json.Marshal(name)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return b[1 : len(b)-1]
}

func unixNano() int64 { return time.Now().UnixNano() }
