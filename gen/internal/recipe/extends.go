package recipe

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"hpcbench/gen/internal/diag"
)

// Options is what Load is told besides the text.
type Options struct {
	Sets []Set // of the command line; they win over the text
	// Read reads another file that the recipe names: a parent, a dataset, a trace. Paths are slash-separated and relative to
	// the recipe's directory, or absolute. Nil: nothing can be read. Parents are read first, each once, the nearest first.
	Read func(path string) ([]byte, error)
	// Bundle says that the recipe is a bundle's: what it names lies where Inputs has put it.
	Bundle bool
}

// Input is a file that a recipe brought into its bundle.
type Input struct {
	Path string // in the bundle: inputs/extends/1-base.yaml, data/prompts.jsonl
	Data []byte
}

// Inputs are the files that the recipe names and gen read, for the bundle to carry.
func (f *File) Inputs() []Input { return slices.Clone(f.inputs) }

// Parent is the text of a recipe that this one extends, by its name in diagnostics; nil where it is none.
func (f *File) Parent(name string) []byte { return f.parents[name] }

// MaxInput is the most bytes that one file of a bundle's data/ may have.
const MaxInput = 64 << 20

const maxParents = 8 // a chain of more is a mistake, or meant to hurt

// plainName is what a file in a bundle may be called.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+=@-]*$`)

// family reads the recipes that one extends, from the nearest to the furthest.
type family struct {
	*File
	options Options
	dir     string            // of the recipe's name in diagnostics
	where   map[string]string // directories of the parents, relative to that of the recipe, by their names in diagnostics
	done    map[*node]bool    // values that name a file, as the bundle has them
	diags   diag.List
}

// merged is the recipe over all that it extends.
func (r *family) merged(root *node) *node {
	chain, seen := []*node{root}, []string{path.Base(r.name)}
	at := "" // directory of the recipe in hand, relative to that of the first
	for {
		key := chain[len(chain)-1].get("extends")
		if key == nil {
			break
		}
		chain[len(chain)-1].remove("extends")
		name, ok := key.str()
		switch {
		case !ok || name == "":
			r.diags.Errorf(key.pos, "wrong-type", `write one file, such as "extends: base.yaml"`, "extends is %s, want text", key.quoted("extends"))
			return root
		case len(chain) > maxParents:
			r.diags.Errorf(key.pos, "extends-chain", "put some of them together", "the %dth recipe of a chain: at most %d", len(chain), maxParents)
			return root
		}
		file := beside(at, name)
		if slices.Contains(seen, file) {
			r.diags.Errorf(key.pos, "extends-cycle", "delete it", "%s extends itself here", clip(name))
			return root
		}
		parent := r.parent(key, file, len(chain))
		if parent == nil {
			return root
		}
		chain, seen, at = append(chain, parent), append(seen, file), path.Dir(file)
	}
	whole := chain[len(chain)-1]
	for _, child := range slices.Backward(chain[:len(chain)-1]) {
		whole = whole.under(child)
	}
	return whole
}

// beside is a path that stands in a file of the directory at, relative to the recipe's own.
func beside(at, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(at, name)
}

// parent reads the n-th recipe of the chain.
func (r *family) parent(key *node, file string, n int) *node {
	inside := fmt.Sprintf("inputs/extends/%d-%s", n, path.Base(file))
	if !plainName.MatchString(path.Base(file)) {
		r.diags.Errorf(key.pos, "bad-value", "letters, digits, . _ + = @ and -", "extends: %q can't be the name of a file in a bundle", clip(path.Base(file)))
		return nil
	}
	from := file
	if r.options.Bundle {
		from = inside
	}
	text := r.read(key.pos, "extends", from, maxBytes)
	if text == nil {
		return nil
	}
	name := beside(r.dir, from)
	r.parents[name], r.where[name] = text, path.Dir(file)
	r.inputs = append(r.inputs, Input{inside, text})
	root, diags := parse(name, text)
	r.diags = append(r.diags, diags...)
	return root
}

// read is the content of a file that the recipe names; nil, and an error at its place, where it can't be had.
func (r *family) read(at diag.Pos, what, file string, most int) []byte {
	if r.options.Read == nil {
		r.diags.Errorf(at, "no-file", "give the recipe as a file", "%s: nothing can be read from here", what)
		return nil
	}
	text, err := r.options.Read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.diags.Errorf(at, "no-file", "a relative path is beside the file that it stands in", "%s: there is no file %s", what, clip(file))
	case err != nil:
		r.diags.Errorf(at, "no-file", "", "%s: %v", what, err)
	case len(text) > most:
		r.diags.Errorf(at, "file-size", "put it onto the cluster and write its absolute path", "%s: %s has %d bytes, at most %d go into a bundle", what, clip(file), len(text), most)
	default:
		return append([]byte{}, text...)
	}
	return nil
}

// under is the node with another laid over it: mappings merge, all else is replaced, and null deletes.
func (n *node) under(over *node) *node {
	if n.kind != mapping || over.kind != mapping {
		return over
	}
	c := *over
	c.fields = slices.Clone(n.fields)
	for _, f := range over.fields {
		i := slices.IndexFunc(c.fields, func(g field) bool { return g.name == f.name })
		switch {
		case i < 0:
			c.fields = append(c.fields, f)
		case f.kind == null && !f.bad:
			c.fields = slices.Delete(c.fields, i, i+1)
		default:
			c.fields[i].node = c.fields[i].under(f.node)
		}
	}
	return &c
}

// prune takes out the keys that would have deleted a parent's.
func (n *node) prune() {
	n.fields = slices.DeleteFunc(n.fields, func(f field) bool { return f.kind == null && !f.bad })
	for _, f := range n.fields {
		f.prune()
	}
}

// dataKeys are the keys that name a file which the bundle carries.
var dataKeys = []string{"workload.dataset", "workload.trace", "workload.tokenizer", "artifacts.dataset"}

// data reads the files of dataKeys, wherever the recipe or a point of its sweep says one, and writes the values as the
// bundle has them.
func (r *family) data(root *node) {
	from := map[string]string{} // what was read, by its name in the bundle
	for _, tree := range append([]*node{root}, overlays(root)...) {
		for _, key := range dataKeys {
			n := tree.at(strings.Split(key, ".")...)
			if n == nil {
				continue
			}
			for _, one := range append([]*node{n}, n.items...) {
				r.carry(one, key, from)
			}
		}
	}
}

// carry reads one file and says where it lies in the bundle.
func (r *family) carry(n *node, key string, from map[string]string) {
	name, ok := n.str()
	if !ok || name == "" || n.bad || path.IsAbs(name) || r.done[n] {
		return
	}
	r.done[n] = true // YAML's merges put one node into two places
	file := beside(r.where[n.pos.File], name)
	inside := "data/" + path.Base(file)
	other, taken := from[inside]
	switch {
	case !plainName.MatchString(path.Base(file)):
		r.diags.Errorf(n.pos, "bad-value", "letters, digits, . _ + = @ and -", "%s: %q can't be the name of a file in a bundle", key, clip(path.Base(file)))
		n.bad = true
		return
	case taken && other != file:
		r.diags.Errorf(n.pos, "same-name", "rename one of them", "%s and %s would both be %s in the bundle", clip(other), clip(file), inside)
		n.bad = true
		return
	case !taken:
		if r.options.Bundle {
			file = inside
		}
		text := r.read(n.pos, key, file, MaxInput)
		if text == nil {
			n.bad = true
			return
		}
		from[inside] = file
		r.inputs = append(r.inputs, Input{inside, text})
	}
	n.value, n.text = inside, inside
}
