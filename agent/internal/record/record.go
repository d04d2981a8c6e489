// Package record is the line that is kept of every request, and the file of such lines.
package record

import "math"

// Schema is the number of the records' format. A change of a field's meaning raises it.
const Schema = 1

// Phase is the part of a trial a request was due in. Only requests of the measure phase are counted.
type Phase uint8

// The phases of a trial, in order. In the cool-down the load goes on as in the window; in the drain nothing is sent.
const (
	Warmup Phase = iota
	Measure
	Cooldown
	Drain
)

// Outcome is how a request ended (DESIGN §10).
type Outcome uint8

// The outcomes. Everything but OK is a failure, except what the client gave up because it was asked to (GivenUp).
const (
	OK          Outcome = iota
	HTTPStatus          // an answer with a status other than 200
	Refused             // no connection
	Timeout             // the request's time ran out
	Disconnect          // closed or reset before the body's end
	Truncated           // the body ended properly without finish_reason, [DONE] or done:true
	StreamError         // an error in a stream after 200
	Empty               // a finished answer without a token
	Invalid             // not HTTP, or not the dialect
	Cancelled           // stopped by the client on purpose
	NotSent             // was due and never sent
)

// TokenSource says where a record's output token count comes from.
type TokenSource uint8

// The sources of token counts.
const (
	NoTokens   TokenSource = iota // nothing is known
	Usage                         // the server's own count
	Events                        // counted content events
	Tokenizer                     // counted by a tokenizer here
	UsageSplit                    // an even part of the server's count for a group of prompts
)

// Unknown is the value of an instant that never came.
var Unknown = math.NaN()

// Record is one request. The six instants are seconds from the trial's start (its time zero), NaN when they never
// came; they are taken from the monotonic clock.
type Record struct {
	ID       int64 // index over all client nodes, from 0
	Phase    Phase
	Endpoint int // index into the assignment's endpoints

	Scheduled, Sent, FirstToken, LastToken, Done float64
	FirstAnswer                                  float64 // the first token that is no reasoning

	Outcome      Outcome
	GivenUp      bool // cancelled because the workload's cancel_share asked for it: no failure
	Status       int  // HTTP status; 0: none came
	PromptTokens int  // -1: not known
	OutputTokens int  // -1: not known
	TokenSource  TokenSource
	Bytes        int64  // body bytes received
	Pings        int    // comments of an event stream, by which servers keep it open while nothing comes
	Batch        int64  // group of the request; -1: none
	Error        string // what went wrong, in the words of the server or the system
	AskedPrompt  int    // tokens that the prompt was made to have; 0: no number of them
	AskedOutput  int    // tokens that were asked of the answer; 0: the workload's max_tokens

	// What the server says of the request (Ollama's load_duration, prompt_eval_duration and eval_duration; llama.cpp's
	// timings), in seconds; NaN: it does not say.
	ServerLoad, ServerPrompt, ServerDecode float64
	Cold                                   bool // the server loaded the model for this request

	Graded, Right bool // of a dataset with answers: the answer was compared with the right one, and it is that

	Text []byte // of the answer, as it stood in JSON, where its tokens are to be counted here; not on the line

	Coalesced int // token events that arrived in one read with the one before; summed in the part, not on the line

	Gaps []float32 // seconds between successive token events
}

// Header is the first line of records.jsonl.
type Header struct {
	Schema       int     `json:"schema"`
	Trial        string  `json:"trial"`
	Node         string  `json:"node"`
	Dialect      string  `json:"dialect"`
	Seed         int64   `json:"seed"`
	StartUnixNS  int64   `json:"start_unix_ns"`  // wall clock of time zero
	ClockOffsetS float64 `json:"clock_offset_s"` // this node's clock minus that of the job's first node
	GapsEvery    int     `json:"gaps_every"`     // gaps are kept of one request in this many (DESIGN §10)
	GapsWhole    int64   `json:"gaps_whole"`     // with GapsEvery above 1: the first lines that all have their gaps
}
