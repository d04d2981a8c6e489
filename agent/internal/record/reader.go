package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Read reads a file of records: its header at once, its records as the sequence is ranged over. A line that can't be
// read ends the sequence with an error that names it; the last line of a job that was killed may be such a line. Each
// record is new and may be kept.
func Read(r io.Reader) (Header, iter.Seq2[*Record, error], error) {
	var h Header
	lines := bufio.NewReaderSize(r, 64<<10)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		return h, nil, fmt.Errorf("reading the header of the records: %w", noEOF(err))
	}
	if err := json.Unmarshal(first, &h); err != nil {
		return h, nil, fmt.Errorf("reading the header of the records: %w", err)
	}
	if h.Schema != Schema {
		return h, nil, fmt.Errorf("the records have schema %d; this agent reads %d", h.Schema, Schema)
	}
	return h, func(yield func(*Record, error) bool) { readLines(lines, yield) }, nil
}

// noEOF makes an end of file that came too early an error of its own.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func readLines(lines *bufio.Reader, yield func(*Record, error) bool) {
	for number := 2; ; number++ {
		text, err := lines.ReadBytes('\n')
		if err == io.EOF && len(bytes.TrimSpace(text)) == 0 {
			return
		}
		var r *Record
		if err == nil || err == io.EOF {
			r, err = parse(text)
		}
		if err != nil {
			yield(nil, fmt.Errorf("reading line %d of the records: %w", number, err))
			return
		}
		if !yield(r, nil) {
			return
		}
	}
}

// line is a record as it stands on disk, where absent means not known.
type line struct {
	ID           int64       `json:"id"`
	Phase        Phase       `json:"phase"`
	Endpoint     int         `json:"endpoint"`
	Scheduled    *float64    `json:"scheduled"`
	Sent         *float64    `json:"sent"`
	FirstToken   *float64    `json:"first_token"`
	FirstAnswer  *float64    `json:"first_answer"`
	LastToken    *float64    `json:"last_token"`
	Done         *float64    `json:"done"`
	Outcome      Outcome     `json:"outcome"`
	GivenUp      bool        `json:"given_up"`
	Status       int         `json:"status"`
	PromptTokens *int        `json:"prompt_tokens"`
	OutputTokens *int        `json:"output_tokens"`
	TokenSource  TokenSource `json:"token_source"`
	Bytes        int64       `json:"bytes"`
	Pings        int         `json:"pings"`
	Batch        *int64      `json:"batch"`
	ServerLoad   *float64    `json:"server_load"`
	ServerPrompt *float64    `json:"server_prompt"`
	ServerDecode *float64    `json:"server_decode"`
	Cold         bool        `json:"cold"`
	Right        *bool       `json:"right"`
	Error        string      `json:"error"`
	Gaps         []float32   `json:"gaps"`
}

func parse(text []byte) (*Record, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err
	}
	return &Record{
		ID: l.ID, Phase: l.Phase, Endpoint: l.Endpoint,
		Scheduled: or(l.Scheduled, Unknown), Sent: or(l.Sent, Unknown), FirstToken: or(l.FirstToken, Unknown),
		FirstAnswer: or(l.FirstAnswer, Unknown), LastToken: or(l.LastToken, Unknown), Done: or(l.Done, Unknown),
		Outcome: l.Outcome, GivenUp: l.GivenUp, Status: l.Status,
		PromptTokens: or(l.PromptTokens, -1), OutputTokens: or(l.OutputTokens, -1), TokenSource: l.TokenSource,
		ServerLoad: or(l.ServerLoad, Unknown), ServerPrompt: or(l.ServerPrompt, Unknown), ServerDecode: or(l.ServerDecode, Unknown),
		Cold: l.Cold, Graded: l.Right != nil, Right: or(l.Right, false),
		Bytes: l.Bytes, Pings: l.Pings, Batch: or(l.Batch, -1), Error: l.Error, Gaps: l.Gaps,
	}, nil
}

// or is what p points to, or other where there is nothing.
func or[T any](p *T, other T) T {
	if p == nil {
		return other
	}
	return *p
}
