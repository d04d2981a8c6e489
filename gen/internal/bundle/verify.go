package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Finding is a file of a bundle on disk that is not what its MANIFEST says.
type Finding struct {
	File  string `json:"file"`
	State string `json:"state"` // edited, missing, foreign: not in the MANIFEST
}

// Verify holds the files of the bundle dir against its MANIFEST. It returns what differs, by file, and how many files
// the MANIFEST has. A directory without a MANIFEST is an error.
func Verify(dir string) ([]Finding, int, error) {
	listed, err := Listed(dir)
	if err != nil {
		return nil, 0, err
	}
	files, err := Files(dir)
	if err != nil {
		return nil, 0, err
	}
	var found []Finding
	for name, sum := range listed {
		data, there := files[name]
		switch {
		case !there:
			found = append(found, Finding{name, "missing"})
		case Hash(data) != sum:
			found = append(found, Finding{name, "edited"})
		}
	}
	for name := range files {
		if _, ours := listed[name]; !ours && name != ManifestName {
			found = append(found, Finding{name, "foreign"})
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return strings.Compare(a.File, b.File) })
	return found, len(listed), nil
}

// Check is an error where dir is no bundle.
func Check(dir string) error {
	_, err := Listed(dir)
	return err
}

// Listed is the MANIFEST of the bundle dir, as hashes by path. A directory without one is an error.
func Listed(dir string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if info, statErr := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && statErr == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is no bundle: it has no %s", dir, ManifestName)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	return ParseManifest(text)
}

// Files are the files of the bundle dir by their path, but for those that no MANIFEST is about: results/, the new texts
// beside edited files, and the output of Slurm. A link is the text it points with, for no bundle has one.
func Files(dir string) (map[string][]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the bundle: %w", err)
	}
	defer root.Close()
	files := map[string][]byte{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case outside(name) && d.IsDir():
			return fs.SkipDir
		case d.IsDir(), outside(name):
			return nil
		}
		files[name], err = content(root, name, d.Type())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the bundle %s: %w", dir, err)
	}
	return files, nil
}

// content is a file's content, and for what is not a plain file a text that says what it is.
func content(root *os.Root, name string, mode fs.FileMode) ([]byte, error) {
	switch {
	case mode.IsRegular():
		return root.ReadFile(name)
	case mode&fs.ModeSymlink != 0:
		target, err := root.Readlink(name)
		return []byte("link to " + target + "\n"), err
	}
	return []byte("not a plain file: " + mode.String() + "\n"), nil
}

// outside tells whether no MANIFEST is about a file: what jobs leave, the new text beside an edited file, and what tunnel.sh and
// prometheus.sh keep.
func outside(name string) bool {
	if slurm, err := path.Match("slurm-*.out", name); err == nil && slurm {
		return true
	}
	return name == "results" || name == "monitoring/targets" || name == "monitoring/data" || strings.HasSuffix(name, ".new")
}
