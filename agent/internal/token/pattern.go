package token

import (
	"errors"
	"sync"
	"unicode/utf8"
)

// pattern is a regular expression as tokenizers write them, for Oniguruma or Rust's fancy-regex. Go's regexp has no
// lookahead, which all of them use (`\s+(?!\S)`), so this is a matcher of our own: backtracking, the first alternative
// that fits wins, as there.
type pattern struct {
	source string
	code   []instruction
	runs   sync.Pool // of *run
}

// run is one search on a text.
type run struct {
	code  []instruction
	text  string
	stack []branch
	steps int // that it may still take
}

// instruction is a step of a compiled pattern.
type instruction struct {
	op   op
	set  *class
	x, y int // where to go on: x first; of a look or an atom: x its body, y after it
}

type op uint8

const (
	opSet    op = iota // a rune of the set
	opSplit            // x, and where that fails y
	opJump             // x
	opLook             // what the body at x matches follows
	opLookNo           // it does not
	opAtom             // what the body at x matches, without going back into it
	opEnd              // the end of the text
	opEdge             // the edge of a word
	opDone             // the end of the pattern, or of a body
)

// branch is where to go on when the present way fails.
type branch struct{ pc, at int }

// stepsAByte bounds the work on a text: what takes more is no pattern of a tokenizer that was meant.
const stepsAByte = 4096

var errTooLong = errors.New("the pattern takes too long on this text")

// next finds the first match at or after from; begin < 0: there is none. It is for any number of goroutines.
func (p *pattern) next(text string, from int) (begin, end int, err error) {
	r, ok := p.runs.Get().(*run)
	if !ok {
		r = &run{code: p.code}
	}
	defer p.runs.Put(r)
	r.text, r.stack, r.steps = text, r.stack[:0], stepsAByte*(len(text)-from+64)
	for at := from; at <= len(text); {
		end, ok := r.match(0, at)
		if r.steps < 0 {
			return -1, -1, errTooLong
		}
		if ok && end > at { // an empty match splits nothing
			return at, end, nil
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += max(1, size)
	}
	return -1, -1, nil
}

// match runs the code at pc on the text at a place.
func (r *run) match(pc, at int) (end int, ok bool) {
	base := len(r.stack)
	for {
		if r.steps--; r.steps < 0 {
			return 0, false
		}
		next, goes, done := r.step(&pc, at)
		switch {
		case done:
			r.stack = r.stack[:base]
			return at, true
		case goes:
			at = next
		case len(r.stack) == base:
			return 0, false
		default:
			b := r.stack[len(r.stack)-1]
			r.stack = r.stack[:len(r.stack)-1]
			pc, at = b.pc, b.at
		}
	}
}

// step does one instruction: it moves pc on and returns the new place, or reports that this way fails, or that all is done.
func (r *run) step(pc *int, at int) (next int, goes, done bool) {
	in := &r.code[*pc]
	switch in.op {
	case opDone:
		return at, true, true
	case opSet:
		if at == len(r.text) {
			return at, false, false
		}
		c, size := utf8.DecodeRuneInString(r.text[at:])
		*pc++
		return at + size, in.set.has(c), false
	case opJump:
		*pc = in.x
	case opSplit:
		r.stack = append(r.stack, branch{in.y, at})
		*pc = in.x
	case opEnd:
		*pc++
		return at, at == len(r.text), false
	case opEdge:
		*pc++
		return at, edge(r.text, at), false
	default:
		end, ok := r.match(in.x, at)
		*pc = in.y
		if in.op == opAtom {
			return end, ok, false
		}
		return at, ok == (in.op == opLook), false
	}
	return at, true, false
}

// edge reports whether a word begins or ends at a place.
func edge(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return (at > 0 && wordRune(before)) != (at < len(text) && wordRune(after))
}
