package wire

import "strings"

// meaning is what a field of an answer tells.
type meaning uint8

const (
	nothing      meaning = iota
	content              // text or a tool call: a token if it is not empty
	words                // the same, and a part of the answer as a conversation goes on with it
	allWords             // the same, and the whole answer up to here
	thought              // reasoning: a token if it is not empty, but none of the answer
	choiceIndex          // which of several answers the object tells of
	finish               // the answer is complete, if it is a word or true
	promptTokens         // the server's count of the prompt
	outputTokens         // the server's count of the output
	failure              // an error, if it is not null or empty
	failureName          // an error, if it is the word "error"
	loadNS               // how long the server says it took to have the model ready, to read the prompt, to write the output
	promptNS
	decodeNS
	promptMS
	decodeMS
)

// field is a node in the tree of the fields that a dialect cares for. Everything else is skipped.
type field struct {
	name     string
	meaning  meaning
	children []*field
	choices  bool // each object is about one of several answers
}

// choosing marks the objects at a name below the root as each about one of several answers.
func choosing(root *field, name string) *field {
	root.child([]byte(name)).choices = true
	return root
}

// tree builds the tree of paths such as "choices.delta.content".
func tree(paths map[string]meaning) *field {
	root := &field{}
	for path, m := range paths {
		at := root
		for name := range strings.SplitSeq(path, ".") {
			next := at.child([]byte(name))
			if next == nil {
				next = &field{name: name}
				at.children = append(at.children, next)
			}
			at = next
		}
		at.meaning = m
	}
	return root
}

func (f *field) child(name []byte) *field {
	for _, c := range f.children {
		if c.name == string(name) {
			return c
		}
	}
	return nil
}
