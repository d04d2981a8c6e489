package token

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// compile reads a pattern. What it does not know is an error that says what and where.
func compile(source string) (*pattern, error) {
	p := parser{rest: source, source: source}
	code, err := p.alternatives()
	if err == nil && p.rest != "" {
		err = p.unknown("a closing bracket")
	}
	if err != nil {
		return nil, err
	}
	return &pattern{source: source, code: append(place(code, 0), instruction{op: opDone})}, nil
}

// parser reads a pattern into code whose jumps are relative to its begin: place moves it.
type parser struct {
	source, rest string
	fold         bool
	depth, size  int
}

// Bounds of what is read of a pattern: brackets in brackets, and instructions.
const (
	deepest = 100
	longest = 1 << 16
)

func (p *parser) unknown(what string) error {
	return fmt.Errorf("%s is not read (at byte %d of the pattern %s)", what, len(p.source)-len(p.rest), p.source)
}

func (p *parser) eat(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	p.rest = rest
	return ok
}

// place moves code to an address.
func place(code []instruction, to int) []instruction {
	moved := make([]instruction, len(code))
	for i, in := range code {
		in.x, in.y = in.x+to, in.y+to
		moved[i] = in
	}
	return moved
}

// alternatives reads A|B|….
func (p *parser) alternatives() ([]instruction, error) {
	if p.depth++; p.depth > deepest {
		return nil, p.unknown("so deep a nesting")
	}
	defer func() { p.depth-- }()
	code, err := p.sequence()
	if err != nil || !p.eat("|") {
		return code, err
	}
	other, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	all := append([]instruction{{op: opSplit, x: 1, y: len(code) + 2}}, place(code, 1)...)
	all = append(all, instruction{op: opJump, x: len(code) + 2 + len(other)})
	return append(all, place(other, len(code)+2)...), nil
}

// sequence reads what stands between two bars.
func (p *parser) sequence() ([]instruction, error) {
	var all []instruction
	for p.rest != "" && p.rest[0] != '|' && p.rest[0] != ')' {
		atom, err := p.atom()
		if err == nil {
			atom, err = p.repeated(atom)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, place(atom, len(all))...)
		if p.size += len(atom); p.size > longest {
			return nil, p.unknown("so long a pattern")
		}
	}
	return all, nil
}

// repeated reads ?, *, +, {n}, {n,}, {n,m} after an atom, and a + after that: possessive.
func (p *parser) repeated(atom []instruction) ([]instruction, error) {
	least, most := 1, 1 // most < 0: no bound
	switch {
	case p.eat("?"):
		least = 0
	case p.eat("*"):
		least, most = 0, -1
	case p.eat("+"):
		most = -1
	case strings.HasPrefix(p.rest, "{"):
		var err error
		if least, most, err = p.counts(); err != nil {
			return nil, err
		}
	default:
		return atom, nil
	}
	if p.eat("?") {
		return nil, p.unknown("a repetition that takes as little as it can")
	}
	code, err := p.times(atom, least, most)
	if err == nil && p.eat("+") {
		code = body(opAtom, code)
	}
	return code, err
}

func (p *parser) counts() (least, most int, err error) {
	inner, rest, ok := strings.Cut(p.rest[1:], "}")
	low, high, two := strings.Cut(inner, ",")
	least, err = strconv.Atoi(low)
	most = least
	if two && high == "" {
		most = -1
	} else if two && err == nil {
		most, err = strconv.Atoi(high)
	}
	if !ok || err != nil || least < 0 || least > 1000 || most > 1000 || most >= 0 && most < least {
		return 0, 0, p.unknown("{" + inner)
	}
	p.rest = rest
	return least, most, nil
}

// times repeats code.
func (p *parser) times(code []instruction, least, most int) ([]instruction, error) {
	n := len(code)
	if n*(max(least, most)+1) > longest {
		return nil, p.unknown("so long a pattern")
	}
	var all []instruction
	for range least {
		all = append(all, place(code, len(all))...)
	}
	if most < 0 {
		if empty(code) {
			return nil, p.unknown("a repetition of what may be empty")
		}
		at := len(all)
		all = append(all, instruction{op: opSplit, x: at + 1, y: at + n + 2})
		all = append(all, place(code, at+1)...)
		return append(all, instruction{op: opJump, x: at}), nil
	}
	end := len(all) + (most-least)*(n+1)
	for range most - least {
		at := len(all)
		all = append(all, instruction{op: opSplit, x: at + 1, y: end})
		all = append(all, place(code, at+1)...)
	}
	return all, nil
}

// empty reports whether code may match nothing: it can be gone through without a set.
func empty(code []instruction) bool {
	seen := map[int]bool{}
	var walk func(int) bool
	walk = func(at int) bool {
		if at >= len(code) {
			return true
		}
		if seen[at] {
			return false
		}
		seen[at] = true
		switch in := code[at]; in.op {
		case opSet:
			return false
		case opSplit:
			return walk(in.x) || walk(in.y)
		case opJump:
			return walk(in.x)
		case opLook, opLookNo:
			return walk(in.y)
		case opAtom:
			return empty(place(code[in.x:in.y-1], -in.x)) && walk(in.y)
		}
		return walk(at + 1)
	}
	return walk(0)
}

// body makes code that is run by itself.
func body(o op, code []instruction) []instruction {
	all := append([]instruction{{op: o, x: 1, y: len(code) + 2}}, place(code, 1)...)
	return append(all, instruction{op: opDone})
}

// atom reads one thing that can be repeated.
func (p *parser) atom() ([]instruction, error) {
	switch p.rest[0] {
	case '(':
		return p.group()
	case '[':
		p.rest = p.rest[1:]
		c, err := p.class()
		return []instruction{{op: opSet, set: c}}, err
	case '$':
		p.rest = p.rest[1:]
		return []instruction{{op: opEnd}}, nil
	case '.':
		p.rest = p.rest[1:]
		return p.set(class{parts: []part{single('\n')}, no: true}), nil
	case '\\':
		if p.eat(`\b`) {
			return []instruction{{op: opEdge}}, nil
		}
		c, err := p.escape()
		return p.set(class{parts: []part{c}}), err
	case '*', '+', '?', '{', '^':
		return nil, p.unknown(p.rest[:1] + " here")
	}
	r, size := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[size:]
	return p.set(class{parts: []part{single(r)}}), nil
}

func (p *parser) set(c class) []instruction {
	c.fold = p.fold
	return []instruction{{op: opSet, set: c.ready()}}
}

// group reads what stands in round brackets.
func (p *parser) group() ([]instruction, error) {
	kind, fold := op(opDone), p.fold // opDone: a plain group
	defer func() { p.fold = fold }()
	switch {
	case p.eat("(?:"):
	case p.eat("(?i:"):
		p.fold = true
	case p.eat("(?="):
		kind = opLook
	case p.eat("(?!"):
		kind = opLookNo
	case p.eat("(?>"):
		kind = opAtom
	case strings.HasPrefix(p.rest, "(?"):
		return nil, p.unknown(p.rest[:min(3, len(p.rest))])
	default:
		p.rest = p.rest[1:]
	}
	code, err := p.alternatives()
	switch {
	case err != nil:
		return nil, err
	case !p.eat(")"):
		return nil, p.unknown("a bracket that nothing closes")
	case kind == opDone:
		return code, nil
	}
	return body(kind, code), nil
}
