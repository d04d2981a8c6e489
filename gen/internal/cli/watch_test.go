package cli

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

func TestWatchRefusesWhatItCantShow(t *testing.T) {
	alone(t)
	out := t.TempDir()
	if status, _, stderr := gen("", write(t, "local.yaml", demo), "-o", out); status != 0 {
		t.Fatal(stderr)
	}
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{nil, 2, "watch wants one job directory, or the number of one job"},
		{[]string{"a", "b"}, 2, "watch wants one job directory"},
		{[]string{"4711", "--local-port", "70000"}, 2, "want a port"},
		{[]string{"4711", "--no-opne"}, 2, `did you mean "--no-open"?`},
		{[]string{"4711"}, 1, "this machine has no Slurm: give the login node with --host"},
		{[]string{filepath.Join(out, "nothing")}, 2, "MANIFEST"},
		{[]string{t.TempDir()}, 1, "MANIFEST"},
	} {
		status, stdout, stderr := gen("", append([]string{"watch"}, c.args...)...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%v: status %d\n%s%s", c.args, status, stdout, stderr)
		}
	}
}

// The door to the page opens once, to who has the word.
func TestTheDoorOpensOnce(t *testing.T) {
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const page = "http://127.0.0.1:9/#secret"
	over := make(chan struct{})
	go func() { defer close(over); once(t.Context(), door, "/word", page) }()
	ask := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+door.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, answer.Header.Get("Location") + string(text)
	}
	for _, path := range []string{"/", "/other", "/word/x"} {
		if status, text := ask(path); status != http.StatusNotFound || strings.Contains(text, "secret") {
			t.Errorf("%s: HTTP %d, %s", path, status, text)
		}
	}
	if status, text := ask("/word"); status != http.StatusSeeOther || !strings.HasPrefix(text, page) {
		t.Errorf("the word: HTTP %d, %s", status, text)
	}
	if status, text := ask("/word"); status != http.StatusNotFound || strings.Contains(text, "secret") {
		t.Errorf("a second time: HTTP %d, %s", status, text)
	}
	<-over
}
