package diag

import "strings"

// Action is what a Fix does to the text.
type Action string

// The actions.
const (
	RenameKey    Action = "rename"  // the key at At becomes Text
	ReplaceValue Action = "replace" // the value at At becomes Text; a key without a value, At being its key, gets it
	DeleteEntry  Action = "delete"  // the key at At, or the item of a list, goes with all below it
	AddKey       Action = "add"     // Path is written, with the value Text
	MoveEntry    Action = "move"    // the key at At goes, with all below it, to Path
	UntabLines   Action = "untab"   // each tab in the indentation of any line becomes Text
)

// Fix is a cure that a program can carry out: see package mend. The zero Fix is none. It is comparable, as Diagnostic is.
type Fix struct {
	Do   Action
	At   Pos    // where it is done; no place for AddKey
	Path string // dotted, from the root: what is added, or where to it is moved
	Text string // as it would stand in the file
	Ask  bool   // Text is an example, and a person must say whether it is meant
}

// Rename gives the key at a place another name.
func Rename(at Pos, name string) Fix { return Fix{Do: RenameKey, At: at, Text: name} }

// Replace puts text, one line of YAML, where a value stands.
func Replace(at Pos, text string) Fix { return Fix{Do: ReplaceValue, At: at, Text: text} }

// Delete takes a key with its value out, or an item out of a list. A section that has nothing else goes with it.
func Delete(at Pos) Fix { return Fix{Do: DeleteEntry, At: at} }

// Add writes a key, dotted from the root, with a value in one line of YAML. Sections on the way are made.
func Add(path, text string) Fix { return Fix{Do: AddKey, Path: path, Text: text} }

// Move takes a key with all below it to another path.
func Move(at Pos, path string) Fix { return Fix{Do: MoveEntry, At: at, Path: path} }

// Untab makes the text YAML at all: tabs that indent become two blanks each.
func Untab(at Pos) Fix { return Fix{Do: UntabLines, At: at, Text: "  "} }

// Asked is the fix with its text as an example only.
func (f Fix) Asked() Fix {
	f.Ask = true
	return f
}

// Mend is the cure for a program: the diagnostic's own, or, where all that the cure for a person says is to delete what the
// diagnostic stands at, that.
func (d Diagnostic) Mend() Fix {
	rest, only := strings.CutPrefix(d.Cure, "delete it")
	if only = only && (rest == "" || rest[0] == ':' || rest[0] == ';'); d.Fix.Do == "" && only && d.Pos.Col > 0 {
		return Delete(d.Pos)
	}
	return d.Fix
}

// Fix gives the diagnostic that was added last its cure for programs.
func (l List) Fix(f Fix) { l[len(l)-1].Fix = f }
