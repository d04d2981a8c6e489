package token

import (
	"fmt"
	"unicode"
)

// class is a set of runes: those of any of its parts, or with no all others.
type class struct {
	parts []part
	no    bool
	fold  bool // upper and lower case are one

	ascii [2]uint64 // the answer for the runes below 128
}

// part is a range of runes, or a table of them; with no all that are not in it.
type part struct {
	lo, hi rune
	table  func(rune) bool
	no     bool
}

// ready reckons the answers for ASCII.
func (c *class) ready() *class {
	c.ascii = [2]uint64{}
	for r := range rune(128) {
		if c.search(r) {
			c.ascii[r>>6] |= 1 << (r & 63)
		}
	}
	return c
}

func (c *class) has(r rune) bool {
	if r < 128 {
		return c.ascii[r>>6]>>(r&63)&1 != 0
	}
	return c.search(r)
}

func (c *class) search(r rune) bool {
	in := c.any(r)
	if c.fold {
		for f := unicode.SimpleFold(r); f != r && !in; f = unicode.SimpleFold(f) {
			in = c.any(f)
		}
	}
	return in != c.no
}

func (c *class) any(r rune) bool {
	for i := range c.parts {
		p := &c.parts[i]
		in := r >= p.lo && r <= p.hi
		if p.table != nil {
			in = p.table(r) != p.no
		}
		if in {
			return true
		}
	}
	return false
}

func single(r rune) part { return part{lo: r, hi: r} }

// wordRune reports whether a rune is of \w as Oniguruma has it: a letter, a mark, a number, or a connector such as the
// underscore.
func wordRune(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc) }

// shorthand is the set of \s, \d and \w, or of their opposites in capitals. A space is every white space of Unicode.
func shorthand(c byte) (part, bool) {
	switch c {
	case 's', 'S':
		return part{table: unicode.IsSpace, no: c == 'S'}, true
	case 'd', 'D':
		return part{table: unicode.IsDigit, no: c == 'D'}, true
	case 'w', 'W':
		return part{table: wordRune, no: c == 'W'}, true
	}
	return part{}, false
}

// property is the set of \p{NAME}: a category such as L or Lu, a script such as Han, or a property such as Alphabetic.
func property(name string, no bool) (part, error) {
	if name != "" && name[0] == '^' {
		name, no = name[1:], !no
	}
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Categories, unicode.Scripts, unicode.Properties} {
		if t, ok := tables[name]; ok {
			return part{table: func(r rune) bool { return unicode.Is(t, r) }, no: no}, nil
		}
	}
	return part{}, fmt.Errorf(`\p{%s} is not known`, name)
}
