package scrape

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hpcbench/agent/internal/whole"
)

// How much of servers' own words is kept of a trial.
const (
	mostRaw  = 1 << 20 // bytes of one page: vLLM's has some 100 kB
	mostKept = 16      // servers
)

// raw is a server's own words, at the first look that it answered and at the last.
type raw struct{ first, last []byte }

// keep takes note of a page. The memory of the last one is used again.
func (r *raw) keep(text []byte) {
	switch {
	case text == nil:
	case r.first == nil:
		r.first = bytes.Clone(text[:min(len(text), mostRaw)])
	default:
		r.last = append(r.last[:0], text[:min(len(text), mostRaw)]...)
	}
}

// RawFile is the name of a server's page in a trial's directory: server.0.first.txt, of the first endpoint.
func RawFile(endpoint int, which string) string {
	return fmt.Sprintf("server.%d.%s.txt", endpoint, which)
}

// writeRaw writes the pages beside server.csv, of the first servers.
func (s *Scraper) writeRaw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failures []error
	for i, at := range s.servers[:min(len(s.servers), mostKept)] {
		for which, text := range map[string][]byte{"first": at.raw.first, "last": at.raw.last} {
			if text != nil {
				failures = append(failures, whole.Write(filepath.Join(filepath.Dir(s.cfg.Path), RawFile(i, which)), text, 0o644))
			}
		}
	}
	return errors.Join(failures...)
}

// Files are the names of what a scraper has left in a directory: server.csv and the pages.
func Files(dir string) ([]string, error) {
	pages, err := fs.Glob(os.DirFS(dir), "server.*.txt")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, File)); err == nil {
		pages = append(pages, File)
	}
	return pages, nil
}
