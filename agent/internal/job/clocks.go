package job

import (
	"bufio"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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
	latest := map[string]int64{}
	for _, path := range records(dir) {
		if h := header(path); h.Start > latest[h.Node] {
			offsets[h.Node], latest[h.Node] = h.Offset, h.Start
		}
	}
	return offsets
}

// records are the files of all trials and client nodes.
func records(dir string) []string {
	names, err := fs.Glob(os.DirFS(dir), "[0-9]*/*/records.jsonl")
	if err != nil {
		panic(err) // of a malformed pattern, and this one is not
	}
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	return names
}

// zero is what the first line of records.jsonl says of clocks (package record, Header).
type zero struct {
	Node   string  `json:"node"`
	Start  int64   `json:"start_unix_ns"`
	Offset float64 `json:"clock_offset_s"`
}

// header is nothing where the file can't be read: the report tells of that.
func header(path string) (h zero) {
	f, err := whole.Open(path)
	if err != nil {
		return h
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 64<<10).ReadSlice('\n')
	if err != nil || json.Unmarshal(line, &h) != nil {
		return zero{}
	}
	return h
}
