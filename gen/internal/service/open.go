package service

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hpcbench/templates"
)

// Open joins the services that gen knows with those of dirs, each either one service folder or a folder of them. A
// service of a later directory wins over one of the same name before it.
func Open(dirs []string) (fs.FS, error) {
	own, err := fs.Sub(templates.FS, "services")
	if err != nil {
		return nil, fmt.Errorf("opening gen's own services: %w", err)
	}
	all := union{}
	if err := all.add(own); err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "service.yaml")); err == nil {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return nil, fmt.Errorf("opening the service folder %s: %w", dir, err)
			}
			all[filepath.Base(abs)] = os.DirFS(dir)
			continue
		}
		if err := all.add(os.DirFS(dir)); err != nil {
			return nil, fmt.Errorf("opening the services of %s: %w", dir, err)
		}
	}
	return all, nil
}

// union is a directory of service folders from several places, by name.
type union map[string]fs.FS

// add brings the service folders of fsys.
func (u union) add(fsys fs.FS) error {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := fs.Stat(fsys, e.Name()+"/service.yaml"); err != nil {
			continue
		}
		if u[e.Name()], err = fs.Sub(fsys, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Open implements fs.FS. The root itself can't be opened: List reads it with Glob.
func (u union) Open(name string) (fs.File, error) {
	folder, rest, _ := strings.Cut(name, "/")
	if inner, ok := u[folder]; ok {
		if rest == "" {
			rest = "."
		}
		return inner.Open(rest)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Glob implements fs.GlobFS for patterns of the form */FILE.
func (u union) Glob(pattern string) ([]string, error) {
	_, file, _ := strings.Cut(pattern, "/")
	var found []string
	for name, folder := range u {
		if _, err := fs.Stat(folder, file); err == nil {
			found = append(found, name+"/"+file)
		}
	}
	return found, nil
}
