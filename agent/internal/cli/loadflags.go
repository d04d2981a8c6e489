package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// loadOptions is the command line of agent load.
type loadOptions struct {
	urls, headers               []string
	insecure, json, noStream    *bool
	out                         string
	file                        *string
	model, dialect, routing     *string
	concurrency, requests, seed *int
	arrivals                    lawOptions
	duration, warmup, timeout   *time.Duration
	rampUp, cooldown, think     *time.Duration
	cancel                      *float64
	prompt                      *string
	input, tokens               *int
	slo                         map[string]float64
}

// setUp is the time before the first request is due, in which names are looked up and threads begin.
const setUp = 200 * time.Millisecond

// fastest is the highest rate of an open loop: a request each ns, the unit of due times.
const fastest = 1e9

// standard is the length of the window when nothing says how long it is.
const standard = 10 * time.Second

func declareLoad(f *flags) *loadOptions {
	o := &loadOptions{slo: map[string]float64{}}
	f.heading("Server:")
	f.each("url", "URL", "base URL, such as http://127.0.0.1:8000, https://… or unix:/path; several take turns", o.endpoint)
	o.model = f.text("model", "NAME", "", "name the server knows the model by")
	o.dialect = f.text("dialect", "NAME", "openai-chat", strings.Join(wire.Dialects(), ", "))
	f.each("header", "'NAME: VALUE'", "sent with each request; may be given several times", o.header)
	o.insecure = f.is("insecure", "https: take any certificate")
	f.heading("Load:")
	o.concurrency = f.number("concurrency", "N", 1, "requests in flight: a closed loop; of an open one the most in flight")
	o.duration = f.time("duration", 0, fmt.Sprintf("length of the window that is measured (default %v, without --requests)", standard))
	o.requests = f.number("requests", "N", 0, "measured requests after which the window ends")
	o.warmup = f.time("warmup", 0, "load that is sent before the window, and not counted")
	o.cooldown = f.time("cooldown", 0, "load that is sent after the window, and not counted")
	o.rampUp = f.time("ramp-up", 0, "of a closed loop: its slots begin evenly spread over so long")
	o.think = f.time("think-time", 0, "of a closed loop: from an answer's end to the next request")
	o.timeout = f.time("timeout", 2*time.Minute, "of one request, from sent to done")
	o.cancel = f.real("cancel-share", "P", 0, "share of the requests that is given up at the first token, and no failure")
	o.routing = f.text("routing", "NAME", "round-robin", "which URL a request goes to: "+strings.Join(routings, ", "))
	o.seed = f.number("seed", "N", 0, "what arrivals and prompts follow from (default drawn at random, and told)")
	o.arrivals.declare(f)
	f.heading("Requests:")
	o.prompt = f.text("prompt", "TEXT", "", "one prompt, repeated; a server may answer it from its prefix cache")
	o.input = f.number("input-tokens", "N", 128, "length of made-up prompts, none of which comes twice")
	o.tokens = f.number("max-tokens", "N", 128, "of an answer; exactly so many to made-up prompts, where the server can")
	o.noStream = f.is("no-stream", "ask for answers in one piece")
	f.each("slo", "LIST", "bounds that a good request keeps, such as ttft=500ms,tpot=50ms (ttft, tpot, itl, e2el)", o.bounds)
	o.file = f.text("workload", "FILE", "", "a trial of a bundle (trials/0001.json) instead of the flags from --model on")
	f.heading("Results:")
	f.each("out", "DIR", "where records.jsonl and summary.json go; otherwise nothing is written", func(text string) error {
		o.out = text
		return nil
	})
	o.json = f.is("json", "print the summary as JSON")
	f.need("url")
	return o
}

// endpoint reads the base URL of a server.
func (o *loadOptions) endpoint(text string) error {
	_, err := wire.Endpoint(text)
	o.urls = append(o.urls, strings.TrimSuffix(text, "/"))
	return err
}

// wellFormed is a header's line: a name of RFC 9110's tokens, and a value without control characters.
var wellFormed = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+:[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$")

// header reads a header to send.
func (o *loadOptions) header(text string) error {
	if !wellFormed.MatchString(text) {
		return errors.New("want NAME: VALUE on one line")
	}
	o.headers = append(o.headers, text)
	return nil
}

// bounds reads an SLO.
func (o *loadOptions) bounds(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(word, "=")
		if !slices.Contains([]string{"ttft", "tpot", "itl", "e2el"}, name) {
			return fmt.Errorf("%q: want ttft, tpot, itl or e2el", name)
		}
		var bound span
		if err := bound.Set(value); err != nil {
			return err
		}
		o.slo[name] = time.Duration(bound).Seconds()
	}
	return nil
}

// assignment is the whole load as one node's share.
func (o *loadOptions) assignment(f *flags) (workload.Assignment, error) {
	t, err := o.trial(f)
	return workload.Assignment{
		Schema: workload.Schema, Trial: t, Node: thisNode(), Parts: 1, Endpoints: o.urls, StartInS: setUp.Seconds(),
	}, err
}

