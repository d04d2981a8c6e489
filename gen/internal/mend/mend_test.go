package mend

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/gen/internal/diag"
)

// at is the place of the first character of a mark in a text.
func at(t *testing.T, src, mark string) diag.Pos {
	t.Helper()
	i := strings.Index(src, mark)
	if i < 0 {
		t.Fatalf("no %q in\n%s", mark, src)
	}
	before := strings.TrimPrefix(src[:i], "\ufeff")
	line := strings.Count(before, "\n")
	return diag.Pos{Line: line + 1, Col: len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1}
}

func TestApply(t *testing.T) {
	for _, c := range []struct {
		name, src, mark string
		fix             diag.Fix
		want            string
	}{
		{"rename", "a: 1\nb: # why\n  cc: 2 # two\n", "cc", diag.Rename(diag.Pos{}, "c"), "a: 1\nb: # why\n  c: 2 # two\n"},
		{"rename in brackets", "a: {b: 1, 'cc' : 2}\n", "'cc'", diag.Rename(diag.Pos{}, "c"), "a: {b: 1, c : 2}\n"},
		{"rename behind a wide text", "ü: {é: ñ, cc: 2}\n", "cc", diag.Rename(diag.Pos{}, "c"), "ü: {é: ñ, c: 2}\n"},
		{"replace", "a:  1   # one\nb: 2\n", "1", diag.Replace(diag.Pos{}, `"1"`), "a:  \"1\"   # one\nb: 2\n"},
		{"replace in quotes", "a: 'it''s' # one\nb: 2\n", "'it", diag.Replace(diag.Pos{}, "1"), "a: 1 # one\nb: 2\n"},
		{"replace in a sweep", "a: [1, two, 3]\n", "two", diag.Replace(diag.Pos{}, "2"), "a: [1, 2, 3]\n"},
		{"replace in a list", "a:\n- x\n- two # so\n- z\n", "two", diag.Replace(diag.Pos{}, "2"), "a:\n- x\n- 2 # so\n- z\n"},
		{"replace nothing", "a:\nb:  # none\nc: 1\n", "b", diag.Replace(diag.Pos{}, "2"), "a:\nb: 2  # none\nc: 1\n"},
		{"replace a list", "a: [1, '],', 3] # x\n", "[", diag.Replace(diag.Pos{}, "2"), "a: 2 # x\n"},
		{"byte order mark", "\ufeffa: 1\nb: 2\n", "1", diag.Replace(diag.Pos{}, "3"), "\ufeffa: 3\nb: 2\n"},

		{"delete", "# top\na: 1\n\n# about b\nb: 2 # two\n# about c\nc: 3\n", "b: 2", diag.Delete(diag.Pos{}), "# top\na: 1\n\n# about b\n# about c\nc: 3\n"},
		{"delete by its value", "a: 1\nb: 22\n", "22", diag.Delete(diag.Pos{}), "a: 1\n"},
		{"delete a section", "a: 1\nb:\n  c: |\n    # text\n\n    more\n  # in\n# out\n  d: 5\n  # last\n\n# far\ne: 1\n", "b:", diag.Delete(diag.Pos{}), "a: 1\n\n# far\ne: 1\n"},
		{"delete a list at its key's depth", "a:\n- 1\n- 2\nb: 1\n", "a:", diag.Delete(diag.Pos{}), "b: 1\n"},
		{"delete lines in brackets", "a: {\n  x: 1,\n}\nb: 1\n", "a:", diag.Delete(diag.Pos{}), "b: 1\n"},
		{"delete the first in brackets", "a: {b: 1, c: 2}\n", "b:", diag.Delete(diag.Pos{}), "a: {c: 2}\n"},
		{"delete the last in brackets", "a: {b: 1, c: 2}\n", "c:", diag.Delete(diag.Pos{}), "a: {b: 1}\n"},
		{"delete the only one", "a: {b: {c: 2}}\nd: 1\n", "c:", diag.Delete(diag.Pos{}), "d: 1\n"},
		{"delete an item", "a: [1, 2, 2]\n", "2]", diag.Delete(diag.Pos{}), "a: [1, 2]\n"},
		{"delete an item in lines", "a:\n  - 1\n  - 2 # two\n  - 3\n", "2 #", diag.Delete(diag.Pos{}), "a:\n  - 1\n  - 3\n"},
		{"delete one of two of a name", "a: 1\nb: 2\na: 3\n", "a: 3", diag.Delete(diag.Pos{}), "a: 1\nb: 2\n"},

		{"add at the top", "# top\na: 1\n\nb:\n  c: 1\n", "", diag.Add("x", "2"), "# top\na: 1\nx: 2\n\nb:\n  c: 1\n"},
		{"add a section", "a: 1\nb:\n  c: 1\n", "", diag.Add("x", "{y: 1, z: [1]}"), "a: 1\nb:\n  c: 1\nx: {y: 1, z: [1]}\n"},
		{"add sections", "a: 1", "", diag.Add("x", "{y: {z: 1}, w: {}}"), "a: 1\nx:\n  y: {z: 1}\n  w: {}\n"},
		{"add below", "a:\n    b: 1\n    # last\nc: 1\n", "", diag.Add("a.d.e", "2"), "a:\n    b: 1\n    d:\n        e: 2\n    # last\nc: 1\n"},
		{"add in brackets", "a: {b: 1}\n", "", diag.Add("a.d.e", "2"), "a: {b: 1, d: {e: 2}}\n"},
		{"add in empty brackets", "a: {} # none\n", "", diag.Add("a.b", "2"), "a: {b: 2} # none\n"},
		{"add behind a comma", "a: {b: 1,}\n", "", diag.Add("a.c", "2"), "a: {b: 1, c: 2,}\n"},
		{"add to nothing", "a: # here\nb: 1\n", "", diag.Add("a.c", "2"), "a: # here\n  c: 2\nb: 1\n"},
		{"add with CRLF", "a:\r\n  b: 1\r\n", "", diag.Add("a.c", "2"), "a:\r\n  b: 1\r\n  c: 2\r\n"},

		{"tabs", "a:\n\tb: 1\t# one\n\tc:\n\t\td: 2\n", "", diag.Untab(diag.Pos{}), "a:\n  b: 1\t# one\n  c:\n    d: 2\n"},

		{"move", "# top\na:\n  b: 1\n\n# about j\nj:\n  # why\n  t: 1 # one\n\n  u: |\n    x\n\nz: 1\n", "j:", diag.Move(diag.Pos{}, "a.j"),
			"# top\na:\n  b: 1\n  # about j\n  j:\n    # why\n    t: 1 # one\n\n    u: |\n      x\n\n\nz: 1\n"},
		{"move to what is not there", "a: 1\nj:\n  t: 1\n", "j:", diag.Move(diag.Pos{}, "o.j"), "a: 1\no:\n  j:\n    t: 1\n"},
		{"move into brackets", "a: {b: 1} # so\nj:\n  t: 1\n", "j:", diag.Move(diag.Pos{}, "a.j"), "a: # so\n  b: 1\n  j:\n    t: 1\n"},
		{"move a value into brackets", "a: {b: 1}\nj: 5\n", "j:", diag.Move(diag.Pos{}, "a.j"), "a: {b: 1, j: 5}\n"},
		{"move out of brackets", "a: {b: 1, r: {m: 5}}\n", "m:", diag.Move(diag.Pos{}, "a.m"), "a: {b: 1, m: 5}\n"},
		{"move up", "a:\n  r:\n    # long\n    m: 5 # five\n  z: 1\n", "m:", diag.Move(diag.Pos{}, "a.m"), "a:\n  z: 1\n  # long\n  m: 5 # five\n"},
		{"move to another name", "a:\n  old: 5\n  b: 1\n", "old:", diag.Move(diag.Pos{}, "a.new"), "a:\n  b: 1\n  new: 5\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.mark != "" {
				c.fix.At = at(t, c.src, c.mark)
			}
			got, err := Apply([]byte(c.src), c.fix)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, src, mark string
		fix             diag.Fix
	}{
		{"line ends of old", "a: 1\rb: 2\n", "", diag.Add("c", "1")},
		{"line ends of Unicode's", "a: 1 # x\u2028b: 2\n", "", diag.Add("c", "1")},
		{"tabs are not all", "a:\n\tb: [\n", "", diag.Untab(diag.Pos{})},
		{"not YAML", "a: [\n", "", diag.Add("b", "1")},
		{"a list", "- a\n", "", diag.Add("b", "1")},
		{"two documents", "a: 1\n---\nb: 1\n", "", diag.Add("b", "1")},
		{"no such place", "a: 1\n", "", diag.Fix{Do: diag.DeleteEntry, At: diag.Pos{Line: 9, Col: 9}}},
		{"an item has no key", "a: [x, y]\n", "x", diag.Rename(diag.Pos{}, "z")},
		{"an item can't move", "a: [x, y]\n", "x", diag.Move(diag.Pos{}, "z")},
		{"there already", "a: 1\n", "", diag.Add("a", "2")},
		{"no section", "a: 1\n", "", diag.Add("a.b", "2")},
		{"a value that is none", "a: 1\n", "1", diag.Replace(diag.Pos{}, "[")},
		{"a value that is a comment", "a: 1\n", "1", diag.Replace(diag.Pos{}, "2 # x\nb: 3")},
		{"a value that is more", "a: 1\n", "1", diag.Replace(diag.Pos{}, "x: 3")},
		{"an anchor", "a: &x 1\nb: *x\n", "&x", diag.Replace(diag.Pos{}, "2")},
		{"the only entry", "a: 1\n", "a", diag.Delete(diag.Pos{})},
		{"several lines", "a: |\n  x\n  y\nb: 1\n", "|", diag.Replace(diag.Pos{}, "2")},
		{"an anchor that is used elsewhere", "a: &x {c: 1}\nb: *x\n", "a", diag.Delete(diag.Pos{})},
		{"beside a dash", "a:\n  - b: 1\n    c: 2\n", "b", diag.Delete(diag.Pos{})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.mark != "" {
				c.fix.At = at(t, c.src, c.mark)
			}
			if got, err := Apply([]byte(c.src), c.fix); err == nil {
				t.Errorf("no error, and\n%s", got)
			}
		})
	}
}

