package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bounded writes pieces through a Bound, waiting between them, and returns head, past and tail of the log.
func bounded(t *testing.T, b *Bound, wait time.Duration, pieces ...string) (head, past, tail string) {
	t.Helper()
	var out bytes.Buffer
	dir := t.TempDir()
	b.Head, b.Log = &out, filepath.Join(dir, "server.d1.1.cn1")
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		go func() {
			for _, p := range pieces {
				_, _ = io.WriteString(w, p) // the reader takes all
				time.Sleep(wait)
			}
			_ = w.Close()
		}()
		if err := b.Copy(r); err != nil {
			t.Error(err)
		}
	})
	part := func(name string) string {
		text, err := os.ReadFile(b.Log + name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(text)
	}
	return out.String(), part(".past.log"), part(".tail.log")
}

func TestAQuietServersLogIsAsItWroteIt(t *testing.T) {
	head, past, tail := bounded(t, &Bound{Limit: 1 << 20, Rate: 1 << 10}, time.Minute, "one\nno end", " yet\n", "last")
	if head != "one\nno end yet\nlast" || past+tail != "" {
		t.Errorf("%q, %q, %q", head, past, tail)
	}
}

func TestABoundedLogKeepsItsBeginAndItsEnd(t *testing.T) {
	var pieces []string
	for k := range 1000 {
		pieces = append(pieces, fmt.Sprintf("line %03d %s\n", k, strings.Repeat("x", 90)))
	}
	limit := int64(20_000)
	head, past, tail := bounded(t, &Bound{Limit: limit}, time.Millisecond, pieces...)
	if !strings.HasPrefix(head, pieces[0]) || !strings.HasSuffix(tail, pieces[999]) || !strings.HasPrefix(tail, "line ") {
		t.Errorf("it begins with %.40q and ends with %.40q", head, tail[max(0, len(tail)-40):])
	}
	if size := int64(len(head) + len(past) + len(tail)); size > limit+500 || int64(len(past)) < limit/5 {
		t.Errorf("%d bytes, %d of them before the last ones", size, len(past))
	}
	if !regexp.MustCompile(`\nhpcbench: this log goes on in server\.d1\.1\.cn1\.tail\.log: it is bounded to 0 MB \(logging.retention\)\nhpcbench: 0 MB of this log are left out`).MatchString(head) {
		t.Errorf("it says: %s", head[len(head)-300:])
	}
	if past+tail != strings.Join(pieces, "")[100_000-len(past+tail):] {
		t.Error("what is kept is not the end of what was written")
	}
}

func TestASecondOfAChattyServersLogIsCutInItsMiddle(t *testing.T) {
	second := strings.Builder{}
	for k := range 10_000 {
		fmt.Fprintf(&second, "line %05d\n", k)
	}
	head, _, _ := bounded(t, &Bound{Limit: 1 << 30, Rate: 2000}, 5*time.Second, second.String(), "quiet again\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if len(lines) < 150 || len(lines) > 200 || lines[0] != "line 00000" {
		t.Fatalf("%d lines, the first %q", len(lines), lines[0])
	}
	for _, want := range []string{"line 09999\nquiet again\n", " bytes of this second of the log are left out: it is bounded to 0 MB/s\nline 0"} {
		if !strings.Contains(head, want) {
			t.Errorf("%q is not in it: %s", want, head[len(head)-200:])
		}
	}
}

// A line that comes in two pieces may be cut where a bound is reached.
func TestACutLineIsNotMixedWithWordsAboutIt(t *testing.T) {
	head, _, _ := bounded(t, &Bound{Limit: 1 << 20, Rate: 100}, 0, "a line and half a", " line "+strings.Repeat("x", 1000)+"\nthe last\n")
	if want := "a line and half a …\nhpcbench: 1007 bytes of this second of the log are left out: it is bounded to 0 MB/s\nthe last\n"; !strings.HasPrefix(head, want) || strings.Count(head, "\n") != 4 {
		t.Errorf("%q, want %q", head, want)
	}
}

// full is a disk that is.
type full struct{ asked int }

func (f *full) Write([]byte) (int, error) { f.asked++; return 0, errors.New("no space left on device") }

func TestAFullDiskKeepsNoServerWaiting(t *testing.T) {
	head := new(full)
	b := &Bound{Head: head, Log: filepath.Join(t.TempDir(), "there", "is", "no", "directory"), Limit: 1000}
	if err := b.Copy(strings.NewReader(strings.Repeat("line\n", 1000))); err != nil || b.dropped < 5000 || head.asked == 0 {
		t.Errorf("%v, %d bytes are counted as lost, %d writes", err, b.dropped, head.asked)
	}
}

func BenchmarkBound(b *testing.B) {
	line := []byte(strings.Repeat("(EngineCore pid=904) INFO 11-26 10:13:08 [core.py:133] a line of a log as it is\n", 800))
	for name, rate := range map[string]int64{"all of it": 0, "8 MiB a second": 8 << 20} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			w := &Bound{Head: io.Discard, Log: filepath.Join(b.TempDir(), "log"), Limit: 64 << 20, Rate: rate, Now: time.Now}
			w.tail.path, w.tail.past, w.end.most = w.Log+".tail.log", w.Log+".past.log", int(rate/2)
			for b.Loop() {
				w.take(line)
			}
			w.tail.close()
		})
	}
}

// Who follows a bounded log sees each line once, though its parts take each other's places; and so does who goes on with it.
func TestABoundedLogIsFollowedOnce(t *testing.T) {
	dir := testRun(t, nil)
	r := &ring{path: filepath.Join(dir, "logs/server.d1.1.cn2.tail.log"), past: filepath.Join(dir, "logs/server.d1.1.cn2.past.log")}
	defer r.close()
	seen := map[string]int{}
	f := Follow(Open(dir), nil, nil, 1<<20)
	round := func() {
		if _, err := f.Round(false, func(e Entry) { seen[e.Message]++ }); err != nil {
			t.Error(err)
		}
	}
	const all = 60
	for k := range all {
		if err := r.write(fmt.Appendf(nil, "line %d of the tail\n", k), 100, begin); err != nil {
			t.Fatal(err)
		}
		if k%7 != 0 { // sometimes a part was moved, or two, before the next look
			round()
		}
		if k == all/2 {
			marks := f.Marks()
			f.Close()
			f = Follow(Open(dir), marks, nil, 1<<20)
		}
	}
	round()
	f.Close()
	for k := range all {
		if n := seen[fmt.Sprintf("line %d of the tail", k)]; n != 1 {
			t.Errorf("line %d came %d times", k, n)
		}
	}
}
