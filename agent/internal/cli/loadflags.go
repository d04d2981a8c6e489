package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math/big"
	"path/filepath"
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
	find                        findOptions
	duration, warmup, timeout   *time.Duration
	rampUp, cooldown, least     *time.Duration
	think                       thinking
	warming, connRequests       *int
	cancel                      *float64
	prompt, dataset, tokenizer  *string
	keyFile, keyEnv             *string
	kernel                      *bool
	ids                         *workload.IDs
	input, tokens               lengths
	prefix                      *workload.Prefix
	extra                       map[string]any
	batch, turns                *int
	slo                         map[string]float64
}

// setUp is the time before the first request is due, in which threads begin and a closed loop's connections are opened: of
// the latter a tenth of a millisecond for each, which is more than a client takes and about what a server does.
func setUp(w workload.Workload) time.Duration {
	least := 20 * time.Millisecond
	if w.Open() {
		return least
	}
	return min(2*time.Second, least+time.Duration(w.Concurrency)*100*time.Microsecond)
}

// fastest is the highest rate of an open loop in requests/s, several times what a machine sends: all that fall behind have a
// record each.
const fastest = 1e6

// standard is the length of the window when nothing says how long it is.
const standard = 10 * time.Second

func declareLoad(f *flags) *loadOptions {
	o := &loadOptions{slo: map[string]float64{}}
	f.heading("Server:")
	f.each("url", "URL", "base URL, such as http://127.0.0.1:8000, https://… or unix:/path; several take turns", o.endpoint)
	o.model = f.text("model", "NAME", "", "name the server knows the model by")
	o.dialect = f.text("dialect", "NAME", "openai-chat", listed(wire.Dialects()))
	f.each("header", "'NAME: VALUE'", "sent with each request; may be given several times", o.header)
	o.keyFile = f.text("api-key-file", "FILE", "", "a file whose first line goes out as Authorization: Bearer")
	o.keyEnv = f.text("api-key-env", "NAME", "", "the same from an environment variable, such as OPENAI_API_KEY")
	o.connRequests = f.number("conn-requests", "N", 0, "requests a connection carries before it is closed; 1: a new one for each (default no end)")
	o.kernel = f.is("kernel-stamps", "take the kernel's time of a packet as that of its tokens, not the time of the read")
	o.insecure = f.is("insecure", "https: take any certificate")
	f.heading("Load:")
	o.concurrency = f.number("concurrency", "N", 1, "requests in flight: a closed loop; of an open one the most in flight")
	o.duration = f.time("duration", 0, fmt.Sprintf("length of the window that is measured (default %v, without --requests)", standard))
	o.requests = f.number("requests", "N", 0, "measured requests after which the window ends")
	o.warmup = f.time("warmup", 0, "load that is sent before the window, and not counted")
	o.warming = f.number("warmup-requests", "N", 0, "of a closed loop: the warm-up ends early when so many requests are done")
	o.least = f.time("min-duration", 0, "--requests end no window that is shorter")
	o.cooldown = f.time("cooldown", 0, "load that is sent after the window, and not counted")
	o.rampUp = f.time("ramp-up", 0, "of a closed loop: its slots begin evenly spread over so long")
	f.value("think-time", "TIME|LAW", &o.think, "of a closed loop: from an answer's end to the next request; a time, or exponential:MEAN")
	o.timeout = f.time("timeout", 2*time.Minute, "of one request, from sent to done")
	o.cancel = f.real("cancel-share", "P", 0, "share of the requests that is given up at the first token, and no failure")
	o.routing = f.text("routing", "NAME", "round-robin", "which URL a request goes to: "+strings.Join(routings, ", "))
	o.seed = f.number("seed", "N", 0, "what arrivals and prompts follow from (default drawn at random, and told)")
	o.arrivals.declare(f)
	o.find.declare(f)
	f.heading("Requests:")
	o.prompt = f.text("prompt", "TEXT", "", "one prompt, repeated; a server may answer it from its prefix cache")
	o.dataset = f.text("dataset", "FILE", "", "prompts from a file: JSON lines with a prompt, HellaSwag's with ctx, or ShareGPT's array")
	o.input, o.tokens = lengths{mean: 128}, lengths{mean: 128}
	f.value("input-tokens", "N|LAW", &o.input, "length of made-up prompts, none of which comes twice: N, or\nuniform:MIN,MAX, normal:MEAN,SD or lognormal:MEAN,SD")
	o.tokenizer = f.text("tokenizer", "FILE", "", "the model's own, GGUF or tokenizer.json: made-up prompts have exactly their length in its tokens,\nanswers to ShareGPT's prompts that of the recorded ones")
	f.each("token-ids", "FIRST-LAST", "made-up prompts are lists of token ids out of these, such as 1000-30000\n(openai-completions, llamacpp-completion)", o.tokenIDs)
	f.value("max-tokens", "N|LAW", &o.tokens, "of an answer; exactly so many to made-up prompts, where the server can")
	f.each("prefix", "LIST", "share of made-up prompts that begin with the same tokens, such as share=0.5,tokens=256", o.beginning)
	o.turns = f.number("turns", "N", 1, "requests of one conversation, each with all that was said before")
	o.batch = f.number("batch", "N", 1, "prompts sent at one instant, one group after another unless --concurrency is several times N;\nopenai-completions: in one request")
	f.each("extra-body", "JSON", "further fields of each request's body, such as '{\"top_k\": 20}'; null takes a field away", o.extraBody)
	o.noStream = f.is("no-stream", "ask for answers in one piece")
	f.each("slo", "LIST", "bounds that a good request keeps, such as ttft=500ms,tpot=50ms (ttft, tpot, itl, e2el)", o.bounds)
	o.file = f.text("workload", "FILE", "", "a trial of a bundle (trials/0001.json) instead of flags that say what to send")
	f.heading("Results:")
	f.each("out", "DIR", "where records.jsonl, part.json, series.csv and summary.json go; otherwise nothing is written", func(text string) error {
		o.out = text
		return nil
	})
	o.json = f.is("json", "print the summary as JSON")
	f.need("url")
	return o
}

