package recipe

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diag"
)

// Limits that no recipe meets, so that a hostile file costs nothing.
const (
	maxBytes = 1 << 20
	maxNodes = 200_000 // after aliases are followed
	maxDepth = 40
)

// parse makes a tree of a YAML text. The tree is nil where there is nothing to go on with.
func parse(name string, src []byte) (*node, diag.List) {
	r := &reader{name: name, open: map[*yaml.Node]bool{}}
	if !r.readable(src) {
		return nil, r.diags
	}
	doc, ok := r.document(src)
	if !ok {
		return nil, r.diags
	}
	root := r.build(doc, 0)
	if root.kind != mapping && !root.bad {
		r.diags.Errorf(root.pos, "yaml-shape", `begin with "scenario: NAME"`, "a recipe is a mapping of keys to values, this is %s", describe(root))
		root.bad = true
	}
	if root.kind != mapping || r.nodes > maxNodes {
		return nil, r.diags
	}
	return root, r.diags
}

// reader turns YAML nodes into ours.
type reader struct {
	name  string
	nodes int
	hide  bool                // the value being read may be a secret
	open  map[*yaml.Node]bool // anchors that are being followed
	diags diag.List
}

func (r *reader) at(line, col int) diag.Pos { return diag.Pos{File: r.name, Line: line, Col: col} }

func (r *reader) pos(y *yaml.Node) diag.Pos { return r.at(max(y.Line, 1), max(y.Column, 1)) }

// readable refuses what is not UTF-8 text of a sane size, at the first byte that is wrong.
func (r *reader) readable(src []byte) bool {
	if len(src) > maxBytes {
		r.diags.Errorf(r.at(1, 1), "yaml-size", "is this the right file?", "the file has %d bytes, a recipe at most %d", len(src), maxBytes)
		return false
	}
	if bytes.HasPrefix(src, []byte{0xff, 0xfe}) || bytes.HasPrefix(src, []byte{0xfe, 0xff}) {
		r.diags.Errorf(r.at(1, 1), "yaml-encoding", "save it as UTF-8", "the file is UTF-16")
		return false
	}
	line, col := 1, 1
	for i := 0; i < len(src); {
		c, size := utf8.DecodeRune(src[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			r.diags.Errorf(r.at(line, col), "yaml-encoding", "save it as UTF-8", "byte 0x%02x is not UTF-8", src[i])
			return false
		case unicode.IsControl(c) && c != '\n' && c != '\r' && c != '\t':
			r.diags.Errorf(r.at(line, col), "yaml-control", "delete it", "control character U+%04X", c)
			return false
		case c == '\n':
			line, col = line+1, 0
		case c == 0xfeff:
			col-- // a byte order mark has no width
		}
		i += size
		col++
	}
	return true
}

// document is the file's only YAML document.
func (r *reader) document(src []byte) (*yaml.Node, bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	first, err := decode(decoder)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(first.Content) == 0:
		r.diags.Errorf(r.at(1, 1), "yaml-empty", "recipes/ has examples to start from", "the recipe is empty")
		return nil, false
	case err != nil:
		r.syntax(src, err)
		return nil, false
	}
	second, err := decode(decoder)
	switch {
	case err == nil:
		r.diags.Errorf(r.pos(second), "yaml-documents", "write each recipe to a file of its own", "a second document begins here; a recipe is one")
	case !errors.Is(err, io.EOF):
		r.syntax(src, err)
		return nil, false
	}
	return first.Content[0], true
}

// decode reads the next document. yaml.v3 panics on some broken texts; that is a syntax error to us.
func decode(d *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	doc = &yaml.Node{}
	err = d.Decode(doc)
	return doc, err
}

// errorLine is where yaml.v3 says that an error is.
var errorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// syntax reports an error of the YAML parser, with the cure for the mistakes that are made again and again.
func (r *reader) syntax(src []byte, err error) {
	message, _, _ := strings.Cut(err.Error(), "\n")
	line := 1
	if m := errorLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = max(n, 1)
		}
	}
	lines := strings.Split(string(src), "\n")
	if n := brokenLine(lines, err); n <= len(lines) {
		line = n
	}
	for n := max(line-1, 1); n <= min(line+1, len(lines)); n++ { // yaml.v3 counts differently by kind of error
		text := lines[n-1]
		if indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]; strings.Contains(indent, "\t") {
			r.diags.Errorf(r.at(n, strings.Index(indent, "\t")+1), "yaml-tab", "use spaces", "a tab in the indentation, which YAML does not allow")
			r.diags.Fix(diag.Untab(r.at(n, 1)))
			return
		}
	}
	line = min(line, len(lines))
	text := lines[line-1]
	col := utf8.RuneCountInString(text[:len(text)-len(strings.TrimLeft(text, " "))]) + 1
	r.diags.Errorf(r.at(line, col), "yaml-syntax", "look at this line and the one before it: indentation, a colon without a blank after it, quotes, brackets", "not YAML: %s", message)
}

// brokenLine is the line with which a text came to have this error, for yaml.v3 often names the one where the block or the
// quote around it began: the fewest lines from the top that give the same error.
func brokenLine(lines []string, whole error) int {
	return 1 + sort.Search(len(lines), func(n int) bool {
		decoder := yaml.NewDecoder(strings.NewReader(strings.Join(lines[:n+1], "\n") + "\n"))
		for {
			if _, err := decode(decoder); err != nil {
				return err.Error() == whole.Error()
			}
		}
	})
}

