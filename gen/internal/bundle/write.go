package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// Written says what Write did that its user should know of.
type Written struct {
	Dir  string
	Kept []string // edited by a person and left as they are; the new text is beside each as FILE.new
	Lost []string // edited by a person and written over, as --force asked
}

// Write puts b into the directory parent/b.Slug. Each file is written beside its place and moved in, MANIFEST last; a
// file that is no longer made goes, unless a person edited it; results/ is not touched. An edited file is one whose
// hash is not the old MANIFEST's. It fails before it writes anything when a job still holds a claim on the bundle, or
// when the directory is there and is not a bundle.
func Write(parent string, b *Bundle, force bool) (Written, error) {
	dir := filepath.Join(parent, b.Slug)
	done := Written{Dir: dir}
	old, err := manifestOf(dir)
	if err != nil {
		return done, err
	}
	if err := refuseClaimed(dir); err != nil {
		return done, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return done, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return done, err
	}
	defer root.Close()
	w := writer{root: root, old: old, force: force, done: &done}
	return done, w.write(b)
}

// manifestOf reads the MANIFEST of a bundle made before; no directory and an empty one are a bundle without files.
func manifestOf(dir string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if err == nil {
		return ParseManifest(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s is there and is no bundle (it has no %s): move it away, or choose another -o", dir, ManifestName)
	}
	return nil, nil
}

type writer struct {
	root  *os.Root
	old   map[string]string
	force bool
	done  *Written
}

func (w *writer) write(b *Bundle) error {
	for _, f := range b.Files {
		if err := w.file(f); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(w.done.Dir, f.Path), err)
		}
	}
	if err := w.removeStale(b); err != nil {
		return err
	}
	return w.put(File{Path: ManifestName, Mode: 0o644, Data: b.Manifest()})
}

// file writes f in its place, or as f.new where a person's edit stands.
func (w *writer) file(f File) error {
	edited, err := w.edited(f.Path)
	if err != nil {
		return err
	}
	same, err := w.holds(f)
	if err != nil {
		return err
	}
	if edited && !same && !w.force {
		w.done.Kept = append(w.done.Kept, f.Path)
		f.Path += ".new"
		return w.put(f)
	}
	if edited && !same {
		w.done.Lost = append(w.done.Lost, f.Path)
	}
	if err := w.root.Remove(f.Path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return w.put(f)
}

// edited tells whether a file on disk differs from what the old MANIFEST says gen wrote. A file that no MANIFEST knows
// is a person's too.
func (w *writer) edited(name string) (bool, error) {
	data, err := w.root.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && hash(data) != w.old[name], err
}

func (w *writer) holds(f File) (bool, error) {
	data, err := w.root.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && string(data) == string(f.Data), err
}

// put writes a file beside its place and moves it in, whatever the umask.
func (w *writer) put(f File) error {
	if err := w.root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	part := f.Path + ".part"
	if err := w.root.WriteFile(part, f.Data, f.Mode); err != nil {
		return err
	}
	if err := w.root.Chmod(part, f.Mode); err != nil {
		return err
	}
	return w.root.Rename(part, f.Path)
}

// removeStale removes what an earlier compile made, this one does not, and nobody edited.
func (w *writer) removeStale(b *Bundle) error {
	for name := range w.old {
		if slices.ContainsFunc(b.Files, func(f File) bool { return f.Path == name }) {
			continue
		}
		edited, err := w.edited(name)
		if err != nil {
			return err
		}
		if edited && !w.force {
			w.done.Kept = append(w.done.Kept, name)
			continue
		}
		if err := w.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	slices.Sort(w.done.Kept)
	return nil
}
