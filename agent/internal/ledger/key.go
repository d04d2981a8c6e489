package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
)

// keyring makes the keys of trials. What the trials of one deployment share is read once.
type keyring struct {
	ask     Ask
	servers map[string]string // digest of a deployment's argv, env and image
}

// of is the trial's key: SHA-256, in hex, over the trial's file and all that makes its server.
func (k keyring) of(r Row) (string, error) {
	server, ok := k.servers[r.Deployment]
	if !ok {
		var err error
		if server, err = k.server(r.Deployment); err != nil {
			return "", err
		}
		k.servers[r.Deployment] = server
	}
	h := sha256.New()
	fmt.Fprintf(h, "server %s\n", server)
	if err := add(h, k.ask.Bundle, filepath.Join("trials", r.Trial+".json")); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// server digests what a deployment is started with, words in @ unreplaced.
func (k keyring) server(d string) (string, error) {
	argv, err := filepath.Glob(filepath.Join(k.ask.Bundle, "argv", d+".*"))
	if err != nil {
		return "", err
	}
	slices.Sort(argv)
	names := []string{filepath.Join("env", d+".env")}
	for _, path := range argv {
		names = append(names, filepath.Join("argv", filepath.Base(path)))
	}
	h := sha256.New()
	for _, name := range names {
		if err := add(h, k.ask.Bundle, name); err != nil {
			return "", err
		}
	}
	if err := addImage(h, k.ask.Images[d]); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// add hashes a file under its name and length, so that no two lists of files give the same bytes.
func add(h hash.Hash, dir, name string) error {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "file %q %d\n%s", name, len(text), text)
	return nil
}

// addImage hashes an image's path, size in bytes and time in seconds: its content may be tens of gigabytes.
func addImage(h hash.Hash, path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "image %q %d %d\n", path, info.Size(), info.ModTime().Unix())
	return nil
}