// build turns one YAML node and all below it into ours.
func (r *reader) build(y *yaml.Node, depth int) *node {
	n := &node{pos: r.pos(y), key: r.pos(y)}
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		if r.nodes <= maxNodes+1 {
			r.diags.Errorf(n.pos, "yaml-size", "write it plainly", "too large or too deeply nested here: at most %d values, %d levels", maxNodes, maxDepth)
			r.nodes = maxNodes + 1 // said once, and the end
		}
		n.bad = true
		return n
	}
	if y.Anchor != "" {
		r.open[y] = true
		defer delete(r.open, y)
	}
	switch y.Kind {
	case yaml.AliasNode:
		return r.alias(y, depth)
	case yaml.MappingNode:
		n.kind = mapping
		r.fields(n, y, depth)
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			n.items = append(n.items, r.build(item, depth+1))
		}
	default:
		r.scalar(n, y)
	}
	return n
}

// alias follows an alias, unless it stands inside its own anchor.
func (r *reader) alias(y *yaml.Node, depth int) *node {
	if y.Alias == nil || r.open[y.Alias] {
		r.diags.Errorf(r.pos(y), "yaml-alias", "write the value out", "*%s stands inside what it repeats", y.Value)
		return &node{pos: r.pos(y), key: r.pos(y), bad: true}
	}
	return r.build(y.Alias, depth+1)
}

// fields fills a mapping: its own keys, then those that merges (<<) bring and it has not.
func (r *reader) fields(n *node, y *yaml.Node, depth int) {
	var merged []*node
	seen := map[string]*node{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		pos := r.pos(key)
		if key.ShortTag() == "!!merge" {
			merged = append(merged, r.merge(value, depth)...)
			continue
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key == nil || key.Kind != yaml.ScalarNode {
			r.diags.Errorf(pos, "yaml-key", "write a plain key", "a list or mapping as a key")
			continue
		}
		if first := seen[key.Value]; first != nil {
			r.diags.Errorf(pos, "duplicate-key", "keep one of them", "%q stands here again, first on line %d", key.Value, first.key.Line)
			r.diags.Fix(diag.Delete(pos))
			continue
		}
		outer := r.hide
		r.hide = outer || secretName.MatchString(key.Value)
		child := r.build(value, depth+1)
		r.hide = outer
		child.key = pos
		seen[key.Value] = child
		n.fields = append(n.fields, field{key.Value, child})
	}
	for _, m := range merged {
		for _, f := range m.fields {
			if seen[f.name] == nil {
				seen[f.name] = f.node
				n.fields = append(n.fields, f)
			}
		}
	}
}

// merge is the mappings that a << key names.
func (r *reader) merge(y *yaml.Node, depth int) []*node {
	n := r.build(y, depth+1)
	sources := []*node{n}
	if n.kind == list {
		sources = n.items
	}
	for _, s := range sources {
		if s.kind != mapping && !s.bad {
			r.diags.Errorf(s.pos, "yaml-merge", "write <<: *name of a mapping", "<< merges mappings, this is %s", describe(s))
			return nil
		}
	}
	return sources
}

// leadingZero is a number that YAML 1.1 reads as octal, 1.2 as decimal.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+$`)

// scalar fills a node from a YAML scalar, in the values that YAML 1.2 gives it.
func (r *reader) scalar(n *node, y *yaml.Node) {
	n.kind, n.text, n.value = scalar, y.Value, y.Value
	n.plain = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch tag := y.ShortTag(); tag {
	case "!!str", "!!timestamp": // a date is text to us
	case "!!null":
		n.kind, n.value = null, nil
	case "!!int", "!!float", "!!bool":
		if n.plain && leadingZero.MatchString(y.Value) {
			r.octal(n, y.Value)
			n.bad = true
			return
		}
		if err := y.Decode(&n.value); err != nil {
			r.diags.Errorf(n.pos, "yaml-syntax", "", "%q is not a value of type %s", y.Value, strings.TrimPrefix(tag, "!!"))
			n.bad = true
			return
		}
		r.number(n)
	default:
		r.diags.Errorf(n.pos, "yaml-tag", "delete the tag", "tag %s is not known here", y.Tag)
		n.bad = true
	}
}

// octal reports a number with a leading zero.
func (r *reader) octal(n *node, text string) {
	cure := fmt.Sprintf("write %s, or %q if it is text", cmp.Or(strings.TrimLeft(text, "+-0_"), "0"), text)
	if r.hide {
		text, cure = "this", "write it in quotes if it is text"
	}
	r.diags.Errorf(n.pos, "yaml-octal", cure, "%s is an octal number to some YAML readers", text)
	if !r.hide {
		r.diags.Fix(diag.Replace(n.pos, cmp.Or(strings.TrimLeft(text, "+-0_"), "0")).Asked())
	}
}

// number settles the Go type of a scalar's number and refuses what no JSON has.
func (r *reader) number(n *node) {
	switch v := n.value.(type) {
	case int:
		n.value = int64(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			r.diags.Errorf(n.pos, "yaml-number", fmt.Sprintf("write a number, or %q if it is text", n.text), "%s is not a finite number", n.text)
			n.bad, n.value = true, float64(0)
			return
		}
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			n.value = int64(v) // 1e3 is a whole number, as JSON Schema has it
		}
	}
}

// describe is what a node is, in words, without its value.
func describe(n *node) string {
	switch n.kind {
	case mapping:
		return "a mapping"
	case list:
		return "a list"
	case null:
		return "nothing"
	}
	switch n.value.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	}
	return "a number"
}
