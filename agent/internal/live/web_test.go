package live

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guarded are the paths that show something of the run.
var guarded = []string{"/events", "/report"}

func TestWithoutTheTokenThereIsNothing(t *testing.T) {
	results, dir := running(t)
	put(t, dir, "report.html", "the report")
	s := show(t, results)
	for _, path := range guarded {
		for name, token := range map[string]string{"none": "", "a wrong one": "x" + s.token[1:], "half of it": s.token[:10], "it and more": s.token + "x"} {
			answer := s.ask(t, "GET", path, token)
			if text := body(t, answer); answer.StatusCode != http.StatusUnauthorized || strings.Contains(text, "4711") || strings.Contains(text, s.token) {
				t.Errorf("%s with token %s: HTTP %d, %s", path, name, answer.StatusCode, text)
			}
		}
		if answer := s.ask(t, "GET", path+"?token="+s.token, ""); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s takes the token from the URL: HTTP %d", path, answer.StatusCode)
		}
	}
	page := body(t, s.ask(t, "GET", "/", ""))
	if !strings.Contains(page, "<main>") || strings.Contains(page, s.token) || strings.Contains(page, "to look at") {
		t.Error("the page has a word of the run, or the token, or is none")
	}
	if text := body(t, s.ask(t, "GET", "/report", s.token)); text != "the report" {
		t.Errorf("with the token: %q", text)
	}
}

func TestThePageIsReadOnly(t *testing.T) {
	results, _ := running(t)
	s := show(t, results)
	for _, path := range []string{"/", "/events", "/report"} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if answer := s.ask(t, method, path, s.token); answer.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: HTTP %d", method, path, answer.StatusCode)
			}
		}
	}
}

// There is no path to a file: what is served are three names.
func TestNoPathLeadsToAFile(t *testing.T) {
	results, dir := running(t)
	put(t, dir, "control.token", "the secret of the job")
	s := show(t, results)
	for _, path := range []string{"/control.token", "/4711/control.token", "/report/../control.token", "/report/../../4711/control.token", "/%2e%2e/control.token",
		"/..%2f4711%2fcontrol.token", "//4711/control.token", "/report/", "/events.tsv", "/logs/client.cn1.log", "/report%00", "/./events.tsv"} {
		answer := s.ask(t, "GET", path, s.token)
		if text := body(t, answer); answer.StatusCode != http.StatusNotFound || strings.Contains(text, "secret") {
			t.Errorf("%s: HTTP %d, %s", path, answer.StatusCode, text)
		}
	}
	v := s.view(t)
	for range 20 { // nor does the run have it
		name, data := v.next()
		if text := name + strings.Join(strings.Fields(toText(data)), " "); strings.Contains(text, "the secret") {
			t.Errorf("the token of the job: %s", text)
		}
	}
}

func TestAReportThatIsNoFile(t *testing.T) {
	results, dir := running(t)
	s := show(t, results)
	if answer := s.ask(t, "GET", "/report", s.token); answer.StatusCode != http.StatusNotFound {
		t.Errorf("before there is one: HTTP %d", answer.StatusCode)
	}
	s.view(t).until("job", whatever)
	if err := syscall.Mkfifo(filepath.Join(dir, "report.html"), 0o600); err != nil {
		t.Fatal(err)
	}
	if answer := s.ask(t, "GET", "/report", s.token); answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("a pipe: HTTP %d", answer.StatusCode)
	}
}

func TestThePageMayLoadNothing(t *testing.T) {
	results, _ := running(t)
	h := show(t, results).ask(t, "GET", "/", "").Header
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if h.Get(name) != want {
			t.Errorf("%s: %q", name, h.Get(name))
		}
	}
	policy := h.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("no %s in %s", want, policy)
		}
	}
	for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"} {
		if strings.Contains(pageJS, word) {
			t.Errorf("the script has %s", word)
		}
	}
	for _, word := range []string{"http:", "https:", " src=", "url("} {
		if strings.Contains(pageHTML+pageCSS, word) {
			t.Errorf("the page has %s", word)
		}
	}
}

func TestSoManyMayLookOn(t *testing.T) {
	results, _ := running(t)
	s := show(t, results)
	for range viewers {
		s.view(t).next()
	}
	answer := s.ask(t, "GET", "/events", s.token)
	if text := body(t, answer); answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "16 look on already") {
		t.Errorf("one more: HTTP %d, %s", answer.StatusCode, text)
	}
}

// While nobody looks on nothing is read; who left makes room.
func TestNobodyLooksNothingIsRead(t *testing.T) {
	results, _ := running(t)
	s := show(t, results)
	if s.run.count != 0 {
		t.Error("it was read before anybody came")
	}
	for range 3 * viewers {
		answer := s.ask(t, "GET", "/events", s.token)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("HTTP %d", answer.StatusCode)
		}
		answer.Body.Close()
		for len(s.seats) > 0 { // until its leaving was noticed
			time.Sleep(time.Millisecond)
		}
	}
	s.looking.Lock()
	before := s.run.count
	s.looking.Unlock()
	time.Sleep(5 * s.cfg.Every)
	s.looking.Lock()
	defer s.looking.Unlock()
	if s.run.count != before || before == 0 {
		t.Errorf("%d looks, then %d without a viewer", before, s.run.count)
	}
}

// The address of an executor is taken from a file of the user's own alone.
func TestAnAddressThatAnotherWroteIsNotAsked(t *testing.T) {
	results, dir := running(t)
	put(t, dir, "executors/cn1", "127.0.0.1:1\n")
	if err := os.Chmod(filepath.Join(dir, "executors/cn1"), 0o666); err != nil {
		t.Fatal(err)
	}
	tick := show(t, results).view(t).until("tick", whatever)
	x := tick["executors"].([]any)[0].(map[string]any)
	if x["asked"] != false || !strings.Contains(x["words"].(string), "others may write it") {
		t.Errorf("executor %v", x)
	}
}
