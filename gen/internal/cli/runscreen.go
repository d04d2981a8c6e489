package cli

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"
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
	if file, ok := w.(*os.File); ok && terminal(w) && os.Getenv("TERM") != "dumb" {
		s.rewrite, s.columns = true, func() int { return columns(file) }
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

// columns is the width of a terminal, 80 where it does not say.
func columns(file *os.File) int {
	var size struct{ rows, columns, x, y uint16 }
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 || size.columns == 0 {
		return 80
	}
	return int(size.columns)
}
