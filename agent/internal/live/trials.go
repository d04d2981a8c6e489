package live

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/whole"
)

// The columns of a trial's points, behind the time of the row's middle. Counts are of the whole row; latencies are seconds.
var trialColumns = []string{"step_s", "due", "ok", "failed", "output_tokens", "in_flight",
	"ttft_s_p50", "ttft_s_p95", "ttft_s_p99", "tpot_s_p50", "tpot_s_p95", "tpot_s_p99", "e2el_s_p50", "e2el_s_p95", "e2el_s_p99"}

// trial is a trial by the second, and what its summary says when it is over.
type trial struct {
	curve   curve
	settled bool // its files were read, and do not change any more
	told    bool // those of its servers were
	summary *summary.Summary
	start   float64 // its time zero in seconds since 1970, as the executors say; 0: not known
	step    int64   // length of its rows in seconds, likewise
}

// pointsInAll is how many points of all trials together are kept; each has some at least.
const pointsInAll = 7200

// readTrials reads the files of trials that are over.
func (r *run) readTrials() {
	if r.job == nil {
		return
	}
	for _, t := range r.job.Trials {
		over := slices.Contains([]string{"complete", "failed", "stopped"}, t.State)
		if known := r.trial(t.ID); over && !known.settled {
			r.note("trial "+t.ID, r.settle(t.ID, t.Start, known))
			known.settled, r.account = true, r.count
		}
	}
}

// trial is what is known of a trial.
func (r *run) trial(id string) *trial {
	if r.trials[id] == nil {
		r.trials[id] = &trial{}
	}
	return r.trials[id]
}

// settle takes what a trial left. Of a search the rows that were seen stay: its files are those of one probe.
func (r *run) settle(id string, noted float64, t *trial) error {
	dir := filepath.Join(r.dir, id)
	text, err := whole.Read(filepath.Join(dir, "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &t.summary)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if t.summary != nil && t.summary.Search != nil && len(t.curve.points) > 0 {
		return nil
	}
	zero := firstOf(startOf(dir), t.start, noted)
	rows, _, err := (&table{growing: growing{path: filepath.Join(dir, summary.SeriesFile)}}).rows()
	if err != nil || len(rows) == 0 {
		return err // the rows that were seen are better than none
	}
	var points []point
	for _, row := range rows {
		step := row.number("step_s")
		p := point{zero - r.start() + row.number("time_s") + step/2}
		for _, column := range trialColumns {
			p = append(p, row.number(column))
		}
		points = append(points, p)
	}
	most := max(12, pointsInAll/max(1, len(r.job.Trials)))
	t.curve.replace(r.count, joined(points, (len(points)+most-1)/most))
	return nil
}

// startOf is a trial's time zero by the header of a client node's records, on the clock of the job's first node; 0: there are none.
func startOf(dir string) float64 {
	files, err := fs.Glob(os.DirFS(dir), "*/records.jsonl")
	if err != nil || len(files) == 0 {
		return 0
	}
	f, err := whole.Open(filepath.Join(dir, files[0]))
	if err != nil {
		return 0
	}
	defer f.Close()
	h, _, err := record.Read(f)
	if err != nil {
		return 0
	}
	return float64(h.StartUnixNS)/1e9 - h.ClockOffsetS
}

// firstOf is the first that is not 0.
func firstOf(all ...float64) float64 {
	for _, v := range all {
		if v != 0 {
			return v
		}
	}
	return 0
}
