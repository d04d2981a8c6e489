package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
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
		p, err := entry(line)
		if err == nil {
			err = s.add(p)
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

// line is a JSON line, ours or HellaSwag's.
type line struct {
	Prompt       *string `json:"prompt"`
	OutputTokens *int    `json:"output_tokens"`
	MaxTokens    *int    `json:"max_tokens"`
	Answer       *string `json:"answer"`

	Ctx     *string         `json:"ctx"`
	Endings []string        `json:"endings"`
	Label   json.RawMessage `json:"label"` // a number, some copies have it in quotes, and the tests without answers are empty
}

// entry reads one JSON line.
func entry(text []byte) (p prompt, err error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return p, fmt.Errorf(`want a JSON object such as {"prompt": "…"}: %w`, err)
	}
	switch {
	case l.Prompt == nil && l.Ctx == nil:
		return p, errors.New(`neither "prompt" nor, as HellaSwag has it, "ctx"`)
	case l.Prompt == nil:
		p, err = l.story()
	default:
		p.text = *l.Prompt
		p.right, err = letter(l.Answer)
	}
	if err != nil {
		return p, err
	}
	if strings.TrimSpace(p.text) == "" {
		return p, errors.New("an empty prompt")
	}
	p.tokens, err = l.length()
	return p, err
}

// length is what the line asks of its answer in tokens, 0 where it says none.
func (l line) length() (int, error) {
	n := l.OutputTokens
	if n == nil {
		n = l.MaxTokens
	}
	if n == nil {
		return 0, nil
	}
	if *n < 1 || *n > math.MaxInt32 {
		return 0, fmt.Errorf("%d tokens asked of the answer: want 1 or more", *n)
	}
	return *n, nil
}

// letter is the right answer of a line of ours.
func letter(answer *string) (byte, error) {
	if answer == nil {
		return 0, nil
	}
	if len(*answer) != 1 || (*answer)[0] < 'A' || (*answer)[0] > 'Z' {
		return 0, fmt.Errorf("the answer %.20q: want the letter of a choice, A to Z", *answer)
	}
	return (*answer)[0], nil
}

// story is the prompt of a line of HellaSwag: the begin, and its endings to choose from. Without endings it is the begin.
func (l line) story() (p prompt, err error) {
	p.text = *l.Ctx
	if len(l.Endings) == 0 || strings.TrimSpace(p.text) == "" {
		return p, nil
	}
	if len(l.Endings) > 26 {
		return p, fmt.Errorf("%d endings: want 26 at most, a letter each", len(l.Endings))
	}
	var b strings.Builder
	b.WriteString(p.text + "\n\nWhich ending fits best? Answer with its letter alone.\n")
	for i, e := range l.Endings {
		fmt.Fprintf(&b, "%c. %s\n", 'A'+i, e)
	}
	p.text = b.String() + "Answer:"
	label := strings.Trim(string(l.Label), `"`)
	if label == "" || label == "null" {
		return p, nil
	}
	n, err := strconv.Atoi(label)
	if err != nil || n < 0 || n >= len(l.Endings) {
		return p, fmt.Errorf("the label %.20s of %d endings: want a number from 0", l.Label, len(l.Endings))
	}
	p.right = byte('A' + n)
	return p, nil
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
		for i, m := range c.Conversations {
			if (m.From == "human" || m.From == "user") && strings.TrimSpace(m.Value) != "" {
				if err := s.add(prompt{text: m.Value}); err != nil {
					return placed{offset: start + d.InputOffset(), err: err}
				}
				if i+1 < len(c.Conversations) && (c.Conversations[i+1].From == "gpt" || c.Conversations[i+1].From == "assistant") {
					s.replies.put(s.Len()-1, c.Conversations[i+1].Value)
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