// listed are names on lines of a few.
func listed(names []string) string {
	var lines []string
	for some := range slices.Chunk(names, 4) {
		lines = append(lines, strings.Join(some, ", "))
	}
	return strings.Join(lines, ",\n")
}

// endpoint reads the base URL of a server.
func (o *loadOptions) endpoint(text string) error {
	_, err := wire.Endpoint(text)
	o.urls = append(o.urls, strings.TrimSuffix(text, "/"))
	return err
}

// header reads a header to send.
func (o *loadOptions) header(text string) error {
	o.headers = append(o.headers, text)
	return wire.CheckHeader(text)
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
		if bound == 0 {
			return fmt.Errorf("%s: no request takes no time: want a bound above 0", name)
		}
		o.slo[name] = time.Duration(bound).Seconds()
	}
	return nil
}

// assignment is the whole load as one node's share.
func (o *loadOptions) assignment(f *flags) (workload.Assignment, error) {
	t, err := o.trial(f)
	return workload.Assignment{
		Schema: workload.Schema, Trial: t, Node: thisNode(), Parts: 1, Endpoints: o.urls, StartInS: setUp(t.Workload).Seconds(),
	}, err
}

// besideWorkload are the flags that say nothing of what a workload says.
var besideWorkload = []string{"workload", "url", "header", "api-key-env", "insecure", "out", "json"}

// trial is what --workload names, or what the flags say.
func (o *loadOptions) trial(f *flags) (workload.Trial, error) {
	if *o.file == "" {
		w, err := o.workload(f)
		return workload.Trial{
			Schema: workload.Schema, ID: "load", Name: "load", Scenario: "agent load", Point: map[string]any{}, Repetition: 1, Workload: w,
		}, err
	}
	p := new(problems)
	f.set.Visit(func(g *flag.Flag) {
		p.note(!slices.Contains(besideWorkload, g.Name), "--%s and --workload exclude each other: the file says it all", g.Name)
	})
	if err := p.err(); err != nil {
		return workload.Trial{}, err
	}
	return readTrial(*o.file)
}

