// Package bundle is the files of a job directory, in memory and on disk, where a person's edits are never lost.
package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// ManifestName is the file that lists the hash of every other, and is written last.
const ManifestName = "MANIFEST"

// File is one file of a bundle. Path is relative, with slashes.
type File struct {
	Path string
	Mode fs.FileMode
	Data []byte
}

// Bundle is what a compile makes. Head are lines of its MANIFEST without the leading "# ".
type Bundle struct {
	Slug  string // name of its directory
	Head  []string
	Files []File
}

// Add puts a file into the bundle.
func (b *Bundle) Add(path string, mode fs.FileMode, data []byte) {
	b.Files = append(b.Files, File{Path: path, Mode: mode, Data: data})
}

// Manifest is the text of the bundle's MANIFEST: comments, then a line a file in the format of sha256sum, by path.
func (b *Bundle) Manifest() []byte {
	var text strings.Builder
	for _, line := range b.Head {
		fmt.Fprintf(&text, "# %s\n", line)
	}
	fmt.Fprintf(&text, "# files %d\n", len(b.Files)) // so that one that was cut is told from a whole one
	files := slices.Clone(b.Files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range files {
		fmt.Fprintf(&text, "%s  %s\n", Hash(f.Data), f.Path)
	}
	return []byte(text.String())
}

// ParseManifest reads a MANIFEST into hashes by path. Lines that are no hash are an error.
func ParseManifest(text []byte) (map[string]string, error) {
	hashes := map[string]string{}
	for n, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		sum, path, ok := strings.Cut(line, "  ")
		if !ok || len(sum) != hex.EncodedLen(sha256.Size) || path == "" {
			return nil, fmt.Errorf("%s:%d: not a line of sha256sum", ManifestName, n+1)
		}
		hashes[path] = sum
	}
	return hashes, nil
}

// Hash is the hash of a file as a MANIFEST has it.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
