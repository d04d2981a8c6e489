package live

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
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
	heads []string
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
			t.heads = row
			continue
		}
		rows = append(rows, cells{t.heads, row})
	}
}

// cells are a row of a table.
type cells struct{ heads, row []string }

// text is the cell of a column; "" where there is none.
func (c cells) text(column string) string {
	for i, head := range c.heads {
		if head == column && i < len(c.row) {
			return c.row[i]
		}
	}
	return ""
}

// number is the cell of a column; NaN where there is none.
func (c cells) number(column string) float64 {
	v, err := strconv.ParseFloat(c.text(column), 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}
