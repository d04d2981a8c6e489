package submit

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hpcbench/gen/internal/shell"
)

// SSH is a machine that is reached by OpenSSH's own client, so that a user's configuration, keys and known hosts hold.
// One connection, which its first command opens, carries all commands; when it is lost, the next one opens another.
type SSH struct {
	Where
	keys    []string // options that name keys
	control string   // the connection's socket, in a private directory
}

// Keys are the files of private keys that ssh is told of. Only keeps it from trying others.
type Keys struct {
	File string // "": ssh's own choice
	Only bool
}

// Over prepares a connection; nothing is contacted yet. Close it.
func Over(w Where, keys Keys) (*SSH, error) {
	if err := w.Check(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "gen-ssh-")
	if err == nil && len(dir) > 60 { // a socket's path has 108 bytes at most, and ssh lengthens it
		err = os.Remove(dir)
		if err == nil {
			dir, err = os.MkdirTemp("/tmp", "gen-ssh-")
		}
	}
	if err != nil {
		return nil, err
	}
	s := &SSH{Where: w, control: filepath.Join(dir, "master")}
	if keys.File != "" {
		s.keys = []string{"-i", keys.File}
	}
	if keys.File != "" && keys.Only {
		s.keys = append(s.keys, "-o", "IdentitiesOnly=yes")
	}
	return s, nil
}

// options are those of every ssh: nothing asks, forwards or runs what the user's configuration has for his own sessions;
// silence of half a minute is a lost connection.
func (s *SSH) options() []string {
	all := []string{"-S", strings.ReplaceAll(s.control, "%", "%%"), "-T", "-a", "-x"}
	for _, o := range []string{"ControlMaster=auto", "ControlPersist=60", "BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=10",
		"ServerAliveCountMax=3", "ClearAllForwardings=yes", "RemoteCommand=none"} {
		all = append(all, "-o", o)
	}
	if s.Port != 0 {
		all = append(all, "-p", strconv.Itoa(s.Port))
	}
	if s.User != "" {
		all = append(all, "-l", s.User)
	}
	return append(all, s.keys...)
}

// Command is ssh, which hands a login bash its words, each quoted: login scripts say where a site's Slurm is.
func (s *SSH) Command(ctx context.Context, dir string, words ...string) *exec.Cmd {
	if dir == "" {
		dir = "."
	}
	remote := shell.Quoted(append([]string{"bash", "-lc", prelude, "bash", dir}, words...))
	return apart(exec.CommandContext(ctx, "ssh", append(s.options(), "--", s.Host, remote)...))
}

// Lost is by ssh's own exit status.
func (s *SSH) Lost(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 255
}

// Close ends the connection, if there is one.
func (s *SSH) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := os.Stat(s.control); err == nil {
		_ = apart(exec.CommandContext(ctx, "ssh", append(s.options(), "-O", "exit", "--", s.Host)...)).Run() // it ends by itself after a minute
	}
	return os.RemoveAll(filepath.Dir(s.control))
}
