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
}

// Print writes the list in its order.
func (p Printer) Print(w io.Writer, l List) error {
	for _, d := range l {
		if _, err := io.WriteString(w, p.line(d)+p.excerpt(d.Pos)); err != nil {
			return fmt.Errorf("writing diagnostics: %w", err)
		}
	}
	return nil
}

// ANSI colours of the severities, worst first.
var colors = [...]string{"\x1b[31m", "\x1b[33m", "\x1b[36m"}

func (p Printer) line(d Diagnostic) string {
	text := printable(d.String()) + "\n"
	if !p.Color {
		return text
	}
	word := d.Severity.String() + ":"
	return strings.Replace(text, word, colors[d.Severity]+word+"\x1b[0m", 1)
}

// secret matches a line whose value nobody should see on a screen that may be shared.
var secret = regexp.MustCompile(`(?i)(token|key|secret|password)["']?\s*:`)

// excerpt is the source line with a caret under the column, or "" where there is none to show.
func (p Printer) excerpt(pos Pos) string {
	if p.Source == nil || pos.Line == 0 || pos.Col == 0 {
		return ""
	}
	lines := strings.Split(string(p.Source(pos.File)), "\n")
	if pos.Line > len(lines) {
		return ""
	}
	text := printable(strings.TrimRight(lines[pos.Line-1], "\r"))
	if text == "" || secret.MatchString(text) {
		return ""
	}
	return fmt.Sprintf("    %s\n    %s^\n", text, strings.Repeat(" ", pos.Col-1))
}

// printable replaces control characters, so that a hostile input can't move the cursor; a tab becomes one blank, which
// keeps the caret's column.
func printable(s string) string {
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

// JSON writes the list as [{file,line,col,severity,code,message,hint}] with a newline at the end; an empty list is [].
func JSON(w io.Writer, l List) error {
	type entry struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Col      int    `json:"col"`
		Severity string `json:"severity"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		Hint     string `json:"hint"`
	}
	entries := make([]entry, 0, len(l))
	for _, d := range l {
		entries = append(entries, entry{d.Pos.File, d.Pos.Line, d.Pos.Col, d.Severity.String(), d.Code, d.Message, d.Cure})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(entries); err != nil {
		return fmt.Errorf("writing diagnostics as JSON: %w", err)
	}
	return nil
}
