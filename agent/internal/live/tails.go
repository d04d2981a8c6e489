package live

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// line is a line of a log for the page.
type line struct {
	Time      float64 `json:"time,omitempty"` // seconds since 1970; absent: not known
	Level     string  `json:"level"`
	Category  string  `json:"category"`
	Component string  `json:"component"`
	Node      string  `json:"node"`
	Text      string  `json:"text"`
}

const (
	linesKept  = 2000     // of all logs together
	linesFirst = 64 << 10 // bytes at the end of each log that are read first
	lineMost   = 2000     // bytes of one line that are shown
	logsMost   = 500      // files that are followed
)

// tails are the ends of a job's logs.
type tails struct {
	dir   string
	files map[string]*growing
	lines []line
	came  []uint64
}

func newTails(dir string) *tails { return &tails{dir: dir, files: map[string]*growing{}} }

// look reads what was written since.
func (t *tails) look(count uint64) error {
	names, err := os.ReadDir(t.dir)
	if os.IsNotExist(err) {
		return nil
	}
	var fresh []line
	for _, entry := range names {
		name := entry.Name()
		if !strings.HasSuffix(name, ".log") || t.files[name] == nil && len(t.files) >= logsMost {
			continue
		}
		g := t.files[name]
		if g == nil {
			g = &growing{path: filepath.Join(t.dir, name)}
			if info, err := entry.Info(); err == nil {
				g.offset = max(0, info.Size()-linesFirst)
			}
			t.files[name] = g
		}
		text, _, failed := g.read()
		if failed != nil {
			err = failed
		}
		fresh = append(fresh, t.parse(name, text)...)
	}
	slices.SortStableFunc(fresh, func(a, b line) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return 0
	})
	for _, l := range fresh {
		t.lines, t.came = append(t.lines, l), append(t.came, count)
	}
	if n := len(t.lines) - linesKept; n > 0 {
		t.lines, t.came = slices.Clone(t.lines[n:]), slices.Clone(t.came[n:])
	}
	return err
}

// since are the lines that came after a count.
func (t *tails) since(count uint64) []line {
	k, _ := slices.BinarySearch(t.came, count+1)
	return t.lines[k:]
}

// parse makes lines of a file's text. A line that does not tell its time is of when it was read.
func (t *tails) parse(name string, text []byte) (all []line) {
	now := float64(time.Now().UnixMilli()) / 1e3
	for text := range bytes.Lines(text) {
		text = bytes.TrimRight(text[:min(len(text), lineMost)], "\r\n")
		if len(text) == 0 {
			continue
		}
		component, rest, _ := strings.Cut(strings.TrimSuffix(name, ".log"), ".")
		l := line{Time: now, Component: component, Node: rest, Category: "benchmark", Text: strings.ToValidUTF8(string(text), "�")}
		var own struct {
			Time                             time.Time
			Level, Category, Node, Component string
			Message                          string
		}
		if text[0] == '{' && json.Unmarshal(text, &own) == nil && own.Message != "" {
			l.Level, l.Text, l.Node, l.Component = own.Level, own.Message, own.Node, own.Component
			if !own.Time.IsZero() {
				l.Time = float64(own.Time.UnixMilli()) / 1e3
			}
		}
		all = append(all, l)
	}
	return all
}
