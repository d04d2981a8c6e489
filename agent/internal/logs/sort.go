package logs

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// sortMost bounds what is put in order afterwards, for it is held in memory, on a node that has other work.
const sortMost = 256 << 20

// sortFile puts the lines of a ring's parts in the order of time: a few of them came too late. They are all in its newest part then.
func sortFile(r *ring) error {
	var all []byte
	for _, path := range []string{r.past, r.path} {
		text, err := readSome(path, sortMost-int64(len(all)))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		all = append(all, text...)
	}
	type place struct {
		at         int64
		begin, end int
	}
	var lines []place
	for begin := 0; begin < len(all); {
		n := bytes.IndexByte(all[begin:], '\n') + 1
		if n == 0 {
			n = len(all) - begin
		}
		var e struct{ Time time.Time }
		if err := json.Unmarshal(all[begin:begin+n], &e); err == nil {
			lines = append(lines, place{e.Time.UnixNano(), begin, begin + n})
		}
		begin += n
	}
	slices.SortStableFunc(lines, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	return rewrite(r, func(w io.Writer) error {
		for _, l := range lines {
			if _, err := w.Write(all[l.begin:l.end]); err != nil {
				return err
			}
		}
		return nil
	})
}

func readSome(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d MB, more than is put in order", path, info.Size()>>20)
	}
	return os.ReadFile(path)
}

// rewrite puts a new file in the place of both parts.
func rewrite(r *ring, fill func(io.Writer) error) error {
	f, err := os.OpenFile(r.path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = errors.Join(fill(w), w.Flush(), f.Close())
	if err == nil {
		err = os.Rename(r.path+".part", r.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(r.path+".part"))
	}
	if err := os.Remove(r.past); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
