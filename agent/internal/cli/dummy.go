package cli

import (
	"context"
	"fmt"
	"os"

	mock "hpcbench/agent/internal/dummy"
)

var dummy = command{
	name:  "dummy",
	short: "be a mock server with a known law, for trying and testing",
	long: `
Speaks every dialect. A request waits until one of --max-running slots is free; its token k is then due after
--ttft + k × --itl, at absolute instants. With --truth it writes down when it sent each token, so that a measurement can be
held against what happened.

GET /metrics tells of it in the names of vLLM with dummy_ in front: num_requests_running and _waiting, prompt_tokens_total,
generation_tokens_total, time_to_first_token_seconds, inter_token_latency_seconds and e2e_request_latency_seconds (sum and count)
and, with --prefix-cache, prefix_cache_queries_total and prefix_cache_hits_total: prompt tokens, and those of requests that came
before word for word. POST /reset_prefix_cache forgets them.`,
	example: "agent dummy --listen 127.0.0.1:8000 --ttft 50ms --itl 10ms --tokens 64 --truth truth.jsonl",
	declare: func(f *flags) action {
		listen := f.text("listen", "IP:PORT", "", "where to listen")
		f.need("listen")
		model := f.text("model", "NAME", "", "the one model it has, others being answered 404; otherwise it has all")
		return dummyFlags(f, listen, model)
	},
}

// dummyFlags declares the flags of the server's law and faults, and returns its action.
func dummyFlags(f *flags, listen, model *string) action {
	f.heading("Law:")
	ttft := f.time("ttft", 0, "from a request's start to its first token")
	itl := f.time("itl", 0, "from token to token")
	jitter := f.real("jitter", "SHARE", 0, "share by which each of these is stretched or shrunk at random, 0 to 1")
	tokens := f.number("tokens", "N", 0, "tokens of an answer that asks for no length, or ends by itself; 0: 128, and none does")
	together := f.number("tokens-per-write", "N", 1, "tokens that share one write")
	errorRate := f.real("error-rate", "SHARE", 0, "share of requests answered with HTTP 500, 0 to 1")
	running := f.number("max-running", "N", 0, "most requests in work at once, others wait; 0: no limit")
	cold := f.time("cold", 0, "how long the first request in a dialect of Ollama loads the model, and those with it")
	seed := f.number("seed", "N", 0, "what jitter and errors follow from")
	cache := f.is("prefix-cache", "count requests that came before as hits of a prefix cache in /metrics; they are no faster")
	truth := f.text("truth", "FILE", "", "where to add a JSON line a request, with the time of each token")
	requests := f.is("log-requests", "log a line for each request, with its X-Request-Id")
	store := f.text("store", "DIR", "", "where the models are that it has, a file each; /api/create and /api/pull add to it, as Ollama's do")
	f.heading("Faults:")
	die := f.time("die-after", 0, "when it exits with status 1 in the middle of everything; 0: never")
	hang := f.time("hang-after", 0, "when generations stop getting bytes; 0: never")
	slow := f.time("slow-after", 0, "when it begins to get twice as slow each second, down to nothing; 0: never")
	delay := f.time("start-delay", 0, "how long everything is answered 503")
	cpu := f.is("on-cpu", "say on /api/ps that the model is not in a GPU's memory")
	sick := f.is("fail-health", "answer 503 on /health for ever")
	chatter := f.number("chatter", "BYTES", 0, "bytes of log that it writes each second")
	offset := f.time("clock-offset", 0, "how much the clock of --log-requests is to be off, for tests")
	return func(ctx context.Context, call *call) error {
		return serveDummy(ctx, call, *listen, *truth, mock.Config{
			Model: *model, TTFT: *ttft, ITL: *itl, Jitter: *jitter, Tokens: *tokens, TokensPerWrite: *together,
			ErrorRate: *errorRate, MaxRunning: *running, Seed: int64(*seed), Cold: *cold, PrefixCache: *cache,
			DieAfter: *die, HangAfter: *hang, SlowAfter: *slow, StartDelay: *delay, FailHealth: *sick,
			Store: *store, OnCPU: *cpu, Log: call.stderr, LogRequests: *requests, Chatter: int64(*chatter), ClockOffset: *offset,
		})
	}
}

// serveDummy adds to the truth file where there is one: servers of several deployments may share it.
func serveDummy(ctx context.Context, call *call, listen, truth string, c mock.Config) (err error) {
	p := new(problems)
	p.note(!(c.Jitter >= 0 && c.Jitter <= 1), "--jitter %v: want 0 to 1", c.Jitter)
	p.note(!(c.ErrorRate >= 0 && c.ErrorRate <= 1), "--error-rate %v: want 0 to 1", c.ErrorRate)
	p.note(c.Chatter < 0, "--chatter %d: want 0 or more", c.Chatter)
	p.note(c.Tokens < 0, "--tokens %d: want 0 or more", c.Tokens)
	p.note(c.TokensPerWrite < 1, "--tokens-per-write %d: want 1 or more", c.TokensPerWrite)
	p.note(c.MaxRunning < 0, "--max-running %d: want 0 or more", c.MaxRunning)
	if err := p.err(); err != nil {
		return err
	}
	if truth != "" {
		f, err := os.OpenFile(truth, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		c.Truth = f
	}
	ln, err := bind(listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(call.stderr, "dummy: serving on http://%s\n", ln.Addr())
	return mock.Serve(ctx, ln, c)
}
