package readings

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Merge writes the readings of all nodes in dir, a job's results, into one file there: a row a reading in the order of time, with
// the node behind its time, and every column that any node has; a cell is empty where a node has not got the column. Times are by
// the clock of the job's first node as far as offsets, seconds by node, say how far the others are ahead of it. Nodes whose file
// can't be read are left out, and the error names them.
func Merge(dir, name string, offsets map[string]float64) error {
	var files []*merging
	var failures []error
	for _, node := range Nodes(dir) {
		f, err := Open(Path(dir, node))
		if err != nil {
			failures = append(failures, err)
			continue
		}
		defer f.Close()
		files = append(files, &merging{File: f, node: node, offset: offsets[node]})
	}
	if len(files) == 0 {
		return errors.Join(append(failures, fmt.Errorf("no monitor has left a file in %s", dir))...)
	}
	path := filepath.Join(dir, "."+name+".new")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	torn, err := write(out, files)
	if err := errors.Join(err, out.Close()); err != nil {
		_ = os.Remove(path) // the first error is the one to tell
		return err
	}
	return errors.Join(append(failures, torn, os.Rename(path, filepath.Join(dir, name)))...)
}

// merging is a node's file with the row that comes next.
type merging struct {
	*File
	node   string
	offset float64
	place  []int // of each of its columns in the merged file
	row    Row
	at     float64 // of the row, by the first node's clock
}

// next reads the row that comes next; false at the end.
func (m *merging) next() (bool, error) {
	row, err := m.File.Next()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	m.row, m.at = row, row.At-m.offset
	return err == nil, err
}

// write merges the files row by row: of the rows that come next always the earliest. A file that can't be read to its end ends
// there, which torn tells.
func write(out io.Writer, files []*merging) (torn, err error) {
	heads := place(files)
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, strings.Join(append([]string{timeColumn, "node"}, heads...), ",")) // Flush tells of its errors
	var failures []error
	advance := func(m *merging) {
		more, err := m.next()
		if err != nil {
			failures = append(failures, err)
		}
		if !more {
			files = slices.DeleteFunc(files, func(other *merging) bool { return other == m })
		}
	}
	for _, m := range slices.Clone(files) {
		advance(m)
	}
	cells := make([]string, len(heads))
	for len(files) > 0 {
		m := slices.MinFunc(files, func(a, b *merging) int { return compare(a, b) })
		clear(cells)
		for i, k := range m.place {
			cells[k] = m.row.Cell(i)
		}
		fmt.Fprintf(w, "%s,%s,%s\n", strconv.FormatFloat(m.at, 'f', 3, 64), m.node, strings.Join(cells, ","))
		advance(m)
	}
	return errors.Join(failures...), w.Flush()
}

func compare(a, b *merging) int {
	switch {
	case a.at < b.at:
		return -1
	case a.at > b.at:
		return 1
	}
	return strings.Compare(a.node, b.node)
}

// place gives each file's columns their places among those of all, in the order in which they come up.
func place(files []*merging) (heads []string) {
	at := map[string]int{}
	for _, m := range files {
		for _, name := range m.Columns {
			if _, known := at[name]; !known {
				at[name] = len(heads)
				heads = append(heads, name)
			}
			m.place = append(m.place, at[name])
		}
	}
	return heads
}