// Every key of every recipe of ours can be renamed, replaced, deleted and moved, and no comment is lost that is not in
// what was deleted.
func TestEveryRecipe(t *testing.T) {
	files, err := filepath.Glob("../../../recipes/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d recipes, %v", len(files), err)
	}
	files = append(files, "../recipe/testdata/listing3.yaml", "../recipe/testdata/listing6.yaml")
	if testing.Short() {
		files = files[len(files)-3:]
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := parse(string(src))
		if err != nil {
			t.Fatal(err)
		}
		entries(doc.root, nil, func(e *entry) bool {
			if e.key == nil {
				return false
			}
			place := diag.Pos{Line: e.key.Line, Col: e.key.Column}
			for _, fix := range []diag.Fix{diag.Rename(place, "zzz"), diag.Delete(place), diag.Move(place, "yyy.zzz"), diag.Add(strings.Join(e.path()[:len(e.path())-1], ".")+".zzz", "1")} {
				if fix.Do == diag.AddKey && len(e.path()) < 2 {
					fix.Path = "zzz"
				}
				got, err := Apply(src, fix)
				if err != nil {
					t.Errorf("%s:%d: %v: %v", file, place.Line, fix, err)
				} else if fix.Do != diag.DeleteEntry && bytes.Count(got, []byte("#")) != bytes.Count(src, []byte("#")) {
					t.Errorf("%s:%d: %v loses a comment", file, place.Line, fix)
				}
			}
			return false
		})
	}
}

// Whatever the text, a fix gives YAML that means what was asked, or an error; Apply holds that itself, and must not panic.
func FuzzApply(f *testing.F) {
	f.Add("a: {b: [1, 'x'], c: \"y\"} # z\nd:\n  - e: 1\n", 1, 5, byte(0), "a.x", "1")
	f.Add("\ufeffa:\r\n  b: |\r\n    x\r\n", 2, 3, byte(4), "c.d", "{e: {f: 1}}")
	f.Fuzz(func(t *testing.T, src string, line, col int, do byte, path, text string) {
		actions := []diag.Action{diag.RenameKey, diag.ReplaceValue, diag.DeleteEntry, diag.AddKey, diag.MoveEntry}
		fix := diag.Fix{Do: actions[int(do)%len(actions)], At: diag.Pos{Line: line, Col: col}, Path: path, Text: text}
		got, err := Apply([]byte(src), fix)
		if err != nil {
			return
		}
		if _, err := parse(string(got)); err != nil {
			t.Errorf("%v of %q is %q: %v", fix, src, got, err)
		}
	})
}
