package token

import (
	"fmt"
	"strings"
	"unicode"
)

// behaviours are what becomes of the matches of a pattern that cuts, as tokenizer.json names them.
type behaviour string

const (
	isolated   behaviour = "Isolated"           // a piece each
	removed    behaviour = "Removed"            // gone
	toPrevious behaviour = "MergedWithPrevious" // at the end of what is before them
	toNext     behaviour = "MergedWithNext"     // at the begin of what is after them
	contiguous behaviour = "Contiguous"         // a piece for each run of them
)

// finds is a pattern, or anything else that finds places in a text.
type finds func(text string, from int) (begin, end int, err error)

// splitting cuts at what is found. With invert, what is found is what lies between.
func splitting(find finds, how behaviour, invert bool) (cut, error) {
	switch how {
	case isolated, removed, toPrevious, toNext, contiguous:
	default:
		return nil, fmt.Errorf("a Split of behavior %q is not known", how)
	}
	return func(dst []piece, p piece) ([]piece, error) {
		var spans []span
		for at := 0; at < len(p.text); {
			begin, end, err := find(p.text, at)
			if err != nil {
				return dst, err
			}
			if begin < 0 {
				begin, end = len(p.text), len(p.text)
			}
			spans = append(spans, span{at, begin, invert}, span{begin, end, !invert})
			at = end
		}
		return arranged(dst, p, spans, how), nil
	}, nil
}

// span is a part of a text that is a match, or lies between two.
type span struct {
	begin, end int
	match      bool
}

// arranged appends the pieces that spans make.
func arranged(dst []piece, p piece, spans []span, how behaviour) []piece {
	begin, open := 0, false // a piece that goes on
	put := func(to int) {
		if to > begin {
			dst = append(dst, piece{p.text[begin:to], p.first && begin == 0})
		}
		begin, open = to, false
	}
	last := span{}
	for _, s := range spans {
		if s.begin == s.end {
			continue
		}
		joins := false
		switch how {
		case toPrevious:
			joins = s.match && !last.match
		case toNext:
			joins = last.match && !s.match
		case contiguous:
			joins = last.match == s.match
		}
		if open && !joins {
			put(s.begin)
		}
		open, last = true, s
		if how == removed && s.match {
			begin, open = s.end, false
		}
	}
	if open {
		put(len(p.text))
	}
	return dst
}

// literal finds a string.
func literal(what string) finds {
	return func(text string, from int) (int, int, error) {
		i := strings.Index(text[from:], what)
		if i < 0 || what == "" {
			return -1, -1, nil
		}
		return from + i, from + i + len(what), nil
	}
}

// runes finds single runes.
func runes(is func(rune) bool) finds {
	return func(text string, from int) (int, int, error) {
		for at, r := range text[from:] {
			if is(r) {
				return from + at, from + at + len(string(r)), nil
			}
		}
		return -1, -1, nil
	}
}

// digits are what Rust calls numeric.
func digits(r rune) bool { return unicode.IsNumber(r) }

// prefixed puts a text before a piece that does not begin with it: before any, or the first only.
func prefixed(with string, firstOnly bool) cut {
	return func(dst []piece, p piece) ([]piece, error) {
		if (p.first || !firstOnly) && !strings.HasPrefix(p.text, with) {
			p.text = with + p.text
		}
		return append(dst, p), nil
	}
}

// replaced puts one string in another's place.
func replaced(what, with string) cut {
	return func(dst []piece, p piece) ([]piece, error) {
		return append(dst, piece{strings.ReplaceAll(p.text, what, with), p.first}), nil
	}
}
