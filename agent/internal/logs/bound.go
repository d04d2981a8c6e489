package logs

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"
)

// Bound stands between a server and its log, and keeps what the server writes below a size and a rate: a server that writes
// 100 MB of log a second fills no disk, and takes the shared file system from nobody.
//
// The first half of Limit goes to Head. What follows goes to LOG.tail.log, which becomes LOG.past.log when it has a quarter of
// Limit, and is begun anew: so the log's first words, which prove how the server runs, and its last, which tell why it ended, are
// there at any time. Of each second the first and the last half of Rate pass, and between them the number of bytes left out.
// Nothing is held back while a server writes less than that, not even a line without an end.
type Bound struct {
	Head  io.Writer
	Log   string // path of the log without .log; Head is that file, or ends there
	Limit int64  // bytes
	Rate  int64  // bytes a second; 0: no bound
	Now   func() time.Time

	written int64 // to Head
	moved   bool  // Head has all that it may have
	tail    ring
	passed  int64 // in this second
	end     lastBytes
	open    bool  // the last line that passed has no end yet
	over    bool  // of this second some go into end
	dropped int64 // bytes that are nowhere, tail.gone aside
}

// beat is how long what is over the rate is kept back.
const beat = time.Second

// Copy takes all that r has to its end. Where Head or the files can't be written, what was to be written is lost, and r is still
// read: a server must not wait for its log.
func (b *Bound) Copy(r io.Reader) error {
	if b.Now == nil {
		b.Now = time.Now
	}
	b.tail.path, b.tail.past = b.Log+Tailed+".log", b.Log+Past+".log"
	b.end.most = int(b.Rate / 2)
	pieces, free := make(chan []byte), make(chan []byte, 2)
	free <- make([]byte, chunk)
	free <- make([]byte, chunk)
	var problem error
	go func() {
		defer close(pieces) // by which the end of this is known below
		problem = readInto(r, pieces, free)
	}()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case piece, open := <-pieces:
			if !open {
				b.finish()
				return problem
			}
			b.take(piece)
			free <- piece
		case <-tick.C:
			b.second()
		}
	}
}

// readInto reads to the end of r, each time into a piece that is free.
func readInto(r io.Reader, pieces chan<- []byte, free chan []byte) error {
	for {
		piece := <-free
		n, err := r.Read(piece[:chunk])
		if n > 0 {
			pieces <- piece[:n]
		} else {
			free <- piece
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take passes a piece on, as far as this second has room.
func (b *Bound) take(p []byte) {
	if b.Rate == 0 {
		b.put(p)
		return
	}
	if room := b.Rate/2 - b.passed; !b.over && int64(len(p)) > room {
		n := bytes.LastIndexByte(p[:max(0, room)], '\n') + 1
		b.put(p[:n])
		p, b.over = p[n:], true
	}
	if b.over {
		b.end.add(p)
		return
	}
	b.passed += int64(len(p))
	b.put(p)
}

// second lets the end of what was over the rate pass, and begins anew.
func (b *Bound) second() {
	if b.over {
		text, lost := b.end.take()
		if lost > 0 {
			b.dropped += lost
			b.put(b.note("%d bytes of this second of the log are left out: it is bounded to %d MB/s", lost, b.Rate>>20))
		}
		b.put(text)
	}
	b.passed, b.over = 0, false
}

// finish writes what is kept back, and how much of the log is nowhere.
func (b *Bound) finish() {
	b.second()
	if gone := b.dropped + b.tail.gone; gone > 0 {
		b.begin(fmt.Appendf(nil, "hpcbench: %d MB of this log are left out: it is bounded to %d MB, and to %d MB/s (logging.retention)\n", gone>>20, b.Limit>>20, b.Rate>>20))
	}
	b.tail.close()
}

// put writes to the head of the log while that has room, and then to its tail. What can't be written is lost.
func (b *Bound) put(p []byte) {
	if len(p) > 0 {
		defer func(last byte) { b.open = last != '\n' }(p[len(p)-1])
	}
	if room := b.Limit/2 - b.written; !b.moved && int64(len(p)) > room {
		n := bytes.LastIndexByte(p[:room], '\n') + 1
		b.begin(p[:n])
		b.begin(b.note("this log goes on in %s: it is bounded to %d MB (logging.retention)", filepath.Base(b.tail.path), b.Limit>>20))
		p, b.moved = p[n:], true
	}
	if !b.moved {
		b.begin(p)
		return
	}
	if len(p) == 0 {
		return
	}
	for piece := range slices.Chunk(p, 32<<10) { // small beside a part of the log
		if err := b.tail.write(piece, b.Limit/4, b.Now()); err != nil {
			b.dropped += int64(len(piece))
			b.tail.close() // the next piece tries anew
		}
	}
}

// note is a line of our own, behind the line of the server that may stand there without its end.
func (b *Bound) note(words string, about ...any) []byte {
	before := ""
	if b.open {
		before = " …\n"
	}
	b.open = false
	return fmt.Appendf(nil, before+"hpcbench: "+words+"\n", about...)
}

// begin writes to the head.
func (b *Bound) begin(p []byte) {
	if _, err := b.Head.Write(p); err != nil {
		b.dropped += int64(len(p))
	}
	b.written += int64(len(p))
}

// lastBytes keeps the last bytes of many.
type lastBytes struct {
	most  int
	kept  []byte
	at    int // where the next byte goes, once kept is full
	total int64
}

func (l *lastBytes) add(p []byte) {
	l.total += int64(len(p))
	if len(p) >= l.most {
		l.kept, l.at = append(l.kept[:0], p[len(p)-l.most:]...), 0
		return
	}
	if room := l.most - len(l.kept); room > 0 {
		n := min(room, len(p))
		l.kept = append(l.kept, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(l.kept[l.at:], p)
		p, l.at = p[n:], (l.at+n)%l.most
	}
}

// take gives what is kept, from the begin of a line where some is lost, and how many bytes are.
func (l *lastBytes) take() (text []byte, lost int64) {
	text = append(append(make([]byte, 0, len(l.kept)), l.kept[l.at:]...), l.kept[:l.at]...)
	if l.total > int64(len(text)) {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	lost = l.total - int64(len(text))
	l.kept, l.at, l.total = l.kept[:0], 0, 0
	return text, lost
}
