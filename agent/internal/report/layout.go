package report

import (
	"strings"
	"unicode/utf8"
)

// columnsWide is the width of report.txt in characters.
const columnsWide = 100

// width is the number of characters of s; every one that is written here takes one column.
func width(s string) int { return utf8.RuneCountInString(s) }

// pad fills s up to n columns, on the left when right is set.
func pad(s string, n int, right bool) string {
	blanks := strings.Repeat(" ", max(0, n-width(s)))
	if right {
		return blanks + s
	}
	return s + blanks
}

// shorten cuts the middle out of s where it is longer than n.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	tail := (n - 1) / 2
	return string(r[:n-1-tail]) + "…" + string(r[len(r)-tail:])
}

// wrap breaks s at blanks so that no line is wider than columnsWide, the first line led by first and the others by
// as many blanks. A word that is too long stays whole.
func wrap(first, s string) string {
	indent := strings.Repeat(" ", width(first))
	var b strings.Builder
	line, empty := first, true
	for _, word := range strings.Fields(s) {
		if !empty && width(line)+1+width(word) > columnsWide {
			b.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			line += " "
		}
		line, empty = line+word, false
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}

// table writes rows under the heads. The first fixed columns stand left-aligned in each block; the others follow
// right-aligned, as many as fit columnsWide, and the rest in further blocks below.
func table(heads []string, rows [][]string, fixed int) string {
	widths := make([]int, len(heads))
	for i, h := range heads {
		widths[i] = width(h)
		for _, row := range rows {
			widths[i] = max(widths[i], width(row[i]))
		}
	}
	lead := 0
	for _, w := range widths[:fixed] {
		lead += w + 2
	}
	var b strings.Builder
	for from := fixed; from < len(heads); {
		to, used := from, lead
		for to < len(heads) && (to == from || used+2+widths[to] <= columnsWide) {
			used += 2 + widths[to]
			to++
		}
		if from > fixed {
			b.WriteByte('\n')
		}
		for _, row := range append([][]string{heads}, rows...) {
			b.WriteString(rowText(row, widths, fixed, from, to))
		}
		from = to
	}
	return b.String()
}

// rowText is one row: the fixed columns and those of the block [from, to).
func rowText(row []string, widths []int, fixed, from, to int) string {
	var b strings.Builder
	for i := range fixed {
		b.WriteString("  " + pad(row[i], widths[i], false))
	}
	for i := from; i < to; i++ {
		b.WriteString("  " + pad(row[i], widths[i], true))
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}
