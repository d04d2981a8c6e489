package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// replaceFile puts a text in the place of a file that has another, whole or not at all: it is written beside it and moved
// in. A file that someone else has changed meanwhile is left alone.
func replaceFile(name string, old, text []byte) error {
	file, err := filepath.EvalSymlinks(name)
	if err != nil {
		return fmt.Errorf("mending the recipe: %w", err)
	}
	now, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("mending the recipe: %w", err)
	}
	if !bytes.Equal(now, old) {
		return fmt.Errorf("%s was changed meanwhile, and is left as it is: run gen check again", name)
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("mending the recipe: %w", err)
	}
	return putFile(file, text, info.Mode().Perm())
}

// putFile writes a file beside its place and moves it in.
func putFile(file string, text []byte, mode os.FileMode) error {
	part, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // nothing, once it is moved
	_, err = part.Write(text)
	if err = errors.Join(err, part.Chmod(mode), part.Sync(), part.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return os.Rename(part.Name(), file)
}
