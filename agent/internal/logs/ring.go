package logs

import (
	"os"
	"time"
)

// ring is a file that stays below a size and an age while it is written: when its part is full, it takes the place of the part
// before, which goes.
type ring struct {
	path  string // of the newest part
	past  string // of what was before
	file  *os.File
	size  int64
	begun time.Time // when the newest part was begun
	gone  int64     // bytes that went
}

// open goes on with what is there.
func (r *ring) open(now time.Time) error {
	if r.file != nil {
		return nil
	}
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return err
	}
	r.file, r.size, r.begun = f, info.Size(), now
	return nil
}

// write adds p, and turns before where the part would have more than so many bytes.
func (r *ring) write(p []byte, part int64, now time.Time) error {
	if err := r.open(now); err != nil {
		return err
	}
	if r.size > 0 && r.size+int64(len(p)) > part {
		if err := r.turn(now); err != nil {
			return err
		}
	}
	n, err := r.file.Write(p)
	r.size += int64(n)
	return err
}

// turn makes the newest part the older one.
func (r *ring) turn(now time.Time) error {
	if info, err := os.Stat(r.past); err == nil {
		r.gone += info.Size()
	}
	r.close()
	if err := os.Rename(r.path, r.past); err != nil {
		return err
	}
	return r.open(now)
}

// age lets go of what is older than that: the older part when all of it is, which it is half of the age after it was turned.
func (r *ring) age(most time.Duration, now time.Time) error {
	if most == 0 || r.file == nil || now.Sub(r.begun) < most/2 {
		return nil
	}
	if r.size > 0 {
		return r.turn(now)
	}
	r.begun = now
	info, err := os.Stat(r.past)
	if err != nil {
		return nil // there is none
	}
	r.gone += info.Size()
	return os.Remove(r.past)
}

func (r *ring) close() {
	if r.file != nil {
		_ = r.file.Close() // each write was looked at
		r.file = nil
	}
}
