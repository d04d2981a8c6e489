// Package readings reads what the monitors of a job's nodes wrote: monitor-<node>.csv, of which a part may still be under way.
package readings

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hpcbench/agent/internal/whole"
)

// timeColumn is the first of every file: seconds since 1970 by the node's clock.
const timeColumn = "time_s"

// piece is how much is read at once, and what Skip leaves to be read row by row is a few of them.
const piece = 64 << 10

// mostLine is the longest line that is read: 256 cores and 16 GPUs make one of 6 kB.
const mostLine = 1 << 20

// Nodes are the nodes whose monitor has left a file in dir, a job's results, in the order of their names.
func Nodes(dir string) []string {
	files, err := fs.Glob(os.DirFS(dir), "monitor-*.csv")
	if err != nil {
		panic(err) // of a malformed pattern, and this one is not
	}
	for i, name := range files {
		files[i] = name[len("monitor-") : len(name)-len(".csv")]
	}
	return files
}

// Path is a node's file.
func Path(dir, node string) string { return filepath.Join(dir, "monitor-"+node+".csv") }

// File is a node's file while it is read.
type File struct {
	Columns []string // of the numbers and words, by their order in a Row

	path  string
	file  *os.File
	lines *bufio.Scanner
}

// Row is a reading of everything. It holds until the next is read.
type Row struct {
	At    float64 // seconds since 1970 by the node's clock
	cells [][]byte
}

// Open opens a node's file and reads its header.
func Open(path string) (*File, error) {
	f, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	r := &File{path: path, file: f}
	r.scan()
	if !r.lines.Scan() {
		err = r.lines.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		_ = f.Close() // the first error is the one to tell
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	heads := strings.Split(r.lines.Text(), ",")
	if heads[0] != timeColumn {
		_ = f.Close()
		return nil, fmt.Errorf("reading %s: no column %s in front, but %.40q", path, timeColumn, heads[0])
	}
	r.Columns = heads[1:]
	return r, nil
}

// scan reads lines from where the file is.
func (f *File) scan() {
	f.lines = bufio.NewScanner(f.file)
	f.lines.Buffer(make([]byte, piece), mostLine)
	f.lines.Split(wholeLines)
}

// wholeLines gives the lines that have an end: a last one without is still being written.
func wholeLines(data []byte, _ bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, bytes.TrimSuffix(data[:i], []byte{'\r'}), nil
	}
	return 0, nil, nil
}

// Close closes the file.
func (f *File) Close() { _ = f.file.Close() } // it was only read

// Skip goes on with rows of shortly before an instant, and reads few of those before: a day of readings is a hundred megabytes,
// and each trial asks for its own minutes. The rows of a clock that was set back may be passed over.
func (f *File) Skip(at float64) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	low, high := int64(0), info.Size() // low is where a line begins that is before the instant
	for high-low > 4*piece {
		middle := low + (high-low)/2
		if t, begin, known := f.behind(middle); known && t < at {
			low = begin
		} else {
			high = middle
		}
	}
	if _, err := f.file.Seek(low, io.SeekStart); err != nil {
		return err
	}
	f.scan()
	return nil
}

// behind is the instant of the first row that begins behind an offset, and where it begins; false where that is not to be seen.
func (f *File) behind(offset int64) (at float64, begin int64, known bool) {
	text := make([]byte, piece)
	n, err := f.file.ReadAt(text, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, false // who reads on is told
	}
	before, rest, _ := bytes.Cut(text[:n], []byte{'\n'})
	first, _, whole := bytes.Cut(rest, []byte{','})
	at, err = strconv.ParseFloat(string(first), 64)
	return at, offset + int64(len(before)) + 1, whole && err == nil
}

// Next is the next row, io.EOF after the last. A line that is no row, as after a full disk, is left out.
func (f *File) Next() (Row, error) { return f.From(math.Inf(-1)) }

// From is the next row of an instant or after it. Those before it cost little.
func (f *File) From(at float64) (Row, error) {
	for f.lines.Scan() {
		if row, is := f.row(f.lines.Bytes(), at); is {
			return row, nil
		}
	}
	if err := f.lines.Err(); err != nil {
		return Row{}, fmt.Errorf("reading %s: %w", f.path, err)
	}
	return Row{}, io.EOF
}

// row is a line as a row; false where it is none, or before an instant.
func (f *File) row(line []byte, at float64) (Row, bool) {
	first, rest, _ := bytes.Cut(line, []byte{','})
	t, err := strconv.ParseFloat(string(first), 64)
	if err != nil || math.IsNaN(t) || math.IsInf(t, 0) || t < at {
		return Row{}, false
	}
	cells := bytes.Split(rest, []byte{','})
	return Row{t, cells}, len(cells) == len(f.Columns) || len(f.Columns) == 0 && len(rest) == 0
}

// Cell is the text of a column, "" where the reading is missing.
func (r Row) Cell(column int) string { return string(r.cells[column]) }

// Number is the number in a column; NaN where it is missing, and of column −1.
func (r Row) Number(column int) float64 {
	if column < 0 {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(string(r.cells[column]), 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// Last is the last row of a file that is there, by the file's end alone, with the columns; false where there is none.
func Last(path string) (columns []string, row Row, known bool) {
	f, err := Open(path)
	if err != nil {
		return nil, Row{}, false
	}
	defer f.Close()
	info, err := f.file.Stat()
	if err != nil {
		return nil, Row{}, false
	}
	text := make([]byte, min(info.Size(), piece))
	if _, err := f.file.ReadAt(text, info.Size()-int64(len(text))); err != nil {
		return nil, Row{}, false
	}
	for end := bytes.LastIndexByte(text, '\n'); end >= 0; {
		begin := bytes.LastIndexByte(text[:end], '\n')
		if row, known = f.row(bytes.TrimSuffix(text[begin+1:end], []byte{'\r'}), math.Inf(-1)); known && begin >= 0 { // the first line is the header, or cut
			return f.Columns, row, true
		}
		end = begin
	}
	return nil, Row{}, false
}
