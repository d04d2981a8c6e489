package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
)

// screen is where a long command says how it goes: a line for each thing that is new and, on a terminal, a last line
// that is written over.
type screen struct {
	w       io.Writer
	rewrite bool
	columns func() int
	shown   bool
}

func newScreen(w io.Writer) *screen {
	s := &screen{w: w, columns: func() int { return 80 }}
	if terminal(w) && os.Getenv("TERM") != "dumb" {
		s.rewrite, s.columns = true, func() int { return cmp.Or(width(w), 80) }
	}
	return s
}

// say writes a line that stays.
func (s *screen) say(text string) {
	s.clear()
	fmt.Fprintln(s.w, text)
}

// show writes the last line anew. Where that can't be done nothing is written: what is new was said.
func (s *screen) show(text string) {
	if !s.rewrite {
		return
	}
	s.clear()
	line := []rune(text)
	fmt.Fprint(s.w, string(line[:min(len(line), s.columns()-1)]))
	s.shown = true
}

// ask writes a question, behind which the answer is typed.
func (s *screen) ask(text string) {
	s.clear()
	fmt.Fprint(s.w, text)
}

// clear removes the last line.
func (s *screen) clear() {
	if s.shown {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
	s.shown = false
}
