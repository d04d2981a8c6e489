package submit

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Fetch copies results, and what jobs printed, from the other machine into the bundle in dir; what is here and did not
// change is not copied again. A job's token, the claims of jobs that run, and notes of submissions stay where they are.
func (s *SSH) Fetch(ctx context.Context, dir string) error {
	if s.rsyncs() {
		err := tolerate(finish(ctx, s, s.fetchCommand(ctx, dir)), 24)
		if err == nil || errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err
		}
	}
	return s.fetchTar(ctx, dir) // there is no rsync on the other side, or login scripts that write into its stream
}

// tolerate lets a status pass by which a copier says that a file changed, or went, under its hands: another job runs there.
func tolerate(err error, status int) error {
	var refused *Refusal
	if errors.As(err, &refused) && refused.Status == status {
		return nil
	}
	return err
}

// private are names below results/ that are not fetched, as patterns. list.sh has them too.
var private = []string{"control.token", "claims", "submitted.tsv", "submit.*.out"}

func (s *SSH) fetchCommand(ctx context.Context, dir string) *exec.Cmd {
	var words []string
	for _, name := range private {
		words = append(words, "--exclude="+name)
	}
	words = append(words, "--include=/results/", "--include=/results/**", "--include=/slurm-*.out", "--exclude=*")
	return s.rsync(ctx, dir, append(words, s.remote(), "./")...)
}

// fetchTar asks which files there are, and then for those that are not here as they are there.
func (s *SSH) fetchTar(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	answer, err := Ask(ctx, s, s.Dir, listScript, script()...)
	if err != nil {
		return err
	}
	names := changed(root, answer)
	if len(names) == 0 {
		return nil
	}
	return s.fetchFiles(ctx, root, names)
}

// changed are the files of list.sh that are not here with the same size and time, in seconds.
func changed(root *os.Root, list string) []string {
	var names []string
	for line := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		words := strings.SplitN(line, " ", 3)
		if len(words) != 3 || !fetched(words[2]) {
			continue
		}
		size, err := strconv.ParseInt(words[0], 10, 64)
		at, _, _ := strings.Cut(words[1], ".")
		info, missing := root.Lstat(words[2])
		if err != nil || missing != nil || info.Size() != size || strconv.FormatInt(info.ModTime().Unix(), 10) != at {
			names = append(names, words[2])
		}
	}
	return names
}

// fetched tells whether a file may come into the bundle: from results/, or what a job printed.
func fetched(name string) bool {
	if !filepath.IsLocal(name) || path.Clean(name) != name {
		return false
	}
	for _, pattern := range private {
		for _, part := range strings.Split(name, "/") {
			if yes, err := path.Match(pattern, part); err != nil || yes {
				return false
			}
		}
	}
	output, err := path.Match("slurm-*.out", name)
	return err == nil && output || strings.HasPrefix(name, "results/")
}

// pack is the other side of fetchFiles: names go in, each ended by a NUL, and an archive comes out.
func (s *SSH) pack(ctx context.Context) *exec.Cmd {
	return s.Command(ctx, s.Dir, "tar", "-czf", "-", "--null", "-T", "-")
}

func (s *SSH) fetchFiles(ctx context.Context, root *os.Root, names []string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	unpacked := make(chan error, 1)
	go func() {
		err := receive(root, r)
		_, _ = io.Copy(io.Discard, r) // a writer that is not read from would never end
		unpacked <- err
	}()
	c := s.pack(ctx)
	c.Stdin, c.Stdout = strings.NewReader(strings.Join(names, "\x00")+"\x00"), w
	err = tolerate(finish(ctx, s, c), 1)
	w.Close()
	if failed := <-unpacked; err == nil {
		err = failed
	}
	return err
}

// receive unpacks what the other machine's tar sends.
func receive(root *os.Root, r io.Reader) error {
	stream, err := own(r)
	if err != nil {
		return fmt.Errorf("nothing came: %w", err)
	}
	zipped, err := gzip.NewReader(stream)
	if err != nil {
		return err
	}
	for archive := tar.NewReader(zipped); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if head.Typeflag == tar.TypeReg && fetched(head.Name) {
			if err := unpackFile(root, head, archive); err != nil {
				return err
			}
		}
	}
}

// unpackFile writes a file whole, beside its place and then into it. Whatever its name, it is below root.
func unpackFile(root *os.Root, head *tar.Header, content io.Reader) error {
	if err := root.MkdirAll(path.Dir(head.Name), 0o755); err != nil {
		return err
	}
	part := head.Name + ".part"
	f, err := root.Create(part)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := root.Chtimes(part, time.Time{}, head.ModTime); err != nil {
		return err
	}
	return root.Rename(part, head.Name)
}
