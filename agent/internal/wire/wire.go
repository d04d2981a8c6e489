// Package wire turns requests into bytes and bytes into what is known of an answer.
//
// It opens no connection and reads no clock; NewRequests alone reads files, those that the workload names. An Encoder
// makes the request of a dialect; a Parser is fed what was read from the socket, in whatever pieces it came, and says how
// many tokens became complete in each piece and how the answer ended. Below it lie three layers, each fed by the one
// above: HTTP/1.1 framing (http.go), events (sse.go, lines.go), and a scan of each event's JSON for the few fields of the
// dialect (scan.go). None allocates once its buffers have grown.
package wire

import "hpcbench/agent/internal/record"

// Unknown is a token count that the server did not give.
const Unknown = -1

// Answer is what is known of an answer, or of the lack of one, once it has ended.
type Answer struct {
	Outcome      record.Outcome
	Status       int // HTTP status; 0: none came
	PromptTokens int // Unknown where the server gave no count
	OutputTokens int // Unknown where the server gave no count and no tokens were seen
	TokenSource  record.TokenSource
	Bytes        int64 // of the body, without framing

	// How long the server says it took to have the model ready, to read the prompt and to write the output, in seconds;
	// 0: it does not say.
	ServerLoad, ServerPrompt, ServerDecode float64
	Cold                                   bool // it loaded the model for this request: Encoder.Cold

	Pings    int    // comments of an SSE stream, which servers send to keep it open
	Error    string // what went wrong, in the words of the server where it had any; empty with OK
	Reusable bool   // the connection can carry another request
}

// Fill writes the answer into the record of its request.
func (a Answer) Fill(r *record.Record) {
	r.Outcome, r.Status, r.Error = a.Outcome, a.Status, a.Error
	r.PromptTokens, r.OutputTokens, r.TokenSource = a.PromptTokens, a.OutputTokens, a.TokenSource
	r.Bytes, r.Pings, r.Cold = a.Bytes, a.Pings, a.Cold
	r.ServerLoad, r.ServerPrompt, r.ServerDecode = told(a.ServerLoad), told(a.ServerPrompt), told(a.ServerDecode)
}

// told is a duration as the record has it.
func told(s float64) float64 {
	if s > 0 {
		return s
	}
	return record.Unknown
}
