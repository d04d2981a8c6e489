package preflight

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// imageRow is the check under which Inside hands on what Node judges: the words are Image's fields.
const imageRow = "image-says"

// Inside looks at the container it runs in: that it runs is the first thing it shows. Files have to be there; nv is
// whether --nv is to bring the driver of the node's GPUs into it. Without a name it is no container but the node itself.
func Inside(ctx context.Context, name string, files []string, nv bool) []Row {
	var rows []Row
	if name != "" {
		said := []string{name, os.Getenv("CUDA_VERSION"), os.Getenv("NVIDIA_REQUIRE_CUDA"), fmt.Sprint(exists("/usr/local/cuda/compat"))}
		rows = []Row{row("image", OK, "%s runs here", name), {imageRow, OK, strings.Join(said, "\x1f")}}
	}
	if name != "" && nv && !exists("/.singularity.d/libs/libcuda.so.1") {
		rows = append(rows, row("image", Warn, "%s has no libcuda.so.1 from the node: --nv found no driver to bring, and the server may run on the CPU", name))
	}
	return append(rows, all(ctx, []check{{name: "files", most: filesPatience, look: func(ctx context.Context) []Row { return Files(ctx, files) }}})...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Told takes what Inside printed apart: rows to pass on, and what the images said of themselves.
func Told(text string) (rows []Row, images []Image) {
	for line := range strings.Lines(text) {
		c := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3)
		if len(c) != 3 || c[1] != string(OK) && c[1] != string(Warn) && c[1] != string(Fail) {
			continue // what the container's runtime had to say
		}
		if c[0] != imageRow {
			rows = append(rows, Row{c[0], State(c[1]), c[2]})
			continue
		}
		if f := strings.Split(c[2], "\x1f"); len(f) == 4 {
			images = append(images, Image{f[0], f[1], f[2], f[3] == "true"})
		}
	}
	return rows, images
}

// filesPatience is for a directory of weights on a file system that is busy.
const filesPatience = 8 * time.Second

// Files tells of each path whether it is there and what it should be: readable, not empty, and the thing itself instead of
// the pointer that Git LFS leaves where it was not asked to fetch. Of a directory each file is looked at.
func Files(ctx context.Context, paths []string) []Row {
	var rows []Row
	for _, path := range paths {
		rows = append(rows, file(ctx, path))
	}
	return rows
}

func file(ctx context.Context, path string) Row {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return row("files", Fail, "%s is not there%s (check the path and the binds)", path, deepest(path))
	case err != nil:
		return row("files", Fail, "%s: %v (check its permissions, and those of the directories above)", path, err)
	case info.IsDir():
		return directory(ctx, path)
	}
	if why := wrong(path, true); why != "" {
		return row("files", Fail, "%s %s", path, why)
	}
	return row("files", OK, "%s: %s", path, bytes(uint64(info.Size())))
}

// deepest says how far the path leads.
func deepest(path string) string {
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		if exists(dir) {
			return ", " + dir + " is"
		}
	}
	return ""
}

// weights are the endings of files that are never empty.
var weights = []string{".safetensors", ".gguf", ".bin", ".pt", ".pth", "config.json", "tokenizer.json"}

// wrong says what is wrong with a plain file; "" when nothing is. An empty one is, where it should hold something.
func wrong(path string, full bool) string {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return "is a link to nothing: the download was not finished, or its target is not bound (run prefetch.sh again, or bind the cache as a whole)"
	}
	if err != nil {
		return "can't be read: " + reasonOf(err) + " (chmod)"
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := f.Read(head)
	switch {
	case n == 0 && full:
		return "is empty (get it again)"
	case n == 0:
		return ""
	case err != nil:
		return "can't be read: " + reasonOf(err)
	case strings.HasPrefix(string(head[:n]), "version https://git-lfs"):
		return "is a pointer of Git LFS instead of the file (git lfs pull)"
	}
	return ""
}

func reasonOf(err error) string {
	if p, ok := err.(*os.PathError); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// directory looks at each file below the directory; hidden directories are a tool's own business.
func directory(ctx context.Context, top string) Row {
	n, size, bad, partial := 0, int64(0), []string(nil), 0
	err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		name := filepath.Base(path)
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() && strings.HasPrefix(name, ".") && path != top:
			return filepath.SkipDir
		case d.IsDir(), strings.HasPrefix(name, "."):
			return nil
		case strings.HasSuffix(name, ".incomplete"):
			partial++
			return nil
		}
		info, err := os.Stat(path)
		if err == nil && info.IsDir() {
			return nil // a link to a directory
		}
		n++
		if err == nil && d.Type().IsRegular() {
			size += info.Size()
		}
		if why := wrong(path, suffixed(name)); why != "" {
			bad = append(bad, strings.TrimPrefix(path, top+"/")+" "+why)
		}
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return row("files", Warn, "%s: %d files were looked at before the time was over", top, n)
	case err != nil:
		return row("files", Fail, "%s: %v (check its permissions)", top, err)
	case len(bad) > 0:
		return row("files", Fail, "%s: %s%s", top, bad[0], more(len(bad)-1))
	case n == 0:
		return row("files", Fail, "%s is an empty directory (run prefetch.sh, or check the binds)", top)
	case partial > 0:
		return row("files", Warn, "%s: %d files, %s, and %d downloads that were not finished (run prefetch.sh again)", top, n, bytes(uint64(size)), partial)
	}
	return row("files", OK, "%s: %d files, %s", top, n, bytes(uint64(size)))
}

func suffixed(name string) bool {
	for _, w := range weights {
		if strings.HasSuffix(name, w) {
			return true
		}
	}
	return false
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}
