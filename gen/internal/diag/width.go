package diag

import "unicode"

// wide are the characters that take two columns of a terminal, as ranges: East Asian Wide and Fullwidth of Unicode's
// EastAsianWidth.txt, and emoji, without the rare ones in between.
var wide = [...][2]rune{
	{0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0x4dbf}, {0x4e00, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
}

// columns is how many columns of a terminal a character takes.
func columns(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	for _, w := range wide {
		if r >= w[0] && r <= w[1] {
			return 2
		}
	}
	return 1
}

// Columns is how many columns of a terminal a text takes.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// Clip cuts a text to so many columns of a terminal, with … where something is left out. 0 columns and fewer cut nothing.
func Clip(s string, width int) string {
	if width <= 0 || Columns(s) <= width {
		return s
	}
	n := 0
	for i, r := range s {
		if n += columns(r); n > width-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// window is as much of a line as a width holds, around the character at, and the column that this one is shown in. A
// width that is not known, or holds nothing to speak of, cuts nothing.
func window(line []rune, at, width int) (string, int) {
	at = min(at, len(line))
	caret := Columns(string(line[:at]))
	if width < 20 || Columns(string(line)) <= width {
		return string(line), caret
	}
	first := 0
	for caret > width*2/3 {
		caret -= columns(line[first])
		first++
	}
	if first > 0 { // one more makes room for the mark
		caret += 1 - columns(line[first])
		return "…" + Clip(string(line[first+1:]), width-1), caret
	}
	return Clip(string(line), width), caret
}
