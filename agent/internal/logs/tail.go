package logs

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// The bounds of what a Tail takes in.
const (
	longest   = 64 << 10 // bytes that are kept of a line; some servers write whole prompts
	chunk     = 256 << 10
	headBytes = 256 // by which a file that was written anew under its name is known
	hole      = 16  // zero bytes in a row that may be data still to come
)

// patience is how long zero bytes are waited for, which file servers show where a file has grown and its data has not come.
const patience = 10 * time.Second

// Place is how far a file was read, for who goes on with it later.
type Place struct {
	Offset int64  `json:"offset"` // of the first byte of the first line that was not given yet
	Line   int    `json:"line"`   // lines given
	Device uint64 `json:"device,omitempty"`
	Inode  uint64 `json:"inode,omitempty"`
	Head   int    `json:"head,omitempty"` // so many bytes at the begin have this sum
	Sum    uint32 `json:"sum,omitempty"`
}

// Tail gives the lines of a file as they come (spec §9.3). It goes on where the file is moved away and made anew, cut or written
// over; one that is not there yet is waited for. One goroutine uses it.
type Tail struct {
	Path   string
	Now    func() time.Time // nil: time.Now
	Place  Place
	file   *os.File
	buffer []byte
	line   []byte // the begin of a line whose end has not come
	cut    int64  // bytes of it beyond what is kept
	read   int64  // where the file is read next
	zeros  time.Time
	done   bool // the file will not grow: a line without an end is one
}

// Whole makes what is there all that is waited for: the last line needs no newline, and zeros are bytes like others.
func (t *Tail) Whole() { t.done = true }

// Poll gives the lines that have come, of at most limit bytes (0: all that is there), and tells how many bytes it read. The text is
// valid until give returns; more says what is missing of a line that was cut. A file that is not there has no lines.
func (t *Tail) Poll(limit int64, give func(text []byte, more string)) (n int64, err error) {
	if t.Now == nil {
		t.Now = time.Now
	}
	if err := t.open(give); err != nil || t.file == nil {
		return 0, err
	}
	defer func() {
		if t.file != nil && t.Place.Head < headBytes {
			t.same() // there is more by now to know it by
		}
	}()
	for limit == 0 || n < limit {
		got, err := t.some(give)
		n += got
		if errors.Is(err, syscall.ESTALE) {
			t.close()
			return n, nil
		}
		if err != nil || got == 0 {
			return n, err
		}
	}
	return n, nil
}

// Behind is how many bytes of the file have not been read.
func (t *Tail) Behind() int64 {
	info, err := os.Stat(t.Path)
	if err != nil {
		return 0
	}
	return max(0, info.Size()-t.read)
}

// Skip passes over what has not been read but the last keep bytes, up to the end of a line, and tells how many bytes that were.
func (t *Tail) Skip(keep int64) int64 {
	from, behind := t.read, t.Behind()
	if t.file == nil || behind <= keep {
		return 0
	}
	t.read += behind - keep
	b := make([]byte, longest)
	n, _ := t.file.ReadAt(b, t.read) // what can't be read now is told of by the next Poll
	if k := bytes.IndexByte(b[:n], '\n'); k >= 0 {
		t.read += int64(k) + 1
	}
	t.line, t.cut = t.line[:0], 0
	t.Place.Offset = t.read
	return t.read - from
}

// Close lets go of the file.
func (t *Tail) Close() error { t.close(); return nil }

func (t *Tail) close() {
	if t.file != nil {
		_ = t.file.Close() // it was read only
		t.file = nil
	}
}

// open makes sure that the file that is read is the one of that name, and that it goes on where it was left.
func (t *Tail) open(give func([]byte, string)) error {
	info, err := os.Stat(t.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist): // or moved away: it may still grow until there is a new one
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: it is no regular file", t.Path)
	}
	device, inode := identity(info)
	if t.file != nil && (device != t.Place.Device || inode != t.Place.Inode) {
		if err := t.rest(give); err != nil {
			return err
		}
		t.close()
		t.restart(give)
	}
	if t.file == nil {
		if t.file, err = os.OpenFile(t.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
			t.file = nil
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if info, err = t.file.Stat(); err != nil {
			return err
		}
		device, inode = identity(info)
		t.read = t.Place.Offset
		t.line, t.cut = t.line[:0], 0
	}
	t.Place.Device, t.Place.Inode = device, inode
	if info.Size() < t.read || !t.same() {
		t.restart(give)
	}
	return nil
}

