package token

import (
	"encoding/json"
	"fmt"
	"strings"
)

// component is a normalizer or a pre-tokenizer of a tokenizer.json.
type component struct {
	Type string `json:"type"`

	Normalizers   []json.RawMessage `json:"normalizers"` // of a Sequence
	PreTokenizers []json.RawMessage `json:"pretokenizers"`

	Prepend string    `json:"prepend"` // of Prepend
	Pattern *matching `json:"pattern"` // of Replace and Split
	Content string    `json:"content"`

	Behavior behaviour `json:"behavior"` // of Split
	Invert   bool      `json:"invert"`

	AddPrefixSpace *bool  `json:"add_prefix_space"` // of ByteLevel, and of an older Metaspace
	UseRegex       *bool  `json:"use_regex"`
	Replacement    string `json:"replacement"` // of Metaspace
	PrependScheme  string `json:"prepend_scheme"`
	Split          *bool  `json:"split"`
	Individual     bool   `json:"individual_digits"` // of Digits
}

// matching is a pattern, or a plain string.
type matching struct {
	Regex  *string
	String *string
}

func (m *matching) finds() (finds, error) {
	switch {
	case m != nil && m.String != nil:
		return literal(*m.String), nil
	case m != nil && m.Regex != nil:
		p, err := compile(*m.Regex)
		if err != nil {
			return nil, err
		}
		return p.next, nil
	}
	return nil, fmt.Errorf("no pattern")
}

func parsed(raw json.RawMessage) (c component, absent bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return c, true, nil
	}
	err = json.Unmarshal(raw, &c)
	return c, false, err
}

// normalizer reads what a text becomes before it is cut.
func normalizer(raw json.RawMessage) ([]step, error) {
	c, absent, err := parsed(raw)
	if err != nil || absent {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		return each(c.Normalizers, normalizer)
	case "Prepend":
		return []step{func(s string) (string, error) {
			if s == "" {
				return s, nil
			}
			return c.Prepend + s, nil
		}}, nil
	case "Replace":
		if c.Pattern == nil || c.Pattern.String == nil || *c.Pattern.String == "" {
			return nil, fmt.Errorf("a Replace of a pattern is not read: only that of a string is")
		}
		return []step{func(s string) (string, error) { return strings.ReplaceAll(s, *c.Pattern.String, c.Content), nil }}, nil
	case "NFC":
		return []step{func(s string) (string, error) { return s, composed(s) }}, nil
	case "NFD", "NFKC", "NFKD":
		return []step{func(s string) (string, error) { return s, ascii(s, c.Type) }}, nil
	}
	return nil, fmt.Errorf("%s is not read", c.Type)
}

// each reads the parts of a Sequence.
func each[T any](raws []json.RawMessage, read func(json.RawMessage) ([]T, error)) ([]T, error) {
	var all []T
	for i, raw := range raws {
		one, err := read(raw)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		all = append(all, one...)
	}
	return all, nil
}

// preTokenizer reads what a text is cut into, and whether it is turned into bytes.
func preTokenizer(raw json.RawMessage) (cuts []cut, byteLevel bool, err error) {
	var read func(raw json.RawMessage) ([]cut, error)
	read = func(raw json.RawMessage) ([]cut, error) {
		c, absent, err := parsed(raw)
		switch {
		case err != nil || absent:
			return nil, err
		case byteLevel:
			return nil, fmt.Errorf("a %s after ByteLevel is not read", c.Type)
		case c.Type == "Sequence":
			return each(c.PreTokenizers, read)
		case c.Type == "ByteLevel":
			byteLevel = true
		}
		return c.cuts()
	}
	cuts, err = read(raw)
	return cuts, byteLevel, err
}

// gpt2 is the pattern of GPT-2, which a ByteLevel cuts by.
const gpt2 = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`

// cuts are those of one pre-tokenizer.
func (c component) cuts() ([]cut, error) {
	switch c.Type {
	case "Split":
		find, err := c.Pattern.finds()
		if err != nil {
			return nil, err
		}
		one, err := splitting(find, c.Behavior, c.Invert)
		return []cut{one}, err
	case "Digits":
		how := contiguous
		if c.Individual {
			how = isolated
		}
		one, err := splitting(runes(digits), how, false)
		return []cut{one}, err
	case "ByteLevel":
		var all []cut
		if c.AddPrefixSpace == nil || *c.AddPrefixSpace {
			all = append(all, prefixed(" ", false))
		}
		if c.UseRegex == nil || *c.UseRegex {
			by, err := patterns(gpt2)
			return append(all, by...), err
		}
		return all, nil
	case "Metaspace":
		return c.metaspace()
	}
	return nil, fmt.Errorf("%s is not read", c.Type)
}

// metaspace is SentencePiece's way: spaces become letters.
func (c component) metaspace() ([]cut, error) {
	with := c.Replacement
	if with == "" {
		with = lowBlock
	}
	all := []cut{replaced(" ", with)}
	older := c.PrependScheme == "" && c.AddPrefixSpace != nil && !*c.AddPrefixSpace
	switch scheme := c.PrependScheme; {
	case older || scheme == "never":
	case scheme == "" || scheme == "always" || scheme == "first":
		all = append(all, prefixed(with, scheme == "first"))
	default:
		return nil, fmt.Errorf("a Metaspace with prepend_scheme %q is not known", scheme)
	}
	if c.Split == nil || *c.Split {
		by, err := splitting(literal(with), toNext, false)
		return append(all, by), err
	}
	return all, nil
}

// lowBlock is how SentencePiece writes a space.
const lowBlock = "\u2581"

// patterns cut by each of them in turn, what lies between their matches being pieces too.
func patterns(all ...string) ([]cut, error) {
	var cuts []cut
	for _, source := range all {
		p, err := compile(source)
		if err != nil {
			return nil, err
		}
		one, err := splitting(p.next, isolated, false)
		if err != nil {
			return nil, err
		}
		cuts = append(cuts, one)
	}
	return cuts, nil
}
