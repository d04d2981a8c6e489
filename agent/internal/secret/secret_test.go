package secret

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// file is a file with this text and mode, whatever the umask.
func file(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control.token")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokenOfTheUsersOwnFile(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o400} {
		if got, err := Token(file(t, "0123abcd\n", mode)); err != nil || got != "0123abcd" {
			t.Errorf("mode %v: %q, %v", mode, got, err)
		}
	}
}

func TestTokenThatIsNoSecretIsRefused(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file(t, "secret", 0o600), link); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{file(t, "secret", 0o640), "others may read or write it (mode 0640): chmod 600 "},
		{file(t, "secret", 0o604), "(mode 0604)"},
		{file(t, "secret", 0o620), "(mode 0620)"},
		{file(t, " \n", 0o600), ErrEmpty.Error()},
		{file(t, "secret secret", 0o600), "that is no token"},
		{file(t, "secret\r\nX-More: 1", 0o600), "that is no token"},
		{file(t, strings.Repeat("secret", 1000), 0o600), "6000 bytes, want 4096 at most"},
		{filepath.Join(t.TempDir(), "none"), "no such file"},
		{t.TempDir(), "not a regular file"},
		{link, "it is a symbolic link"},
		{pipe, "not a regular file"},
	} {
		token, err := Token(c.path)
		if err == nil || token != "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q, %v; want an error with %q and nothing of the token", c.path, token, err, c.want)
		}
	}
}

func TestFilesOfAnotherUserAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	token, address := file(t, "secret", 0o600), file(t, "10.0.0.1:20106\n", 0o644)
	want := fmt.Sprintf("it belongs to user 1001, and this is user %d", os.Geteuid())
	for _, path := range []string{token, address} {
		if err := os.Chown(path, 1001, 1001); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Token(token); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("token: %v, want %q", err, want)
	}
	if _, err := Address(address); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("address: %v, want %q", err, want)
	}
}

func TestAddressThatOthersMayNotHaveWritten(t *testing.T) {
	if got, err := Address(file(t, "10.0.0.1:20106\n", 0o644)); err != nil || got.String() != "10.0.0.1:20106" {
		t.Errorf("%v, %v", got, err)
	}
	for path, want := range map[string]string{
		file(t, "10.0.0.1:20106", 0o664):       "others may write it (mode 0664)",
		file(t, "10.0.0.1:20106", 0o646):       "(mode 0646)",
		file(t, "10.0.0.1", 0o644):             "not an address and a port",
		file(t, "evil.example.com:80", 0o644):  "not an address and a port",
		file(t, "10.0.0.1:20106\nmore", 0o644): "not an address and a port",
		file(t, "", 0o644):                     "not an address and a port",
	} {
		if _, err := Address(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
