// Package workload is the JSON contract of a trial: what gen writes into trials/ and what agent is told to do.
//
// It holds values only, imports the standard library alone, and is the one package that gen shares with agent.
// Durations are seconds, rates are per second, counts are whole numbers.
package workload

import "path"

// Schema is the number of this contract. A change of a field's meaning raises it.
const Schema = 1

// Trial is one point of a sweep in one repetition: the unit that is measured and named. It is the whole content of
// trials/<ID>.json.
type Trial struct {
	Schema     int            `json:"schema"`
	ID         string         `json:"trial"`             // "0001": file name in trials/ and directory name in results/<jobid>/
	Name       string         `json:"name"`              // a name one can say aloud, such as "c8-r1"
	Scenario   string         `json:"scenario"`          // the recipe's scenario as written
	Deployment string         `json:"deployment"`        // "d1": the server it runs on
	Point      map[string]any `json:"point"`             // the swept values by recipe path, such as "workload.concurrency": 8
	Repetition int            `json:"repetition"`        // from 1, on one start of the server
	Restart    int            `json:"restart,omitempty"` // which start of the server, from 1; 0: the recipe asks for one only
	Service    string         `json:"service"`
	Server     Server         `json:"server,omitzero"` // zero: nobody said
	Reset      *Reset         `json:"reset,omitempty"` // asked of each endpoint before the load; nil: the service has no way that is safe
	Workload   Workload       `json:"workload"`
}

// Server is what a trial's servers run on. It is in the trial, and so in the ledger's key, for a result on other nodes, or of
// another address, is another result.
type Server struct {
	Nodes     int      `json:"nodes,omitempty"`
	Replicas  int      `json:"replicas,omitempty"` // servers on each node; 0: one
	Launcher  string   `json:"launcher"`           // single, spmd, ray, mp, tasks; none: they run already
	GPUs      int      `json:"gpus,omitempty"`     // of each node, and so CPUs and GB of memory; 0: not asked for
	CPUs      int      `json:"cpus,omitempty"`
	MemGB     int      `json:"mem_gb,omitempty"`
	Endpoints []string `json:"endpoints,omitempty"` // base URLs of servers that run already
}

// Reset is a request that makes a server forget what it learnt from the load before, such as a cache of prompts. Its answer is
// 200 to 299.
type Reset struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

