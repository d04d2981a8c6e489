package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// Written says what Write did that its user should know of.
type Written struct {
	Dir  string
	Kept []string // edited by a person and left as they are; the new text is beside each as FILE.new
	Left []string // edited by a person and left as they are, though they are no longer made
	Lost []string // edited by a person and written over or removed, as --force asked
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
	root    *os.Root
	old     map[string]string
	force   bool
	done    *Written
	folders map[string]*folder
}

func (w *writer) write(b *Bundle) error {
	defer w.close()
	for _, f := range b.Files {
		if err := w.file(f); err != nil {
			return fmt.Errorf("writing %s: %w", filepath.Join(w.done.Dir, f.Path), err)
		}
	}
	if err := w.removeStale(b); err != nil {
		return err
	}
	in, err := w.folder(ManifestName)
	if err != nil {
		return err
	}
	return in.put(ManifestName, File{Mode: 0o644, Data: b.Manifest()})
}

// file writes f in its place, or as f.new where a person's edit stands. What is there already stays as it is.
func (w *writer) file(f File) error {
	in, err := w.folder(f.Path)
	if err != nil {
		return err
	}
	name := path.Base(f.Path)
	data, there, err := in.read(name)
	if err != nil {
		return err
	}
	switch edited := there && Hash(data) != w.old[f.Path]; {
	case there && bytes.Equal(data, f.Data):
		if err := in.root.Chmod(name, f.Mode); err != nil {
			return err
		}
		return in.remove(name + ".new")
	case edited && !w.force:
		w.done.Kept = append(w.done.Kept, f.Path)
		return in.put(name+".new", f)
	case edited:
		w.done.Lost = append(w.done.Lost, f.Path)
	}
	if err := in.remove(name + ".new"); err != nil {
		return err
	}
	return in.put(name, f)
}

// removeStale removes what an earlier compile made, this one does not, and nobody edited. A file that no MANIFEST knows
// is a person's too.
func (w *writer) removeStale(b *Bundle) error {
	made := map[string]bool{}
	for _, f := range b.Files {
		made[f.Path] = true
	}
	for _, name := range slices.Sorted(maps.Keys(w.old)) {
		if made[name] {
			continue
		}
		in, err := w.folder(name)
		if err != nil {
			return err
		}
		data, there, err := in.read(path.Base(name))
		if err != nil {
			return err
		}
		switch edited := there && Hash(data) != w.old[name]; {
		case edited && !w.force:
			w.done.Left = append(w.done.Left, name)
			continue
		case edited:
			w.done.Lost = append(w.done.Lost, name)
		}
		if err := in.remove(path.Base(name)); err != nil {
			return err
		}
	}
	slices.Sort(w.done.Kept)
	slices.Sort(w.done.Lost)
	return nil
}

// folder is a directory of the bundle, held open with what was in it, for a sweep has ten thousand files in one.
type folder struct {
	root  *os.Root
	there map[string]bool
}

// folder is the directory of a file, made where it is not there.
func (w *writer) folder(file string) (*folder, error) {
	dir := path.Dir(file)
	if f := w.folders[dir]; f != nil {
		return f, nil
	}
	if err := w.root.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := w.root.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, there: map[string]bool{}}
	if w.folders == nil {
		w.folders = map[string]*folder{}
	}
	w.folders[dir] = f
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, e := range entries {
		f.there[e.Name()] = true
	}
	return f, err
}

func (w *writer) close() {
	for _, f := range w.folders {
		f.root.Close()
	}
}

// read is a file's content, and false where there is no such file.
func (f *folder) read(name string) ([]byte, bool, error) {
	if !f.there[name] {
		return nil, false, nil
	}
	data, err := f.root.ReadFile(name)
	return data, err == nil, err
}

func (f *folder) remove(name string) error {
	if !f.there[name] {
		return nil
	}
	delete(f.there, name)
	return f.root.Remove(name)
}

// put writes a file beside its place and moves it in, whatever the umask.
func (f *folder) put(name string, file File) error {
	part := name + ".part"
	out, err := f.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, file.Mode)
	if err != nil {
		return err
	}
	_, err = out.Write(file.Data)
	if err = errors.Join(err, out.Chmod(file.Mode), out.Close()); err != nil {
		return err
	}
	f.there[name] = true
	return f.root.Rename(part, name)
}
