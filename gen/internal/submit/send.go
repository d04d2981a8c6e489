package submit

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hpcbench/gen/internal/bundle"
)

// Send copies the bundle in dir to its place on the other machine: all but results and what jobs printed. It refuses a
// directory that is no bundle, one in which a job runs and, unless force is given, one in which a person edited a file.
func (s *SSH) Send(ctx context.Context, dir string, force bool) error {
	answer, err := Ask(ctx, s, "", receiveScript, script(s.Dir)...)
	if err != nil {
		return err
	}
	rsync, err := s.received(answer, dir, force)
	if err != nil {
		return err
	}
	if rsync && s.rsyncs() {
		err := finish(ctx, s, s.sendCommand(ctx, dir))
		if err == nil || errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err
		}
	}
	return s.sendTar(ctx, dir)
}

// received judges what receive.sh found, and tells whether rsync is there.
func (s *SSH) received(answer, dir string, force bool) (rsync bool, err error) {
	for line := range strings.Lines(answer) {
		word, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case word == "rsync":
			rsync = text != ""
		case word == "state" && text == "other":
			return false, fmt.Errorf("%s is there and is no bundle (it has no %s): choose another --dir", s.Name(), bundle.ManifestName)
		case word == "claim":
			return false, fmt.Errorf("job %s runs in %s: wait for its end, or choose another --dir", plain(text), s.Name())
		case word == "edited" && !force:
			sum, name, _ := strings.Cut(text, "\t")
			if ours, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path.Clean("/"+name)))); err != nil || bundle.Hash(ours) != sum {
				return false, fmt.Errorf("%s was edited in %s: bring the edit here, or write over it with --force", plain(name), s.Name())
			}
		}
	}
	return rsync, nil
}

// rsyncs tells whether rsync is here and takes the directory's name as it is: the other side reads patterns in it.
func (s *SSH) rsyncs() bool {
	_, err := exec.LookPath("rsync")
	return err == nil && !strings.ContainsAny(s.Dir, `*?[\`)
}

// rsync is a command of rsync over the connection. The directory's name goes over it, not through the other shell (-s).
func (s *SSH) rsync(ctx context.Context, dir string, words ...string) *exec.Cmd {
	shell := []string{"ssh"}
	for _, word := range s.options() {
		shell = append(shell, "'"+strings.ReplaceAll(word, "'", "''")+"'") // as rsync's -e wants it
	}
	c := apart(exec.CommandContext(ctx, "rsync", append([]string{"-s", "-rtz", "-e", strings.Join(shell, " ")}, words...)...))
	c.Dir = dir
	return c
}

// remote is a directory as rsync names it.
func (s *SSH) remote() string {
	host, dir := s.Host, s.Dir
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if !strings.HasPrefix(dir, "/") {
		dir = "./" + dir
	}
	return host + ":" + dir + "/"
}

// stays are the files that do: what jobs leave in a bundle, what is kept here to watch them, and the new texts beside edited files.
var stays = []string{"/results", "/slurm-*.out", "/monitoring/targets", "/monitoring/data", "*.new", "*.part"}

func (s *SSH) sendCommand(ctx context.Context, dir string) *exec.Cmd {
	words := []string{"-p"}
	for _, pattern := range stays {
		words = append(words, "--exclude="+pattern)
	}
	return s.rsync(ctx, dir, append(words, "./", s.remote())...)
}

// unpack is the other side of sendTar.
func (s *SSH) unpack(ctx context.Context) *exec.Cmd { return s.Command(ctx, s.Dir, "tar", "-xzf", "-") }

func (s *SSH) sendTar(ctx context.Context, dir string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	packed := make(chan error, 1)
	go func() {
		err := pack(w, os.DirFS(dir))
		packed <- errors.Join(err, w.Close())
	}()
	c := s.unpack(ctx)
	c.Stdin = r
	err = finish(ctx, s, c)
	r.Close()
	if failed := <-packed; err == nil {
		err = failed
	}
	return err
}

// pack writes a bundle as a compressed archive.
func pack(w io.Writer, files fs.FS) error {
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case slices.ContainsFunc(stays, func(pattern string) bool { return matches(pattern, name) }):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		return packFile(archive, files, name)
	})
	if err != nil {
		return err
	}
	return errors.Join(archive.Close(), zipped.Close())
}

// matches is rsync's meaning of the patterns in stays.
func matches(pattern, name string) bool {
	if anchored, ok := strings.CutPrefix(pattern, "/"); ok {
		yes, err := path.Match(anchored, name)
		return err == nil && yes
	}
	yes, err := path.Match(pattern, path.Base(name))
	return err == nil && yes
}

func packFile(archive *tar.Writer, files fs.FS, name string) error {
	f, err := files.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.Copy(archive, f)
	return err
}
