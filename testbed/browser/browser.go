// Package browser drives a headless Chromium for tests of pages, by the DevTools protocol over two pipes
// (--remote-debugging-pipe: JSON messages that end in NUL, https://chromedevtools.github.io/devtools-protocol/).
package browser

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a busy machine.
const patience = 60 * time.Second

// Tab is one tab of a browser of its own.
type Tab struct {
	t       testing.TB
	to      io.WriteCloser
	session string

	mu      sync.Mutex
	last    int
	waiting map[int]chan answer
	wrong   []string // what the console was told of errors
}

// answer is a message of the browser: the answer to one of ours, or an event.
type answer struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Result json.RawMessage `json:"result"`
	Params json.RawMessage `json:"params"`
	Error  *struct{ Message string }
}

// Open starts a browser with an empty tab; where there is none the test is skipped, which it says. It ends with the test. Through
// are the words of a command, if any, that starts another one, such as nsenter.
func Open(t testing.TB, through ...string) *Tab {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("no chromium here: the page was looked at by nobody")
	}
	tab := &Tab{t: t, waiting: map[int]chan answer{}}
	tab.start(append(through, program))
	var target struct{ TargetID string }
	tab.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	tab.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	tab.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		tab.call(domain+".enable", nil, nil)
	}
	return tab
}

// start runs the browser, whose program is the last of the words, with one pipe to it and one from it.
func (b *Tab) start(words []string) {
	b.t.Helper()
	theirs, ours, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	from, said, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	home := b.t.TempDir()
	words = append(words, "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--hide-scrollbars", "--user-data-dir="+filepath.Join(home, "profile"), "about:blank")
	c := exec.Command(words[0], words[1:]...)
	c.ExtraFiles, c.Env = []*os.File{theirs, said}, append(os.Environ(), "HOME="+home)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	_ = theirs.Close() // the browser has them now
	_ = said.Close()
	b.to = ours
	over := make(chan struct{})
	go func() { b.listen(from); close(over) }()
	b.t.Cleanup(func() {
		_ = ours.Close() // which ends it
		stop := time.AfterFunc(5*time.Second, func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
		_ = c.Wait()
		stop.Stop()
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) // what is left of its group
		<-over
	})
}

// listen takes the browser's messages.
func (b *Tab) listen(from *os.File) {
	defer from.Close()
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			return
		}
		var a answer
		if json.Unmarshal(text[:len(text)-1], &a) != nil {
			continue
		}
		b.mu.Lock()
		if waiting := b.waiting[a.ID]; a.ID != 0 && waiting != nil {
			waiting <- a
			delete(b.waiting, a.ID)
		}
		b.note(a)
		b.mu.Unlock()
	}
}

// note keeps what a person would see in red in the console.
func (b *Tab) note(a answer) {
	var p struct {
		Type             string
		Entry            struct{ Level, Text, URL string }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Args []struct{ Value any }
	}
	if json.Unmarshal(a.Params, &p) != nil {
		return
	}
	switch {
	case a.Method == "Runtime.exceptionThrown":
		b.wrong = append(b.wrong, p.ExceptionDetails.Text+" "+p.ExceptionDetails.Exception.Description)
	case a.Method == "Log.entryAdded" && p.Entry.Level == "error":
		b.wrong = append(b.wrong, p.Entry.Text+" "+p.Entry.URL)
	case a.Method == "Runtime.consoleAPICalled" && (p.Type == "error" || p.Type == "warning"):
		b.wrong = append(b.wrong, fmt.Sprint(p.Args))
	}
}

// Wrong are the errors of the console since the last call.
func (b *Tab) Wrong() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.wrong
	b.wrong = nil
	return all
}

// call sends a command and reads its result into where, unless that is nil.
func (b *Tab) call(method string, params map[string]any, where any) {
	b.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	b.mu.Lock()
	b.last++
	id, waiting := b.last, make(chan answer, 1)
	b.waiting[id] = waiting
	b.mu.Unlock()
	message := map[string]any{"id": id, "method": method, "params": params}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		b.t.Fatalf("%s: the browser is gone: %v", method, err)
	}
	select {
	case a := <-waiting:
		if a.Error != nil {
			b.t.Fatalf("%s: %s", method, a.Error.Message)
		}
		if where != nil {
			if err := json.Unmarshal(a.Result, where); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
	case <-time.After(patience):
		b.t.Fatalf("%s: no answer within %v", method, patience)
	}
}

// Go opens a URL.
func (b *Tab) Go(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.Until(url+" is loaded", "document.readyState === 'complete' && location.href !== 'about:blank'")
}

// Reload loads the page again.
func (b *Tab) Reload() {
	b.t.Helper()
	b.Eval("window.before = true")
	b.call("Page.reload", nil, nil)
	b.Until("the page is loaded again", "window.before !== true && document.readyState === 'complete'")
}

// Eval gives the value of an expression of JavaScript, as JSON has it.
func (b *Tab) Eval(expression string) any {
	b.t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, got.ExceptionDetails.Exception.Description)
	}
	return got.Result.Value
}

// Text is the text of the element of this id.
func (b *Tab) Text(id string) string {
	b.t.Helper()
	text, _ := b.Eval(fmt.Sprintf("document.getElementById(%q)?.textContent ?? ''", id)).(string)
	return strings.TrimSpace(text)
}

// Until waits for an expression to be true; one that throws is not, yet.
func (b *Tab) Until(what, expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; {
		if b.Eval("(() => { try { return Boolean("+expression+") } catch { return false } })()") == true {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("it never came so far that %s; the page says\n%v", what, b.Eval("document.body.innerText"))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Size makes the window so large, in CSS pixels; narrow ones are a phone's.
func (b *Tab) Size(width, height int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}, nil)
}

// Scheme is what the system prefers: light or dark.
func (b *Tab) Scheme(scheme string) {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]any{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// Press presses a key of the keyboard, such as Tab, Enter or ArrowLeft.
func (b *Tab) Press(key string) {
	b.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40}
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}, nil)
	}
}

// Shoot writes what is to be seen into a PNG; whole: also what lies below the window.
func (b *Tab) Shoot(file string, whole bool) {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