// Workload says which requests to send, when, and for how long. All client nodes together send it: rates and
// concurrency are totals over them.
type Workload struct {
	Dialect string `json:"dialect"` // a dialect of agent/internal/wire, such as openai-chat
	Model   string `json:"model"`   // the name the server knows the model by
	Stream  bool   `json:"stream"`

	Concurrency int     `json:"concurrency,omitempty"` // requests in flight; with Rate: a cap on them; 0 with Rate: no cap
	Rate        float64 `json:"rate,omitempty"`        // requests due per second: an open loop; 0: a closed loop
	Arrival     string  `json:"arrival,omitempty"`     // law of an open loop: constant, poisson, gamma, burst, ramp, step, sine, replay
	Burstiness  float64 `json:"burstiness,omitempty"`  // of gamma: its shape; 1 is poisson, less comes in clumps
	Burst       *Burst  `json:"burst,omitempty"`
	Ramp        *Ramp   `json:"ramp,omitempty"`
	Steps       []Step  `json:"steps,omitempty"`
	Sine        *Sine   `json:"sine,omitempty"`
	Trace       string  `json:"trace,omitempty"`        // of replay: the file (see File); with Rate its times are stretched to that mean
	ThinkTimeS  float64 `json:"think_time_s,omitempty"` // of a closed loop: from an answer's end to the next request
	ThinkLaw    string  `json:"think_law,omitempty"`    // fixed (also ""), or exponential with the mean ThinkTimeS
	RampUpS     float64 `json:"ramp_up_s,omitempty"`    // of a closed loop: its slots begin evenly spread over so long, in the warm-up

	WarmupS        float64 `json:"warmup_s"`                  // sent and not counted
	WarmupRequests int     `json:"warmup_requests,omitempty"` // of a closed loop: the warm-up ends early when so many are done; 0: no such end
	DurationS      float64 `json:"duration_s"`                // length of the window that is measured
	Requests       int     `json:"requests,omitempty"`        // measured requests after which the window ends early; 0: no such end
	MinDurationS   float64 `json:"min_duration_s,omitempty"`  // Requests end no window that is shorter
	CooldownS      float64 `json:"cooldown_s,omitempty"`      // the load goes on after the window, sent and not counted
	DrainS         float64 `json:"drain_s"`                   // how long requests still in flight may take after all that
	TimeoutS       float64 `json:"timeout_s"`                 // of one request, from sent to done

	InputTokens int     `json:"input_tokens,omitempty"` // length of a synthetic prompt; with InputLaw: its mean
	InputLaw    *Length `json:"input_law,omitempty"`
	Prompt      string  `json:"prompt,omitempty"`       // one fixed prompt, repeated on purpose; excludes InputTokens
	Dataset     string  `json:"dataset,omitempty"`      // prompts from a file (see File) instead of made-up ones
	DatasetFrom int64   `json:"dataset_from,omitempty"` // of a search's probe: so many prompts of it were used by the probes before
	Tokenizer   string  `json:"tokenizer,omitempty"`    // the model's own (see File), GGUF or tokenizer.json: made-up prompts have exactly their length in its tokens
	TokenIDs    *IDs    `json:"token_ids,omitempty"`    // of openai-completions: made-up prompts are lists of token ids, and so exactly as long
	Prefix      *Prefix `json:"prefix,omitempty"`
	Turns       int     `json:"turns,omitempty"` // requests of one conversation, each with all before it; 0 and 1: none
	MaxTokens   int     `json:"max_tokens"`      // asked of the server, exactly (IgnoreEOS) or at most; with OutputLaw: its mean
	OutputLaw   *Length `json:"output_law,omitempty"`
	IgnoreEOS   bool    `json:"ignore_eos,omitempty"` // ask for exactly MaxTokens where the dialect can
	Temperature float64 `json:"temperature"`
	Batch       int     `json:"batch,omitempty"`        // prompts of a group sent at one instant; 0 and 1: none
	CancelShare float64 `json:"cancel_share,omitempty"` // of requests, by hash of seed and index, that the client gives up at its first token

	Routing string  `json:"routing,omitempty"` // which endpoint a request goes to: round-robin (also ""), random, all-to-all, static
	Routes  [][]int `json:"routes,omitempty"`  // of static: by client node, the indices of its endpoints, which take turns

	ConnRequests int  `json:"conn_requests,omitempty"` // requests that a connection carries before the client closes it; 0: no end, 1: a new one for each
	KernelStamps bool `json:"kernel_stamps,omitempty"` // take the kernel's time of a packet as that of its tokens (SO_TIMESTAMPING), not the time of the read

	ExtraBody  map[string]any    `json:"extra_body,omitempty"`   // further fields of each request's body
	Headers    map[string]string `json:"headers,omitempty"`      // further headers of each request
	APIKeyFile string            `json:"api_key_file,omitempty"` // on the client node: its first line goes out as Authorization: Bearer

	Seed       int64  `json:"seed"`        // of arrivals
	PromptSeed uint64 `json:"prompt_seed"` // of prompts: hash(seed, the point's workload values, repetition)

	SLO    map[string]float64 `json:"slo,omitempty"` // seconds by metric: ttft, tpot, itl, e2el
	Search *Search            `json:"search,omitempty"`
}

// Burst is the law burst: its requests come Size at one instant (0 and 1: one by one), evenly, during OnS of each OnS + OffS
// (OffS 0: always). Their mean rate over a whole cycle is the workload's Rate.
type Burst struct {
	OnS  float64 `json:"on_s,omitempty"`
	OffS float64 `json:"off_s,omitempty"`
	Size int     `json:"size,omitempty"`
}

