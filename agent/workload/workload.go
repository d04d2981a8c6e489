// Package workload is the JSON contract of a trial: what gen writes into trials/ and what agent is told to do.
//
// It holds values only, imports the standard library alone, and is the one package that gen shares with agent.
// Durations are seconds, rates are per second, counts are whole numbers.
package workload

// Schema is the number of this contract. A change of a field's meaning raises it.
const Schema = 1

// Trial is one point of a sweep in one repetition: the unit that is measured and named. It is the whole content of
// trials/<ID>.json.
type Trial struct {
	Schema     int            `json:"schema"`
	ID         string         `json:"trial"`      // "0001": file name in trials/ and directory name in results/<jobid>/
	Name       string         `json:"name"`       // a name one can say aloud, such as "c8-r1"
	Scenario   string         `json:"scenario"`   // the recipe's scenario as written
	Deployment string         `json:"deployment"` // "d1": the server it runs on
	Point      map[string]any `json:"point"`      // the swept values by recipe path, such as "workload.concurrency": 8
	Repetition int            `json:"repetition"` // from 1
	Service    string         `json:"service"`
	Workload   Workload       `json:"workload"`
}

// Workload says which requests to send, when, and for how long. All client nodes together send it: rates and
// concurrency are totals over them.
type Workload struct {
	Dialect string `json:"dialect"` // openai-chat, openai-completions, ollama-generate, ollama-chat
	Model   string `json:"model"`   // the name the server knows the model by
	Stream  bool   `json:"stream"`

	Concurrency int     `json:"concurrency,omitempty"`  // requests in flight; with Rate: a cap on them; 0 with Rate: no cap
	Rate        float64 `json:"rate,omitempty"`         // requests due per second: an open loop; 0: a closed loop
	Arrival     string  `json:"arrival,omitempty"`      // law of an open loop: constant, poisson
	ThinkTimeS  float64 `json:"think_time_s,omitempty"` // of a closed loop: from an answer's end to the next request

	WarmupS   float64 `json:"warmup_s"`           // sent and not counted
	DurationS float64 `json:"duration_s"`         // length of the window that is measured
	Requests  int     `json:"requests,omitempty"` // measured requests after which the window ends early; 0: no such end
	DrainS    float64 `json:"drain_s"`            // how long requests still in flight may take after the window
	TimeoutS  float64 `json:"timeout_s"`          // of one request, from sent to done

	InputTokens int     `json:"input_tokens,omitempty"` // length of a synthetic prompt
	Prompt      string  `json:"prompt,omitempty"`       // one fixed prompt, repeated on purpose; excludes InputTokens
	MaxTokens   int     `json:"max_tokens"`             // asked of the server, exactly (IgnoreEOS) or at most
	IgnoreEOS   bool    `json:"ignore_eos,omitempty"`   // ask for exactly MaxTokens where the dialect can
	Temperature float64 `json:"temperature"`
	Batch       int     `json:"batch,omitempty"` // prompts of a group sent at one instant; 0 and 1: none

	Seed       int64  `json:"seed"`        // of arrivals
	PromptSeed uint64 `json:"prompt_seed"` // of prompts: hash(seed, the point's workload values, repetition)

	SLO map[string]float64 `json:"slo,omitempty"` // seconds by metric: ttft, tpot, itl, e2el
}

// Assignment is one client node's share of a trial: the body of POST /start.
type Assignment struct {
	Schema    int      `json:"schema"`
	Trial     Trial    `json:"trial"`
	Node      string   `json:"node"`       // this client node's name
	Part      int      `json:"part"`       // its index among the client nodes, from 0
	Parts     int      `json:"parts"`      // how many client nodes there are
	Endpoints []string `json:"endpoints"`  // base URLs, such as http://10.0.0.1:20100
	StartInS  float64  `json:"start_in_s"` // time zero of the schedule, counted from the arrival of this request

	ClockOffsetS float64 `json:"clock_offset_s,omitempty"` // this node's wall clock minus that of the job's first node
}

// Owner tells which part issues the request, or owns the closed-loop slot, with index i (from 0), and which endpoint it
// goes to. Slot i belongs to part i mod parts (DESIGN §2); within a part the endpoints take turns, so that every pair
// of part and endpoint gets the same share.
func Owner(i, parts, endpoints int) (part, endpoint int) {
	return i % parts, i / parts % endpoints
}
