// Package sheet writes tables into documents, between two marks, so that a program can write them anew.
package sheet

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Sheet is a table: the names of its columns, and rows of as many cells.
type Sheet struct {
	Columns []string
	Rows    [][]string
}

// Add adds a row.
func (s *Sheet) Add(cells ...string) {
	if len(cells) != len(s.Columns) {
		panic(fmt.Sprintf("a row of %d cells in a table of %d columns", len(cells), len(s.Columns)))
	}
	s.Rows = append(s.Rows, cells)
}

// String is the table as Markdown with columns of even width, which terminals show as well.
func (s *Sheet) String() string {
	widths := make([]int, len(s.Columns))
	for _, row := range append([][]string{s.Columns}, s.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(escape(cell)), 1)
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			cell = escape(cell)
			fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		b.WriteString("|\n")
	}
	line(s.Columns)
	for _, w := range widths {
		b.WriteString("|" + strings.Repeat("-", w+2))
	}
	b.WriteString("|\n")
	for _, row := range s.Rows {
		line(row)
	}
	return b.String()
}

// escape keeps a cell in its column.
func escape(cell string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell) }

// Place puts body between the marks of that name in a document, in place of what was there:
//
//	<!-- name: begin … -->
//	<!-- name: end -->
func Place(document, name, body string) (string, error) {
	begin, end := "<!-- "+name+": begin", "<!-- "+name+": end -->"
	from := strings.Index(document, begin)
	to := strings.Index(document, end)
	if from < 0 || to < from {
		return "", fmt.Errorf("the document has no lines %q and %q, in this order", begin+" -->", end)
	}
	after := from + strings.IndexByte(document[from:], '\n') + 1
	return document[:after] + "\n" + strings.TrimSpace(body) + "\n\n" + document[to:], nil
}

// Number is v with three digits that count, and thousands as k, M.
func Number(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case size >= 999.5e3:
		return three(v/1e6) + "M"
	case size >= 9995:
		return three(v/1e3) + "k"
	}
	return three(v)
}

func three(v float64) string {
	switch size := math.Abs(v); {
	case size >= 99.95 || v == 0:
		return fmt.Sprintf("%.0f", v)
	case size >= 9.995:
		return fmt.Sprintf("%.1f", v)
	case size >= 0.9995:
		return fmt.Sprintf("%.2f", v)
	case size >= 0.0005:
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.1g", v)
}