// Ramp is the law ramp: From requests/s in the warm-up, a straight line to To over the window, To afterwards. The
// workload's Rate is their mean.
type Ramp struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Step is one of the law step: the window goes through them in order, the warm-up has the first's rate, and what comes after
// the last has its. The workload's Rate is their mean over time.
type Step struct {
	Rate      float64 `json:"rate"` // requests/s
	DurationS float64 `json:"duration_s"`
}

// Sine is the law sine: a rate that swings around the workload's Rate as Rate·(1 + Swing·sin(2πt/PeriodS)), t from the
// window's begin; in the warm-up it is Rate.
type Sine struct {
	PeriodS float64 `json:"period_s"`
	Swing   float64 `json:"swing"` // share of Rate, 0 to 1
}

// IDs are the token ids that prompts are drawn from, both ends included.
type IDs struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// Search makes a trial the search for the highest rate that holds the SLO: its load is sent several times, each time at
// another Rate and with its whole warm-up and window, and the trial's numbers are those of the highest that held.
type Search struct {
	Low        float64 `json:"low"`            // requests/s, the first that is tried
	High       float64 `json:"high,omitempty"` // the highest that is; 0: no bound, it doubles until one fails
	Precision  float64 `json:"precision"`      // the search ends when a rate that fails is at most this share above one that holds
	Attain     float64 `json:"attain"`         // share of the requests due that must keep every bound, failed ones included
	Confidence float64 `json:"confidence"`     // of the statement that a rate holds, or fails; one-sided
	Probes     int     `json:"probes"`         // it ends after so many at the latest
}

// Length is a distribution of numbers of tokens; each draw is a hash of seed and index, rounded, and at least 1.
// uniform: A to B, both included. normal and lognormal: mean A and standard deviation B of the tokens themselves.
type Length struct {
	Law string  `json:"law"`
	A   float64 `json:"a"`
	B   float64 `json:"b"`
}

// Mean is the mean of the distribution, before rounding and the floor of 1.
func (l Length) Mean() float64 {
	if l.Law == "uniform" {
		return (l.A + l.B) / 2
	}
	return l.A
}

// Prefix makes prompts alike at their beginning: Share of them, by hash of seed and index, begin with the same Tokens tokens.
type Prefix struct {
	Share  float64 `json:"share"`
	Tokens int     `json:"tokens"`
}

// Open tells whether this is an open loop: requests fall due whether or not earlier ones are done.
func (w Workload) Open() bool { return w.Rate > 0 || w.Arrival == "replay" }

// File is where a Trace or a Dataset lies: an absolute path is on the client nodes, another below the bundle.
func File(bundle, name string) string {
	if name == "" || path.IsAbs(name) {
		return name
	}
	return path.Join(bundle, name)
}

// Assignment is one client node's share of a trial: the body of POST /start.
type Assignment struct {
	Schema    int      `json:"schema"`
	Trial     Trial    `json:"trial"`
	Node      string   `json:"node"`            // this client node's name
	Part      int      `json:"part"`            // its index among the client nodes, from 0
	Parts     int      `json:"parts"`           // how many client nodes there are
	Endpoints []string `json:"endpoints"`       // base URLs, such as http://10.0.0.1:20100
	Probe     int      `json:"probe,omitempty"` // of a trial that searches: which of its probes this is, from 1; 0: the trial is none
	StartInS  float64  `json:"start_in_s"`      // time zero of the schedule, counted from the arrival of this request

	ClockOffsetS float64 `json:"clock_offset_s,omitempty"` // this node's wall clock minus that of the job's first node
}

// Owner tells which part issues the request, or owns the closed-loop slot, with index i (from 0), and which endpoint it
// goes to. Slot i belongs to part i mod parts (DESIGN §2); within a part the endpoints take turns, so that every pair
// of part and endpoint gets the same share.
func Owner(i, parts, endpoints int) (part, endpoint int) {
	return i % parts, i / parts % endpoints
}
