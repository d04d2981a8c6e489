package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Printer writes diagnostics for a person. The zero Printer writes one plain line a diagnostic.
type Printer struct {
	Source func(file string) []byte // text of a file, to show the line and a caret; nil: never shown
	Color  bool
	Width  int // columns of the terminal, into which the source line is cut; 0: not known
}

// Print writes the list in its order.
func (p Printer) Print(w io.Writer, l List) error {
	for _, d := range l {
		if _, err := io.WriteString(w, p.line(d)+p.excerpt(d)); err != nil {
			return fmt.Errorf("writing diagnostics: %w", err)
		}
	}
	return nil
}

// ANSI colours of the severities, worst first.
var colors = [...]string{"\x1b[31m", "\x1b[33m", "\x1b[36m"}

func (p Printer) line(d Diagnostic) string {
	text := Printable(d.String()) + "\n"
	if !p.Color {
		return text
	}
	word := d.Severity.String() + ":"
	return strings.Replace(text, word, colors[d.Severity]+word+"\x1b[0m", 1)
}

// secret matches a line whose value nobody should see on a screen that may be shared.
var secret = regexp.MustCompile(`(?i)(token|key|secret|password)["']?\s*:`)

// margin stands before a source line and its caret.
const margin = "    "

// Secret tells whether a line of a file may have a value that nobody should see.
func Secret(line string) bool { return secret.MatchString(line) }

// excerpt is the source line with a caret under the column, or "" where there is none to show.
func (p Printer) excerpt(d Diagnostic) string {
	if p.Source == nil || d.Pos.Line == 0 || d.Pos.Col == 0 {
		return ""
	}
	lines := strings.Split(string(p.Source(d.Pos.File)), "\n")
	if d.Pos.Line > len(lines) {
		return ""
	}
	text := []rune(Printable(strings.TrimPrefix(strings.TrimRight(lines[d.Pos.Line-1], "\r"), "\ufeff")))
	if len(text) == 0 || Secret(string(text)) {
		return ""
	}
	shown, caret := window(text, d.Pos.Col-1, p.Width-len(margin)-1)
	mark := "^"
	if p.Color {
		mark = colors[d.Severity] + mark + "\x1b[0m"
	}
	return margin + shown + "\n" + margin + strings.Repeat(" ", caret) + mark + "\n"
}

// Printable replaces control characters, so that a hostile input can't move the cursor; a tab becomes one blank, which
// keeps the caret's column.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ', r == 0x7f, r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029, r >= 0x202a && r <= 0x202e:
			return '\ufffd'
		}
		return r
	}, s)
}

// fixJSON is a Fix as JSON has it.
type fixJSON struct {
	Do   Action `json:"do"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
	Path string `json:"path,omitempty"`
	Text string `json:"text,omitempty"`
	Ask  bool   `json:"ask,omitempty"` // the text is an example
}

// JSON writes the list as [{file,line,col,severity,code,message,hint,fix}] with a newline at the end; an empty list is
// []. A diagnostic without a cure for programs has no fix.
func JSON(w io.Writer, l List) error {
	type entry struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Col      int    `json:"col"`
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		Hint     string `json:"hint"`

		Fix *fixJSON `json:"fix,omitempty"`
	}
	entries := make([]entry, 0, len(l))
	for _, d := range l {
		var fix *fixJSON
		if f := d.Mend(); f.Do != "" {
			fix = &fixJSON{f.Do, f.At.File, f.At.Line, f.At.Col, f.Path, f.Text, f.Ask}
		}
		entries = append(entries, entry{d.Pos.File, d.Pos.Line, d.Pos.Col, d.Severity.String(), d.Code, d.Message, d.Cure, fix})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(entries); err != nil {
		return fmt.Errorf("writing diagnostics as JSON: %w", err)
	}
	return nil
}