// trial is what --workload names, or what the flags say.
func (o *loadOptions) trial(f *flags) (workload.Trial, error) {
	if *o.file == "" {
		w, err := o.workload(f)
		return workload.Trial{
			Schema: workload.Schema, ID: "load", Name: "load", Scenario: "agent load", Point: map[string]any{}, Repetition: 1, Workload: w,
		}, err
	}
	for _, name := range []string{
		"model", "dialect", "concurrency", "rate", "arrival", "burstiness", "burst", "ramp", "steps", "trace", "duration", "requests",
		"warmup", "cooldown", "ramp-up", "think-time", "timeout", "cancel-share", "routing", "seed", "prompt", "input-tokens",
		"max-tokens", "no-stream", "slo",
	} {
		if f.given(name) {
			return workload.Trial{}, usage("--%s and --workload exclude each other: the file says it all", name)
		}
	}
	return readTrial(*o.file)
}

// workload is what the flags say.
func (o *loadOptions) workload(f *flags) (workload.Workload, error) {
	if err := o.conflicts(f); err != nil {
		return workload.Workload{}, err
	}
	seed := int64(*o.seed)
	if !f.given("seed") {
		seed = drawn()
	}
	w := workload.Workload{
		Dialect: *o.dialect, Model: *o.model, Stream: !*o.noStream,
		Concurrency: *o.concurrency, ThinkTimeS: o.think.Seconds(), RampUpS: o.rampUp.Seconds(),
		WarmupS: o.warmup.Seconds(), DurationS: o.duration.Seconds(), Requests: *o.requests, CooldownS: o.cooldown.Seconds(),
		CancelShare: *o.cancel, Routing: *o.routing,
		DrainS: o.timeout.Seconds(), TimeoutS: o.timeout.Seconds(),
		Prompt: *o.prompt, InputTokens: *o.input, MaxTokens: *o.tokens, IgnoreEOS: *o.prompt == "",
		Seed: seed, PromptSeed: promptSeed(seed), SLO: maps.Clone(o.slo),
	}
	if w.Prompt != "" {
		w.InputTokens = 0
	}
	if err := o.arrivals.fill(&w); err != nil {
		return w, err
	}
	if w.Open() && !f.given("concurrency") {
		w.Concurrency = 0
	}
	if w.DurationS == 0 && (w.Requests == 0 && w.Trace == "" || w.Ramp != nil) {
		w.DurationS = standard.Seconds()
	}
	return w, nil
}

// conflicts says what is wrong with the flags, or between them.
func (o *loadOptions) conflicts(f *flags) error {
	_, err := wire.Lookup(*o.dialect)
	switch {
	case *o.model == "":
		return usage("--model is missing; agent load -h shows how it is used")
	case err != nil:
		return usage("--dialect: %w", err)
	case (f.given("ramp-up") || f.given("think-time")) && o.arrivals.open():
		return usage("--ramp-up and --think-time are of a closed loop: --rate and its like exclude them")
	case !(*o.cancel >= 0 && *o.cancel <= 1):
		return usage("--cancel-share %v: want 0 to 1", *o.cancel)
	case *o.cancel > 0 && *o.noStream:
		return usage("--cancel-share and --no-stream exclude each other: there is no first token to give up at")
	case !slices.Contains(routings, *o.routing):
		return usage("--routing: unknown %q%s (known: %s)", *o.routing, guess(*o.routing, routings), strings.Join(routings, ", "))
	case *o.arrivals.trace != "" && (f.given("input-tokens") || f.given("max-tokens") || f.given("prompt")):
		return usage("--trace has the lengths of prompts and answers: --input-tokens, --max-tokens and --prompt have no place beside it")
	case *o.concurrency < 1:
		return usage("--concurrency %d: want 1 or more", *o.concurrency)
	case *o.requests < 0, f.given("requests") && *o.requests == 0:
		return usage("--requests %d: want 1 or more", *o.requests)
	case *o.tokens < 1:
		return usage("--max-tokens %d: want 1 or more", *o.tokens)
	case *o.timeout == 0:
		return usage("--timeout 0: want more")
	case f.given("prompt") && f.given("input-tokens"):
		return usage("--prompt and --input-tokens exclude each other")
	case f.given("prompt") && *o.prompt == "":
		return usage("--prompt is empty")
	case *o.input < 1:
		return usage("--input-tokens %d: want 1 or more", *o.input)
	}
	return o.arrivals.conflicts(f)
}

// routings are the names of --routing. One client node has no use for static.
var routings = []string{"round-robin", "random", "all-to-all"}

// drawn is a seed that nobody chose, short enough to type.
func drawn() int64 {
	n, err := rand.Int(rand.Reader, big.NewInt(1e6))
	if err != nil {
		panic(err) // the system has no randomness: crypto/rand itself ends the program then
	}
	return n.Int64()
}

// promptSeed makes prompts follow from the seed, and differ between seeds.
func promptSeed(seed int64) uint64 {
	digest := sha256.Sum256(fmt.Appendf(nil, "agent load %d", seed))
	return binary.LittleEndian.Uint64(digest[:])
}