// workload is what the flags say.
func (o *loadOptions) workload(f *flags) (workload.Workload, error) {
	if *o.find.on && !f.given("rate") {
		*o.arrivals.rate = standardRate
	}
	if err := o.conflicts(f); err != nil {
		return workload.Workload{}, err
	}
	seed := int64(*o.seed)
	if !f.given("seed") {
		seed = drawn()
	}
	w := workload.Workload{
		Dialect: *o.dialect, Model: *o.model, Stream: !*o.noStream,
		Concurrency: *o.concurrency, ThinkTimeS: o.think.mean.Seconds(), ThinkLaw: o.think.law, RampUpS: o.rampUp.Seconds(),
		WarmupS: o.warmup.Seconds(), WarmupRequests: *o.warming, MinDurationS: o.least.Seconds(), DurationS: o.duration.Seconds(), Requests: *o.requests, CooldownS: o.cooldown.Seconds(),
		CancelShare: *o.cancel, Routing: *o.routing,
		DrainS: o.timeout.Seconds(), TimeoutS: o.timeout.Seconds(),
		Prompt: *o.prompt, InputTokens: o.input.mean, InputLaw: o.input.law, MaxTokens: o.tokens.mean, OutputLaw: o.tokens.law,
		IgnoreEOS: *o.prompt == "" && *o.dataset == "", Prefix: o.prefix, Turns: several(*o.turns), Batch: several(*o.batch),
		ConnRequests: *o.connRequests, KernelStamps: *o.kernel, TokenIDs: o.ids,
		ExtraBody: o.extra, APIKeyFile: *o.keyFile,
		Seed: seed, PromptSeed: promptSeed(seed), SLO: maps.Clone(o.slo),
	}
	if w.Prompt != "" || *o.dataset != "" {
		w.InputTokens = 0
	}
	var err error
	if w.Dataset, err = absolute(*o.dataset); err != nil {
		return w, err
	}
	if w.Tokenizer, err = absolute(*o.tokenizer); err != nil {
		return w, err
	}
	if err := o.arrivals.fill(&w); err != nil {
		return w, err
	}
	o.find.fill(&w)
	if w.Open() && !f.given("concurrency") {
		w.Concurrency = 0
	} else if !f.given("concurrency") {
		w.Concurrency = max(1, w.Batch) // a group at a time
	}
	if w.Search == nil && w.DurationS == 0 && (w.Requests == 0 && w.Trace == "" || w.Ramp != nil) {
		w.DurationS = standard.Seconds()
	}
	return w, nil
}

// absolute is the whole path of a file; "" stays so.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

// conflicts says all that is wrong with the flags, or between them.
func (o *loadOptions) conflicts(f *flags) error {
	p := new(problems)
	_, err := wire.Lookup(*o.dialect)
	p.note(*o.model == "",
		"--model is missing; agent load -h shows how it is used")
	p.note(err != nil, "--dialect: unknown %q%s (known: %s)", *o.dialect, guess(*o.dialect, wire.Dialects()), strings.Join(wire.Dialects(), ", "))
	p.note(f.given("api-key-file") && f.given("api-key-env"),
		"--api-key-file and --api-key-env exclude each other")
	p.note(*o.connRequests < 0 || f.given("conn-requests") && *o.connRequests == 0,
		"--conn-requests %d: want 1 or more", *o.connRequests)
	o.timeConflicts(f, p)
	o.requestConflicts(f, p)
	o.arrivals.conflicts(f, p)
	o.searchConflicts(f, p)
	return p.err()
}

