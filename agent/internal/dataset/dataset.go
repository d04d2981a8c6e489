// Package dataset reads the prompts of a trial from a file.
//
// Three layouts are known, and told apart by the file's begin:
//
//	{"prompt": "…", "output_tokens": 128, "answer": "B"}   JSON lines; output_tokens, or max_tokens, and answer may be left out
//	{"ctx": "…", "endings": ["…", …], "label": 3}          HellaSwag's JSON lines: the prompt is ctx with the endings as a choice
//	[{"conversations": [{"from": "human", "value": "…"}]}] ShareGPT's array: the prompt is the first human's message
//
// A prompt with an answer, which is the letter of one of several choices, is one whose reply can be graded (grade.go). Of
// ShareGPT the reply that was given then has the length that is asked now, where a tokenizer counts it.
//
// The file is read once, an entry at a time, and of it only the prompts are kept, as they stand in JSON, in one piece of
// memory of at most 512 MiB; a longer one is an error. Sending one allocates and reads nothing.
package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
)

// Bounds of what is kept in memory, in bytes.
const (
	textLimit  = 512 << 20 // all prompts
	entryLimit = 64 << 20  // one line, or one conversation
)

// Set is the prompts of a file in an order of their own.
type Set struct {
	text   []byte  // all prompts, as they stand between the quotes of a JSON string
	ends   []int64 // where each one ends in text
	tokens []int32 // the length that each one asks of its answer; 0: it says none
	right  []byte  // the letter of the right answer to each one; 0: it has none
	graded bool    // one of them has
	order  []int32
	limit  int64 // of text

	replies *replies // to be counted; nil: nobody counts
}

// Read reads the prompts of a file. Their order follows from seed. count, where there is one, tells the tokens of a text,
// or that they can't be told; it is called by several goroutines. An error names the file and the line.
func Read(path string, seed uint64, count func(text string) (int, error)) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &Set{limit: textLimit}
	if info, err := f.Stat(); err == nil { // room that is not used costs nothing; growing would double what is kept
		s.text = make([]byte, 0, min(info.Size(), textLimit))
	}
	if count != nil {
		s.replies = countReplies(count)
	}
	err = s.read(f)
	s.replies.end(s.tokens)
	if err != nil {
		return nil, located(path, err)
	}
	if s.Len() == 0 {
		return nil, fmt.Errorf("%s: no prompt in it", path)
	}
	s.shuffle(seed)
	return s, nil
}

// Len is the number of prompts.
func (s *Set) Len() int { return len(s.ends) }

// At is prompt n, as it stands between the quotes of a JSON string, and the length that it asks of its answer in tokens,
// 0 where it says none. The first Len indices give each prompt once; then they come round in the same order.
func (s *Set) At(n int64) (text []byte, tokens int) {
	k := s.order[n%int64(len(s.order))]
	begin := int64(0)
	if k > 0 {
		begin = s.ends[k-1]
	}
	return s.text[begin:s.ends[k]], int(s.tokens[k])
}

func (s *Set) shuffle(seed uint64) {
	s.order = make([]int32, s.Len())
	for i := range s.order {
		s.order[i] = int32(i)
	}
	random := rand.New(rand.NewPCG(seed, 0x6461746173657421))
	random.Shuffle(len(s.order), func(i, j int) { s.order[i], s.order[j] = s.order[j], s.order[i] })
}

// placed is an error with its place in the file.
type placed struct {
	line   int   // from 1; 0: offset says
	offset int64 // in bytes
	err    error
}

func (p placed) Error() string { return p.err.Error() }

// located puts the place of an error before it: path:line.
func located(path string, err error) error {
	var p placed
	if !errors.As(err, &p) {
		return fmt.Errorf("%s: %w", path, err)
	}
	if p.line == 0 {
		p.line = lineAt(path, p.offset)
	}
	return fmt.Errorf("%s:%d: %w", path, p.line, p.err)
}

// lineAt is the line that an offset lies in, found by reading the file again; 1 when it can't be read any more.
func lineAt(path string, offset int64) int {
	f, err := os.Open(path)
	if err != nil {
		return 1
	}
	defer f.Close()
	lines, buf := 1, make([]byte, 64<<10)
	for r := io.LimitReader(f, offset); ; {
		n, err := r.Read(buf)
		lines += bytes.Count(buf[:n], []byte("\n"))
		if err != nil {
			return lines
		}
	}
}

// read finds out which layout the file has.
func (s *Set) read(f io.Reader) error {
	r := bufio.NewReaderSize(f, 64<<10)
	var before bytes.Buffer // the prompts: a byte order mark, blanks
	if mark, err := r.Peek(3); err == nil && string(mark) == "\xEF\xBB\xBF" {
		_, _ = io.CopyN(&before, r, 3) // they are in the buffer
	}
	for {
		b, err := r.ReadByte()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case bytes.IndexByte([]byte(" \t\r\n"), b) >= 0:
			before.WriteByte(b)
			continue
		}
		_ = r.UnreadByte() // it was read just now
		if b == '[' {
			return s.conversations(r, int64(before.Len()))
		}
		return s.lines(r, bytes.Count(before.Bytes(), []byte("\n")))
	}
}

// prompt is what an entry of a file says.
type prompt struct {
	text   string
	tokens int  // asked of its answer; 0: it says none
	right  byte // the letter of the right answer; 0: it has none
}

// add keeps a prompt.
func (s *Set) add(p prompt) error {
	quoted, err := json.Marshal(p.text)
	if err != nil {
		return err
	}
	if int64(len(s.text)+len(quoted)-2) > s.limit {
		return fmt.Errorf("the prompts up to here have more than %d MiB, the most that is kept in memory (use a part of the file)", s.limit>>20)
	}
	s.text = append(s.text, quoted[1:len(quoted)-1]...)
	s.ends, s.tokens, s.right = append(s.ends, int64(len(s.text))), append(s.tokens, int32(p.tokens)), append(s.right, p.right)
	s.graded = s.graded || p.right != 0
	return nil
}
