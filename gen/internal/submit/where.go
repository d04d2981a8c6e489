package submit

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"hpcbench/gen/internal/shell"
)

// Where is a directory on a machine that ssh reaches. The zero value is the bundle's own directory on this machine.
type Where struct {
	Host, User string // User "": ssh's own choice
	Port       int    // 0: ssh's own choice
	Dir        string // absolute, or from the user's home
}

// here is how a table names this machine.
const here = "here"

// String is "here", or an address such as ssh://user@host:22/~/hpcbench/demo.
func (w Where) String() string {
	if w.Host == "" {
		return here
	}
	u := url.URL{Scheme: "ssh", Host: w.Host, Path: w.Dir}
	if strings.Contains(w.Host, ":") {
		u.Host = "[" + w.Host + "]"
	}
	if w.Port != 0 {
		u.Host += ":" + strconv.Itoa(w.Port)
	}
	if w.User != "" {
		u.User = url.User(w.User)
	}
	if !strings.HasPrefix(w.Dir, "/") {
		u.Path = "/~/" + w.Dir
	}
	return u.String()
}

// ParseWhere reads what String writes.
func ParseWhere(text string) (Where, error) {
	if text == here {
		return Where{}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ssh" || u.Hostname() == "" {
		return Where{}, fmt.Errorf("%q is neither %q nor an address ssh://…", text, here)
	}
	w := Where{Host: u.Hostname(), User: u.User.Username(), Dir: u.Path}
	if dir, ok := strings.CutPrefix(u.Path, "/~/"); ok {
		w.Dir = dir
	}
	if u.Port() != "" {
		if w.Port, err = strconv.Atoi(u.Port()); err != nil {
			return Where{}, fmt.Errorf("%q: %w", text, err)
		}
	}
	return w, w.Check()
}

// Check is an error for what ssh and rsync would take for an option or for several words.
func (w Where) Check() error {
	for what, word := range map[string]string{"host": w.Host, "user": w.User} {
		if strings.HasPrefix(word, "-") || strings.ContainsFunc(word, func(r rune) bool { return r == '/' || r == '@' || shell.Special(r) }) {
			return fmt.Errorf("%q can't be the %s of an ssh connection", word, what)
		}
	}
	if w.Port < 0 || w.Port > 65535 {
		return fmt.Errorf("%d can't be a port", w.Port)
	}
	return nil
}

// Name is the directory as scp and people write it.
func (w Where) Name() string { return w.Host + ":" + w.Dir }