// timeConflicts are those between the flags that say when requests are sent.
func (o *loadOptions) timeConflicts(f *flags, p *problems) {
	p.note(f.given("ramp-up") && o.arrivals.open(),
		"--ramp-up is of a closed loop: --rate and its like exclude it (--ramp from=…,to=… is an open loop's)")
	p.note(f.given("think-time") && o.arrivals.open() && *o.turns <= 1,
		"--think-time is of a closed loop, or of the --turns of a conversation: --rate and its like exclude it otherwise")
	p.note(!(*o.cancel >= 0 && *o.cancel <= 1),
		"--cancel-share %v: want 0 to 1", *o.cancel)
	p.note(*o.cancel > 0 && *o.noStream,
		"--cancel-share and --no-stream exclude each other: there is no first token to give up at")
	p.note(!slices.Contains(routings, *o.routing),
		"--routing: unknown %q%s (known: %s)", *o.routing, guess(*o.routing, routings), strings.Join(routings, ", "))
	p.note(*o.arrivals.trace != "" && (f.given("input-tokens") || f.given("max-tokens") || f.given("prompt")),
		"--trace has the lengths of prompts and answers: --input-tokens, --max-tokens and --prompt have no place beside it")
	p.note(*o.concurrency < 1,
		"--concurrency %d: want 1 or more", *o.concurrency)
	p.note(f.given("duration") && *o.duration == 0,
		"--duration 0: want more, or leave it out where --requests end the window")
	p.note(*o.requests < 0 || f.given("requests") && *o.requests == 0,
		"--requests %d: want 1 or more", *o.requests)
	p.note(*o.warming < 0 || f.given("warmup-requests") && *o.warming == 0,
		"--warmup-requests %d: want 1 or more", *o.warming)
	p.note(*o.warming > 0 && o.arrivals.open(),
		"--warmup-requests is of a closed loop: an open one's warm-up has a length, --warmup")
	p.note(*o.warming > 0 && *o.warmup == 0,
		"--warmup-requests needs --warmup, which says how long they may take")
	p.note(*o.least > 0 && *o.requests == 0,
		"--min-duration bounds what --requests end: it needs --requests")
	p.note(*o.duration > 0 && *o.least > *o.duration,
		"--min-duration %v: want no more than --duration, which is %v", *o.least, *o.duration)
	p.note(*o.timeout == 0,
		"--timeout 0: want more")
}

// requestConflicts are those between the flags that say what requests say.
func (o *loadOptions) requestConflicts(f *flags, p *problems) {
	p.note(*o.batch < 1 || *o.turns < 1,
		"--batch %d and --turns %d: want 1 or more each", *o.batch, *o.turns)
	p.note(*o.batch > 1 && *o.turns > 1,
		"--batch and --turns exclude each other: the turns of a conversation follow each other")
	p.note(*o.batch > 1 && o.arrivals.open(),
		"--batch is of a closed loop: --rate and its like exclude it (--burst size=%d sends as many at one instant)", *o.batch)
	p.note(*o.batch > 1 && f.given("concurrency") && *o.concurrency%*o.batch != 0,
		"--concurrency %d: want a multiple of --batch, which is %d: a group is in flight as a whole", *o.concurrency, *o.batch)
	p.note(*o.turns > 1 && f.given("prompt"),
		"--turns and --prompt exclude each other: each turn says something of its own")
	p.note(f.given("token-ids") && (f.given("prompt") || f.given("dataset")),
		"--token-ids makes the prompts: it excludes --prompt and --dataset")
	p.note(f.given("tokenizer") && f.given("token-ids"),
		"--tokenizer and --token-ids exclude each other: each makes prompts of an exact length")
	d, err := wire.Lookup(*o.dialect)
	p.note(f.given("token-ids") && err == nil && !d.TakesIDs(),
		"--token-ids is of --dialect openai-completions and llamacpp-completion: %s takes text alone", *o.dialect)
	p.note(f.given("prompt") && f.given("input-tokens"),
		"--prompt and --input-tokens exclude each other")
	p.note(f.given("dataset") && (f.given("prompt") || f.given("input-tokens")),
		"--dataset gives the prompts: it excludes --prompt and --input-tokens")
	p.note(f.given("prefix") && (f.given("prompt") || f.given("dataset")),
		"--prefix is the beginning of made-up prompts: it excludes --prompt and --dataset")
	p.note(f.given("prompt") && *o.prompt == "",
		"--prompt is empty")
}

// several is n, and 0 for a single one.
func several(n int) int {
	if n > 1 {
		return n
	}
	return 0
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
