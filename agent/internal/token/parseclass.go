package token

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// class reads what stands in square brackets, after the first of them.
func (p *parser) class() (*class, error) {
	c := class{fold: p.fold, no: p.eat("^")}
	for first := true; ; first = false {
		switch {
		case p.rest == "":
			return nil, p.unknown("a bracket that nothing closes")
		case !first && p.eat("]"):
			return c.ready(), nil
		case strings.HasPrefix(p.rest, "&&"):
			return nil, p.unknown("&& in square brackets")
		case strings.HasPrefix(p.rest, "[:"):
			return nil, p.unknown("[: in square brackets")
		}
		one, err := p.member()
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, one)
	}
}

// member reads a rune, a range of them, or an escape in square brackets.
func (p *parser) member() (part, error) {
	low, err := p.one()
	if err != nil || low.table != nil || !strings.HasPrefix(p.rest, "-") || strings.HasPrefix(p.rest, "-]") {
		return low, err
	}
	p.rest = p.rest[1:]
	if p.rest == "" {
		return part{}, p.unknown("a range without an end")
	}
	high, err := p.one()
	if err != nil {
		return part{}, err
	}
	if high.table != nil || high.lo < low.lo {
		return part{}, p.unknown("this range")
	}
	return part{lo: low.lo, hi: high.lo}, nil
}

func (p *parser) one() (part, error) {
	if p.rest[0] == '\\' {
		return p.escape()
	}
	r, size := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[size:]
	return single(r), nil
}

// plain are the escapes of one rune.
var plain = map[byte]rune{'n': '\n', 'r': '\r', 't': '\t', 'f': '\f', 'v': '\v', 'e': 0x1b, 'a': 7, '0': 0}

// escape reads what a backslash begins.
func (p *parser) escape() (part, error) {
	if len(p.rest) < 2 {
		return part{}, p.unknown("a backslash at the end")
	}
	c := p.rest[1]
	if s, ok := shorthand(c); ok {
		p.rest = p.rest[2:]
		return s, nil
	}
	if r, ok := plain[c]; ok {
		p.rest = p.rest[2:]
		return single(r), nil
	}
	switch {
	case c == 'p' || c == 'P':
		return p.named()
	case c == 'x' || c == 'u':
		return p.number()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= utf8.RuneSelf:
		return part{}, p.unknown(`\` + string(c))
	}
	p.rest = p.rest[2:]
	return single(rune(c)), nil
}

// named reads \p{NAME}, or \pL.
func (p *parser) named() (part, error) {
	no, rest := p.rest[1] == 'P', p.rest[2:]
	var name string
	if strings.HasPrefix(rest, "{") {
		var ok bool
		if name, rest, ok = strings.Cut(rest[1:], "}"); !ok {
			return part{}, p.unknown("a bracket that nothing closes")
		}
	} else if rest != "" {
		name, rest = rest[:1], rest[1:]
	}
	set, err := property(name, no)
	if err != nil {
		return part{}, p.unknown(err.Error() + ", which")
	}
	p.rest = rest
	return set, nil
}

// number reads \x41, \x{1F600}, \u0041 and \u{1F600}.
func (p *parser) number() (part, error) {
	digits, rest := "", p.rest[2:]
	size := 2
	if p.rest[1] == 'u' {
		size = 4
	}
	if strings.HasPrefix(rest, "{") {
		digits, rest, _ = strings.Cut(rest[1:], "}")
	} else if len(rest) >= size {
		digits, rest = rest[:size], rest[size:]
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || n > utf8.MaxRune {
		return part{}, p.unknown(`this \` + p.rest[1:2])
	}
	p.rest = rest
	return single(rune(n)), nil
}
