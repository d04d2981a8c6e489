package logs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// trough is a log in a directory of its own, and what was read of it.
type trough struct {
	t    *testing.T
	path string
	tail *Tail
	now  time.Time
	got  []string
}

func newTrough(t *testing.T) *trough {
	tr := &trough{t: t, path: filepath.Join(t.TempDir(), "server.log"), now: time.Unix(1e9, 0)}
	tr.reopen(Place{})
	return tr
}

func (tr *trough) reopen(p Place) {
	tr.tail = &Tail{Path: tr.path, Place: p, Now: func() time.Time { return tr.now }}
	tr.t.Cleanup(func() { _ = tr.tail.Close() })
}

func (tr *trough) write(text string) {
	tr.t.Helper()
	f, err := os.OpenFile(tr.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Close()
	}
	tr.must(err)
}

func (tr *trough) must(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

// want polls and compares the lines that came.
func (tr *trough) want(lines ...string) {
	tr.t.Helper()
	tr.got = nil
	_, err := tr.tail.Poll(0, func(text []byte, more string) { tr.got = append(tr.got, string(text)+more) })
	tr.must(err)
	if !reflect.DeepEqual(tr.got, lines) {
		tr.t.Fatalf("came %.200q, want %.200q", tr.got, lines)
	}
}

func TestTailFollowsAFile(t *testing.T) {
	tr := newTrough(t)
	tr.want() // not there yet
	tr.write("one\ntwo")
	tr.want("one")
	tr.write(" halves\nthree\n")
	tr.want("two halves", "three")
	tr.want()
}

func TestTailGoesOnAfterARotation(t *testing.T) {
	tr := newTrough(t)
	tr.write("one\n")
	tr.want("one")
	tr.write("two\nthe last without an end")
	tr.must(os.Rename(tr.path, tr.path+".1"))
	tr.write("three\n")
	tr.want("two", "the last without an end", "three")
	tr.must(os.Rename(tr.path, tr.path+".2"))
	tr.want() // there is none for a while
	tr.write("four\n")
	tr.want("four")
}

func TestTailGoesOnAfterATruncation(t *testing.T) {
	tr := newTrough(t)
	tr.write("one\ntwo\n")
	tr.want("one", "two")
	tr.must(os.Truncate(tr.path, 0))
	tr.write("3\n")
	tr.want("3")
	tr.must(os.WriteFile(tr.path, []byte("written over and longer than before\n"), 0o644)) // copytruncate, seen late
	tr.want("written over and longer than before")
}

func TestTailResumes(t *testing.T) {
	tr := newTrough(t)
	tr.write("one\ntwo\nthr")
	tr.want("one", "two")
	place := tr.tail.Place
	tr.reopen(place)
	tr.want()
	tr.write("ee\n")
	tr.want("three")
	if tr.tail.Place.Line != 3 {
		t.Errorf("%d lines", tr.tail.Place.Line)
	}
	tr.must(os.Remove(tr.path)) // another file under the name: its begin tells, whatever its inode
	tr.write("another file that is longer than what was there before\n")
	tr.reopen(place)
	tr.want("another file that is longer than what was there before")
}

func TestTailCutsALongLine(t *testing.T) {
	tr := newTrough(t)
	tr.write(strings.Repeat("x", 10<<20))
	tr.want()
	if len(tr.tail.line) > longest {
		t.Errorf("%d bytes are kept", len(tr.tail.line))
	}
	tr.write("\nshort\n")
	tr.want(strings.Repeat("x", longest)+fmt.Sprintf(" … (%d bytes, cut after %d)", 10<<20, longest), "short")
}

// A file server may show a file's new size before its data, as zeros.
func TestTailWaitsForDataBehindZeros(t *testing.T) {
	tr := newTrough(t)
	tr.write("one\n" + strings.Repeat("\x00", 100))
	tr.want("one")
	f, err := os.OpenFile(tr.path, os.O_WRONLY, 0)
	tr.must(err)
	_, err = f.WriteAt(append(bytes.Repeat([]byte("y"), 99), '\n'), 4)
	tr.must(err)
	tr.must(f.Close())
	tr.want(strings.Repeat("y", 99))
	tr.write(strings.Repeat("\x00", 50) + "binary\n")
	tr.want()
	tr.now = tr.now.Add(patience)
	tr.want(strings.Repeat("\x00", 50) + "binary") // they are data after all
}

func TestTailGivesTheLastLineOfAFileThatIsOver(t *testing.T) {
	tr := newTrough(t)
	tr.write("one\ntwo \xff\x00")
	tr.tail.Whole()
	tr.want("one", "two \xff\x00")
}

func TestTailSkipsWhatItCantKeepUpWith(t *testing.T) {
	tr := newTrough(t)
	tr.write("one\n")
	tr.want("one")
	tr.write(strings.Repeat("chatter\n", 1000))
	if behind := tr.tail.Behind(); behind != 8000 {
		t.Errorf("%d bytes behind", behind)
	}
	if n := tr.tail.Skip(20); n != 7984 {
		t.Errorf("%d bytes passed over", n)
	}
	tr.want("chatter", "chatter")
}

func TestTailReadsNoPipe(t *testing.T) {
	tail := &Tail{Path: "/dev/zero"}
	if _, err := tail.Poll(0, func([]byte, string) {}); err == nil {
		t.Error("a device is read")
	}
}
