// Package secret reads the token of a job from its file, and what an executor published of itself. Nodes are shared: a file
// that another user may read is no secret, and one that another user wrote is no word of this job.
package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"syscall"
)

// limit is the most that such a file may have, in bytes: a token has 64.
const limit = 4096

// ErrEmpty is a token file without a token: an empty one would let anybody in.
var ErrEmpty = errors.New("it is empty: that is no token")

// Token reads the token in the file at path. The file has to be the user's own, and nobody else's to read or write. No error
// has a word of what is in it.
func Token(path string) (string, error) {
	text, err := read(path, 0o077, "others may read or write it (mode %04o)", "chmod 600 "+path)
	if err != nil {
		return "", err
	}
	token := string(bytes.TrimSpace(text))
	switch {
	case token == "":
		return "", fmt.Errorf("%s: %w", path, ErrEmpty)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", fmt.Errorf("%s: it has blanks, or characters that are not ASCII's: that is no token", path)
	}
	return token, nil
}

// Address reads the address that an executor published in the file at path once it had bound it. The file has to be the
// user's own, and nobody else's to write: whom it names gets asked to prove that it has the token.
func Address(path string) (netip.AddrPort, error) {
	text, err := read(path, 0o022, "others may write it (mode %04o)", "was the umask changed in the job script?")
	if err != nil {
		return netip.AddrPort{}, err
	}
	address, err := netip.ParseAddrPort(strings.TrimSpace(string(text)))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%s: not an address and a port, such as 10.0.0.1:20106", path)
	}
	return address, nil
}

// read reads a small file without following a link. Its mode must have none of the bits of forbidden.
func read(path string, forbidden fs.FileMode, what, cure string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s: it is a symbolic link, which somebody else may have put there: name the file itself", path)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid // of every file on Linux
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, fmt.Errorf("%s: not a regular file", path)
	case int(owner) != os.Geteuid():
		return nil, fmt.Errorf("%s: it belongs to user %d, and this is user %d: it is not this job's", path, owner, os.Geteuid())
	case mode.Perm()&forbidden != 0:
		return nil, fmt.Errorf("%s: "+what+": %s", path, mode.Perm(), cure)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s: %d bytes, want %d at most", path, info.Size(), limit)
	}
	return io.ReadAll(io.LimitReader(f, limit))
}
