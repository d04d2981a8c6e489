package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
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
	if _, err := all.add(own, "services"); err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("opening the services of %s: %w", dir, errors.Unwrap(err))
		}
		if _, err := os.Stat(filepath.Join(dir, "service.yaml")); err == nil {
			abs, err := filepath.Abs(dir)
			if err != nil {
				return nil, fmt.Errorf("opening the service folder %s: %w", dir, err)
			}
			all[filepath.Base(abs)] = folder{os.DirFS(dir), dir}
			continue
		}
		switch found, err := all.add(os.DirFS(dir), dir); {
		case err != nil:
			return nil, fmt.Errorf("opening the services of %s: %w", dir, err)
		case found == 0:
			return nil, fmt.Errorf("%s has no service: neither a service.yaml nor a folder with one", dir)
		}
	}
	return all, nil
}

// folder is one service, and where a person finds it.
type folder struct {
	fs.FS
	where string
}

// union is a directory of service folders from several places, by name.
type union map[string]folder

// add brings the service folders of fsys, which a person calls where, and counts them.
func (u union) add(fsys fs.FS, where string) (found int, err error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if _, err := fs.Stat(fsys, e.Name()+"/service.yaml"); err != nil {
			continue
		}
		inner, err := fs.Sub(fsys, e.Name())
		if err != nil {
			return found, err
		}
		u[e.Name()] = folder{inner, filepath.Join(where, e.Name())}
		found++
	}
	return found, nil
}

// whereabouts is the path of a service's folder as a person knows it.
func whereabouts(fsys fs.FS, name string) string {
	if all, ok := fsys.(union); ok && all[name].FS != nil {
		return all[name].where
	}
	return path.Join("services", name)
}

// Open implements fs.FS. The root itself can't be opened: List reads it with Glob.
func (u union) Open(name string) (fs.File, error) {
	first, rest, _ := strings.Cut(name, "/")
	if inner, ok := u[first]; ok {
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
