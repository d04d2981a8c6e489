package live

import (
	"slices"
	"strings"

	"hpcbench/agent/internal/logs"
)

// line is a line of a log for the page.
type line struct {
	Time      float64 `json:"time"` // seconds since 1970, by the clock of the job's first node
	Level     string  `json:"level"`
	Category  string  `json:"category"`
	Component string  `json:"component"`
	Node      string  `json:"node"`
	Text      string  `json:"text"`
}

const (
	linesKept = 2000    // of all logs together
	lineMost  = 2000    // bytes of one line that are shown
	logPace   = 1 << 20 // bytes of one log that are read a second: who looks on costs no more of a server that talks and talks
)

// tails are the latest lines of a job's logs.
type tails struct {
	run      *logs.Run
	follower *logs.Follower
	looked   bool
	lines    []line
	came     []uint64
}

func newTails(dir string) *tails {
	if dir == "" {
		return &tails{}
	}
	run := logs.Open(dir)
	return &tails{run: run, follower: logs.Follow(run, nil, nil, logPace)}
}

// ahead is by how many seconds a node's clock is ahead of that of the job's first node, as far as that is known.
func (t *tails) ahead(node string) float64 {
	if t.run == nil {
		return 0
	}
	return t.run.Job.Ahead[node].Seconds()
}

// look takes the lines that came since, in the order of their time.
func (t *tails) look(count uint64) error {
	var fresh []line
	t.looked = true
	_, err := t.follower.Round(false, func(e logs.Entry) { fresh = append(fresh, lineOf(e)) }) // where there is more the next look has it
	slices.SortStableFunc(fresh, func(a, b line) int {
		switch {
		case a.Time < b.Time:
			return -1
		case a.Time > b.Time:
			return 1
		}
		return 0
	})
	for _, l := range fresh[max(0, len(fresh)-linesKept):] {
		t.lines, t.came = append(t.lines, l), append(t.came, count)
	}
	if n := len(t.lines) - linesKept; n > 0 {
		t.lines, t.came = slices.Clone(t.lines[n:]), slices.Clone(t.came[n:])
	}
	return err
}

// close lets go of the files.
func (t *tails) close() {
	if t.follower != nil {
		t.follower.Close()
	}
}

func lineOf(e logs.Entry) line {
	text := e.Message
	if len(text) > lineMost {
		text = strings.ToValidUTF8(text[:lineMost], "") + " …"
	}
	return line{float64(e.Time.UnixMilli()) / 1e3, string(e.Level), string(e.Category), e.Component, e.Node, text}
}

// since are the lines that came after a count.
func (t *tails) since(count uint64) []line {
	k, _ := slices.BinarySearch(t.came, count+1)
	return t.lines[k:]
}
