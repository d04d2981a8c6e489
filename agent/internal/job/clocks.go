package job

import (
	"bufio"
	"cmp"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"hpcbench/agent/internal/whole"
)

// compared is what the preflight says of a node's clock (package preflight, judgeClock).
var compared = regexp.MustCompile(`([0-9.]+) s (ahead of|behind) the first node's`)

// Offsets is how far each node's clock is ahead of that of the job's first node, in seconds, as far as anybody compared them: the
// preflight did before the servers were started, and each trial did with its client nodes; the latest counts.
func (j *Job) Offsets(dir string) map[string]float64 {
	offsets := map[string]float64{}
	for _, c := range j.Preflight {
		m := compared.FindStringSubmatch(c.Words)
		if c.Check != "clock" || m == nil {
			continue
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			continue
		}
		if m[2] == "behind" {
			v = -v
		}
		offsets[c.Node] = v
	}
	measured := map[string]bool{}
	for _, t := range slices.SortedFunc(slices.Values(j.Trials), func(a, b Trial) int { return cmp.Compare(b.Start, a.Start) }) {
		told, news := false, false
		for _, h := range headers(filepath.Join(dir, t.ID)) {
			if told = true; !measured[h.Node] {
				offsets[h.Node], measured[h.Node], news = h.Offset, true, true
			}
		}
		if told && !news { // a job may have thousands of trials, and all of its client nodes are in each
			break
		}
	}
	return offsets
}

// headers are those of a trial's client nodes, as far as they can be read: the report tells of the others.
func headers(trial string) (all []zero) {
	names, err := fs.Glob(os.DirFS(trial), "*/records.jsonl")
	if err != nil {
		panic(err) // of a malformed pattern, and this one is not
	}
	for _, name := range names {
		if h, known := header(filepath.Join(trial, name)); known {
			all = append(all, h)
		}
	}
	return all
}

// zero is what the first line of records.jsonl says of clocks (package record, Header).
type zero struct {
	Node   string  `json:"node"`
	Offset float64 `json:"clock_offset_s"`
}

func header(path string) (h zero, known bool) {
	f, err := whole.Open(path)
	if err != nil {
		return h, false
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 64<<10).ReadSlice('\n')
	return h, err == nil && json.Unmarshal(line, &h) == nil && h.Node != ""
}
