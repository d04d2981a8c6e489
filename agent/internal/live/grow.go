package live

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"regexp"
	"strconv"

	"hpcbench/agent/internal/whole"
)

// atOnce is the most that is read of a file in one look, in bytes; the next look reads on.
const atOnce = 16 << 20

// growing is a file that somebody else appends lines to.
type growing struct {
	path   string
	offset int64
	was    os.FileInfo
}

// read gives the whole lines that are new; anew: the file is another one, or was cut, and they are its first. That it is not
// there yet is no error.
func (g *growing) read() (text []byte, anew bool, err error) {
	f, err := whole.Open(g.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if g.was != nil && (!os.SameFile(g.was, info) || info.Size() < g.offset) {
		g.offset, anew = 0, true
	}
	g.was = info
	text = make([]byte, min(atOnce, info.Size()-g.offset))
	n, err := f.ReadAt(text, g.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, anew, err
	}
	text = text[:bytes.LastIndexByte(text[:n], '\n')+1] // what is behind it is still being written
	g.offset += int64(len(text))
	return text, anew, nil
}

// table is a CSV file that grows, with a header line.
type table struct {
	growing
	heads *heads
}

// rows gives the rows that are new, each by column; what is no number is NaN, and a column that is not there, too.
func (t *table) rows() (rows []cells, anew bool, err error) {
	text, anew, err := t.read()
	if anew {
		t.heads = nil
	}
	if err != nil || len(text) == 0 {
		return nil, anew, err
	}
	lines := csv.NewReader(bytes.NewReader(text))
	lines.FieldsPerRecord = -1
	for {
		row, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return rows, anew, nil
		}
		if err != nil {
			return rows, anew, err
		}
		if t.heads == nil {
			t.heads = headsOf(row)
			continue
		}
		rows = append(rows, cells{t.heads, row})
	}
}

// heads are where a table's columns are: looked up once, for a long run has millions of cells.
type heads struct {
	at   map[string]int
	gpus map[string][]int // of each GPU, by what stands behind gpu0_
}

// ofGPU is a column of one GPU.
var ofGPU = regexp.MustCompile(`^gpu\d+_(.+)$`)

func headsOf(row []string) *heads {
	h := &heads{map[string]int{}, map[string][]int{}}
	for k, name := range row {
		h.at[name] = k
		if m := ofGPU.FindStringSubmatch(name); m != nil {
			h.gpus[m[1]] = append(h.gpus[m[1]], k)
		}
	}
	return h
}

// cells are a row of a table.
type cells struct {
	heads *heads
	row   []string
}

// text is the cell of a column; "" where there is none.
func (c cells) text(column string) string {
	if k, known := c.heads.at[column]; known && k < len(c.row) {
		return c.row[k]
	}
	return ""
}

// number is the cell of a column; NaN where there is none.
func (c cells) number(column string) float64 { return numberIn(c.text(column)) }

func numberIn(cell string) float64 {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// overGPUs is the sum of a reading over a node's GPUs, or its mean; NaN where there is none.
func (c cells) overGPUs(what string, mean bool) float64 {
	sum, n := 0.0, 0.0
	for _, k := range c.heads.gpus[what] {
		if k < len(c.row) {
			if v := numberIn(c.row[k]); !math.IsNaN(v) {
				sum, n = sum+v, n+1
			}
		}
	}
	switch {
	case n == 0:
		return math.NaN()
	case mean:
		return sum / n
	}
	return sum
}
