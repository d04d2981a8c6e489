package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// lines reads JSON lines, ours or HellaSwag's, after so many others.
func (s *Set) lines(r io.Reader, number int) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, entryLimit)
	for scanner.Scan() {
		number++
		line := bytes.TrimSpace(scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		text, tokens, err := entry(line)
		if err == nil {
			err = s.add(text, tokens)
		}
		if err != nil {
			return placed{line: number, err: err}
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return placed{line: number + 1, err: fmt.Errorf("a line of more than %d MiB", entryLimit>>20)}
	}
	return scanner.Err()
}

// entry reads one JSON line.
func entry(line []byte) (text string, tokens int, err error) {
	var e struct {
		Prompt       *string `json:"prompt"`
		Ctx          *string `json:"ctx"` // HellaSwag's
		OutputTokens *int    `json:"output_tokens"`
		MaxTokens    *int    `json:"max_tokens"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return "", 0, fmt.Errorf(`want a JSON object such as {"prompt": "…"}: %w`, err)
	}
	switch {
	case e.Prompt == nil && e.Ctx == nil:
		return "", 0, errors.New(`neither "prompt" nor, as HellaSwag has it, "ctx"`)
	case e.Prompt == nil:
		e.Prompt = e.Ctx
	}
	if strings.TrimSpace(*e.Prompt) == "" {
		return "", 0, errors.New("an empty prompt")
	}
	if e.OutputTokens == nil {
		e.OutputTokens = e.MaxTokens
	}
	if e.OutputTokens == nil {
		return *e.Prompt, 0, nil
	}
	if *e.OutputTokens < 1 || *e.OutputTokens > math.MaxInt32 {
		return "", 0, fmt.Errorf("%d tokens asked of the answer: want 1 or more", *e.OutputTokens)
	}
	return *e.Prompt, *e.OutputTokens, nil
}

// conversations reads ShareGPT's array, which begins so many bytes into the file. A conversation without a message of a
// human is passed over: ShareGPT has many.
func (s *Set) conversations(r io.Reader, start int64) error {
	bound := &bounded{r: r}
	d := json.NewDecoder(bound)
	if _, err := d.Token(); err != nil { // the bracket
		return placed{err: err}
	}
	for d.More() {
		bound.left = entryLimit
		begin := d.InputOffset()
		var c struct {
			Conversations []struct{ From, Value string }
		}
		if err := d.Decode(&c); err != nil {
			return placed{offset: start + at(d, begin, err), err: fmt.Errorf(`want {"conversations": [{"from": "human", "value": "…"}]}: %w`, noEnd(err))}
		}
		for _, m := range c.Conversations {
			if (m.From == "human" || m.From == "user") && strings.TrimSpace(m.Value) != "" {
				if err := s.add(m.Value, 0); err != nil {
					return placed{offset: start + d.InputOffset(), err: err}
				}
				break
			}
		}
	}
	bound.left = entryLimit
	if _, err := d.Token(); err != nil {
		return placed{offset: start + at(d, d.InputOffset(), err), err: noEnd(err)}
	}
	return nil
}

// at is where an error of the decoder lies, as near as it says.
func at(d *json.Decoder, begin int64, err error) int64 {
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return max(begin, syntax.Offset-1)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return math.MaxInt32 << 16 // the end
	}
	return max(begin, d.InputOffset())
}

func noEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the file ends in the middle of the array")
	}
	return err
}

// bounded ends a reader whose entry is too long to be kept.
type bounded struct {
	r    io.Reader
	left int // bytes that may still come before the present entry has to end
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, fmt.Errorf("a conversation of more than %d MiB", entryLimit>>20)
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}
