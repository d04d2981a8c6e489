package diff

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// around is how many equal lines stand on each side of a change.
const around = 3

// Unified is the difference of two files in unified form, as patch reads it; "" where there is none. A nil text is no
// file at all. Of what is not text it only says that it differs.
func Unified(nameA, nameB string, a, b []byte) string {
	switch {
	case string(a) == string(b) && (a == nil) == (b == nil):
		return ""
	case binary(a) || binary(b):
		return fmt.Sprintf("Binary files %s and %s differ\n", nameOf(nameA, a), nameOf(nameB, b))
	}
	linesA, linesB := terminated(a), terminated(b)
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", nameOf(nameA, a), nameOf(nameB, b))
	for _, hunk := range hunks(Changes(linesA, linesB)) {
		writeHunk(&out, linesA, linesB, hunk)
	}
	return out.String()
}

func nameOf(name string, text []byte) string {
	if text == nil {
		return "/dev/null"
	}
	return name
}

func binary(text []byte) bool { return !utf8.Valid(text) || slices.Contains(text, 0) }

// terminated are the lines of a text with their ends, so that a missing one makes a difference.
func terminated(text []byte) []string { return slices.Collect(strings.Lines(string(text))) }

// hunks are changes in groups, with so few lines between them that they are shown together.
func hunks(changes []Change) [][]Change {
	var all [][]Change
	for i, c := range changes {
		if i == 0 || c.A-changes[i-1].AEnd > 2*around {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], c)
	}
	return all
}

func writeHunk(out *strings.Builder, a, b []string, hunk []Change) {
	first, last := hunk[0], hunk[len(hunk)-1]
	lead := min(around, first.A)
	tail := min(around, len(a)-last.AEnd)
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(first.A-lead, last.AEnd+tail), span(first.B-lead, last.BEnd+tail))
	at := first.A - lead
	for _, c := range hunk {
		writeLines(out, ' ', a[at:c.A])
		writeLines(out, '-', a[c.A:c.AEnd])
		writeLines(out, '+', b[c.B:c.BEnd])
		at = c.AEnd
	}
	writeLines(out, ' ', a[at:last.AEnd+tail])
}

// span is a range of lines as a hunk's head has it: the first, from 1, and how many.
func span(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func writeLines(out *strings.Builder, sign byte, lines []string) {
	for _, line := range lines {
		out.WriteByte(sign)
		out.WriteString(line)
		if !strings.HasSuffix(line, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
