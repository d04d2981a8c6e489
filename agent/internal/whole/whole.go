// Package whole writes files that are there whole or not at all: a reader on another node never sees half of one.
package whole

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write puts data into the file at path: written beside its place, flushed to disk and moved in. Its mode is the given one
// without what the umask takes away.
func Write(path string, data []byte, mode fs.FileMode) error {
	f, err := create(path, mode)
	if err != nil {
		return err
	}
	err = fill(f, data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
	}
	return err
}

// create makes a new file beside path, of a name that nobody can guess. os.CreateTemp's would have no mode but 0600, and
// a change of it would know nothing of the umask.
func create(path string, mode fs.FileMode) (*os.File, error) {
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text())
	return os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

func fill(f *os.File, data []byte) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// most is the most that Open opens, in bytes: records have files of their own and are not read as a whole.
const most = 1 << 30

// Open opens a file of results for reading. Results come from elsewhere, too: a device has no end, a pipe may never begin, and a
// file of many gigabytes is none of those that a report reads.
func Open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s: it is a directory, want a file", path)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s: it is no regular file", path)
	case info.Size() > most:
		err = fmt.Errorf("%s: %d bytes, want %d at most", path, info.Size(), most)
	}
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, err
	}
	return f, nil
}

// Read reads a whole file of results, as Open lets it.
func Read(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// WriteJSON puts v into the file at path as indented JSON with a final newline, readable by all.
func WriteJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return Write(path, append(text, '\n'), 0o644)
}

// Move moves the files of one directory into another, over those that are there by the same names, and takes the first one
// away. Nothing is done where it does not exist.
func Move(from, to string) error {
	files, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.MkdirAll(to, 0o755)
	}
	for _, file := range files {
		if err == nil {
			err = os.Rename(filepath.Join(from, file.Name()), filepath.Join(to, file.Name()))
		}
	}
	if err != nil {
		return err
	}
	return os.Remove(from)
}

// Glob is the files below dir that a pattern of package fs names, sorted in each directory. Unlike filepath.Glob it takes dir as it is
// written, whatever characters of a pattern it has. It panics on a malformed pattern, for patterns stand in our own code.
func Glob(dir, pattern string) []string {
	files, err := fs.Glob(os.DirFS(dir), pattern)
	if err != nil {
		panic(err)
	}
	for i, name := range files {
		files[i] = filepath.Join(dir, name)
	}
	return files
}
