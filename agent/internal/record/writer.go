package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"
)

// What keeps a file of a long trial small: past gapsLimit bytes only one request in gapsEvery keeps its gaps.
// The histograms have them all.
const (
	gapsLimit = 50e6
	gapsEvery = 100
)

// Writer writes a header line and then one line a record. It allocates nothing a record once its line buffer has
// grown to the longest line. One goroutine uses it.
type Writer struct {
	w       *bufio.Writer
	at      io.WriterAt // nil: the header can't be mended, so gaps are never thinned
	header  Header
	width   int // of the header line without its newline
	line    []byte
	lines   int64 // records written
	size    int64 // bytes written
	limit   int64 // bytes after which gaps are thinned
	lastErr error // of mending the header
}

// NewWriter begins a file of records with the line of h, whose Schema and gap fields it sets itself. An error of w is
// returned by the next Write, Flush or Close that meets it.
//
// The header is the first line and must tell of thinned gaps, which are known of only later. Where w is an io.WriterAt
// (a file that begins at this header), the line is padded with blanks and written anew in its place at the moment
// thinning begins; elsewhere all gaps are kept.
func NewWriter(w io.Writer, h Header) *Writer {
	at, _ := w.(io.WriterAt)
	h.Schema, h.GapsEvery, h.GapsWhole = Schema, gapsEvery, math.MaxInt64
	width := len(headerLine(h, 0))
	h.GapsEvery, h.GapsWhole = 1, 0
	out := &Writer{w: bufio.NewWriterSize(w, 64<<10), at: at, header: h, width: width, limit: gapsLimit}
	out.put(append(headerLine(h, width), '\n'))
	return out
}

// headerLine is h as JSON, filled up with blanks to width.
func headerLine(h Header, width int) []byte {
	line, err := json.Marshal(h)
	if err != nil {
		panic(err) // a struct of strings and numbers; a clock offset is never NaN
	}
	return append(line, bytes.Repeat([]byte{' '}, max(0, width-len(line)))...)
}

// Write adds the line of r and keeps nothing of r.
func (w *Writer) Write(r *Record) error {
	if w.at != nil && w.header.GapsEvery == 1 && w.size >= w.limit {
		w.thin()
	}
	gaps := r.Gaps
	if (w.lines-w.header.GapsWhole)%int64(w.header.GapsEvery) != 0 {
		gaps = nil
	}
	w.line = appendRecord(w.line[:0], r, gaps)
	w.lines++
	if err := w.put(w.line); err != nil {
		return err
	}
	return w.lastErr
}

// thin begins to keep the gaps of one record in gapsEvery and says so in the header.
func (w *Writer) thin() {
	w.header.GapsEvery, w.header.GapsWhole = gapsEvery, w.lines
	if w.lastErr = w.w.Flush(); w.lastErr != nil {
		return
	}
	_, w.lastErr = w.at.WriteAt(headerLine(w.header, w.width), 0)
}

func (w *Writer) put(line []byte) error {
	n, err := w.w.Write(line)
	w.size += int64(n)
	return err
}

// Flush hands all that was written to the underlying writer.
func (w *Writer) Flush() error {
	if err := w.w.Flush(); err != nil {
		return err
	}
	return w.lastErr
}

// Close flushes. The underlying writer stays open: it is its opener's to close.
func (w *Writer) Close() error { return w.Flush() }