// rest gives what is left of a file that was moved away.
func (t *Tail) rest(give func([]byte, string)) error {
	for {
		n, err := t.some(give)
		if errors.Is(err, syscall.ESTALE) || n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// restart begins anew at the file's first byte. A line whose end never came is given as it is.
func (t *Tail) restart(give func([]byte, string)) {
	if len(t.line) > 0 {
		t.give(give)
	}
	t.Place, t.read, t.zeros = Place{Device: t.Place.Device, Inode: t.Place.Inode}, 0, time.Time{}
}

// same tells whether the file begins as it did; of a file that has grown it takes in more of its begin.
func (t *Tail) same() bool {
	b := make([]byte, headBytes)
	n, err := t.file.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return true // the read that follows tells of it
	}
	if n < t.Place.Head || crc32.ChecksumIEEE(b[:t.Place.Head]) != t.Place.Sum && t.Place.Head > 0 {
		return false
	}
	n = int(min(int64(n), t.read))
	if n > t.Place.Head {
		t.Place.Head, t.Place.Sum = n, crc32.ChecksumIEEE(b[:n])
	}
	return true
}

// some reads a piece and gives its lines.
func (t *Tail) some(give func([]byte, string)) (int64, error) {
	if t.buffer == nil {
		t.buffer = make([]byte, chunk)
	}
	n, err := t.file.ReadAt(t.buffer, t.read)
	if err == io.EOF {
		err = nil
	}
	n = t.solid(n)
	t.read += int64(n)
	t.take(t.buffer[:n], give)
	if t.done && n == 0 && err == nil && len(t.line) > 0 {
		t.give(give)
	}
	return int64(n), err
}

// solid is how many of the bytes read are data for certain. Zeros in a row may be what is still to come: they are waited for,
// and taken for data when the patience is over.
func (t *Tail) solid(n int) int {
	k := bytes.Index(t.buffer[:n], make([]byte, hole))
	if k < 0 && n > 0 && t.buffer[n-1] == 0 {
		k = len(bytes.TrimRight(t.buffer[:n], "\x00"))
	}
	switch {
	case t.done || k < 0:
		t.zeros = time.Time{}
		return n
	case k > 0:
		t.zeros = time.Time{}
		return k
	case t.zeros.IsZero():
		t.zeros = t.Now()
		return 0
	case t.Now().Sub(t.zeros) < patience:
		return 0
	}
	return n - len(bytes.TrimLeft(t.buffer[:n], "\x00"))
}

// take cuts a piece into lines.
func (t *Tail) take(p []byte, give func([]byte, string)) {
	for len(p) > 0 {
		k := bytes.IndexByte(p, '\n')
		if k < 0 {
			t.keep(p)
			return
		}
		t.keep(p[:k])
		p = p[k+1:]
		t.Place.Offset = t.read - int64(len(p))
		t.give(give)
	}
}

// keep adds to the line, up to what is kept of one.
func (t *Tail) keep(p []byte) {
	room := longest - len(t.line)
	t.line = append(t.line, p[:min(room, len(p))]...)
	t.cut += int64(max(0, len(p)-room))
}

func (t *Tail) give(give func([]byte, string)) {
	more := ""
	if t.cut > 0 {
		more = fmt.Sprintf(" … (%d bytes, cut after %d)", t.cut+int64(len(t.line)), len(t.line))
	}
	t.Place.Line++
	give(t.line, more)
	t.line, t.cut = t.line[:0], 0
}

func identity(info fs.FileInfo) (device, inode uint64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Dev), s.Ino
	}
	return 0, 0
}
