package logs

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/whole"
)

// Records are the client's own account of a request, an entry for each line of records.jsonl that is of it: of a search there is one
// for each of its probes, of which the results keep the last.
func (r *Run) Records(want *Request) (all []Entry, err error) {
	for _, path := range whole.Glob(r.Dir, "*/*/records.jsonl") {
		h, own, err := r.recordsOf(path, want)
		if err != nil {
			return all, err
		}
		if h.Node != "" && !slices.Contains(r.Job.Nodes, h.Node) {
			r.Job.Nodes = append(r.Job.Nodes, h.Node)
		}
		all = append(all, own...)
	}
	return all, nil
}

func (r *Run) recordsOf(path string, want *Request) (h record.Header, all []Entry, err error) {
	trial := filepath.Base(filepath.Dir(filepath.Dir(path)))
	if number(trial) != number(want.Trial) {
		return h, nil, nil
	}
	f, err := whole.Open(path)
	if err != nil {
		return h, nil, err
	}
	defer f.Close()
	h, records, err := record.Read(f)
	if err != nil || want.Node != "" && want.Node != h.Node {
		return h, nil, err
	}
	name, err := filepath.Rel(r.Dir, path)
	if err != nil {
		name = path
	}
	line := 1
	for one, err := range records {
		if err != nil {
			return h, all, nil // the last line of a trial that was killed
		}
		if line++; one.ID == int64(number(want.Index)) {
			e := account(h, one)
			e.File, e.Line = name, line
			all = append(all, e)
		}
	}
	return h, all, nil
}

// account is a record in words, at the time when it was sent, or was due where it was not.
func account(h record.Header, r *record.Record) Entry {
	e := Entry{
		Level: Info, Category: Application, Node: h.Node, Component: "client", Trial: h.Trial,
		Request: h.Trial + "-" + h.Node + "-" + strconv.FormatInt(r.ID, 10),
	}
	at := r.Sent
	if math.IsNaN(at) {
		at = r.Scheduled
	}
	e.Time = time.Unix(0, h.StartUnixNS).Add(duration(at - h.ClockOffsetS)).UTC()
	words := []string{fmt.Sprintf("record: %v", r.Outcome), r.Phase.String()}
	if r.Outcome != record.OK {
		e.Level = Error
	}
	for _, m := range []struct {
		name string
		s    float64
	}{{"lateness", r.Sent - r.Scheduled}, {"TTFT", r.FirstToken - r.Sent}, {"E2EL", r.LastToken - r.Sent}, {"done after", r.Done - r.Sent}} {
		if !math.IsNaN(m.s) {
			words = append(words, fmt.Sprintf("%s %.1f ms", m.name, m.s*1e3))
		}
	}
	if r.Status != 0 {
		words = append(words, fmt.Sprintf("HTTP %d", r.Status))
	}
	if r.OutputTokens >= 0 {
		words = append(words, fmt.Sprintf("%d tokens", r.OutputTokens))
	}
	if r.Error != "" {
		words = append(words, r.Error)
	}
	e.Message = strings.Join(words, " · ")
	return e
}
