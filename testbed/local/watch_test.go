package local

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hpcbench/testbed/browser"
)

// picture is where a screenshot goes that people look at afterwards.
func picture(name string) string {
	return filepath.Join(cmp.Or(os.Getenv("E2E_ARTIFACTS"), "../../.e2e"), "watch-"+name+".png")
}

// watch starts gen watch and gives the URL that it prints.
func watch(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command(filepath.Join(bin, "gen"), append([]string{"watch", "--no-open"}, args...)...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("gen watch, interrupted: %v", err)
		}
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("gen watch printed no URL: %v", err)
	}
	return strings.TrimSpace(url)
}

// A person opens the page before the job begins, looks on in every way that there is, and reads the report at the end.
func TestARunIsWatchedInABrowser(t *testing.T) {
	tab := browser.Open(t)
	text := fmt.Sprintf(recipe, ", jitter: 1") // the answer takes up to 16 ms, and half of them are given up
	b := compileText(t, strings.Replace(text, "duration: 2\n", "duration: 10\n  timeout: 8ms\n", 1))
	tab.Size(1280, 900)
	tab.Scheme("light")
	tab.Go(watch(t, b.dir))
	tab.Until("it waits", "document.getElementById('job').textContent === 'no job has begun yet'")

	job := b.start()
	tab.Until("the job is there", "document.getElementById('job').textContent === 'job local-1'")
	tab.Until("it is followed", "document.getElementById('trial').textContent.includes('trial 1 of 2: c2')")
	tab.Until("requests end", "Number(document.getElementById('rate').textContent) > 0")
	for _, id := range []string{"rate", "flying", "ttft", "tpot", "e2el", "tokens", "queue", "cpu", "memory"} {
		tab.Until("chart "+id+" is drawn", fmt.Sprintf("document.querySelector('#chart-%s:not([hidden]) path.curve')?.getAttribute('d')", id))
	}
	tab.Until("failures are counted by their outcome", "document.querySelector('#failures:not([hidden]) tbody').textContent.startsWith('timeout')")
	tab.Until("in flight is what was asked for", "['1', '2'].includes(document.getElementById('inflight').textContent)")
	tab.Until("log lines came", "document.querySelectorAll('#log p').length > 3")
	tab.Shoot(picture("light"), false)

	reloadLosesNothing(t, tab)
	colours(t, tab)
	phone(t, tab)
	filters(t, tab)
	tab.Until("a trial is over", "Number(document.getElementById('done').textContent) > 0")
	if status := job.status(); status != 0 {
		t.Fatalf("status %d\n%s", status, job.out.String())
	}
	tab.Until("the end is seen", "document.getElementById('phase').textContent === 'over' && document.getElementById('done').textContent === '2'")
	report(t, tab)
	numbers(t, tab, b)
	keyboard(t, tab)
	tab.Eval("location.href = document.getElementById('report').href")
	tab.Until("the link leads to the report", "location.protocol === 'blob:' && document.querySelector('.validity') && getComputedStyle(document.querySelector('main')).maxWidth !== 'none'")
	if wrong := tab.Wrong(); len(wrong) > 0 {
		t.Errorf("the console was told of errors: %q", wrong)
	}
}

// reloadLosesNothing: what was seen before is there again, and more.
func reloadLosesNothing(t *testing.T, tab *browser.Tab) {
	t.Helper()
	const points = "[...trials.values(), ...nodes.values(), ...servers.values()].reduce((n, p) => n + p.length, 0)"
	const first = "Math.min(...[...trials.values()].map(p => p[0][0]))"
	before, began := tab.Eval(points).(float64), tab.Eval(first).(float64)
	tab.Reload()
	tab.Until("as much is there as before", fmt.Sprintf("%s >= %v && document.querySelectorAll('#log p').length > 3", points, before))
	if again := tab.Eval(first).(float64); again > began+0.01 {
		t.Errorf("the first second was %v, and is %v after the reload", began, again)
	}
}

// colours: the page follows the system, until a person says otherwise.
func colours(t *testing.T, tab *browser.Tab) {
	t.Helper()
	ground := func() string { return fmt.Sprint(tab.Eval("getComputedStyle(document.body).backgroundColor")) }
	light := ground()
	tab.Scheme("dark")
	dark := ground()
	tab.Shoot(picture("dark"), false)
	choose := func(theme string) string {
		tab.Eval(fmt.Sprintf("{ const c = document.getElementById('theme'); c.value = %q; c.dispatchEvent(new Event('change')) }", theme))
		return ground()
	}
	if light == dark || choose("light") != light || choose("dark") != dark || choose("") != dark {
		t.Errorf("light is %s, dark %s", light, dark)
	}
	tab.Scheme("light")
	if choose("dark") != dark || choose("") != light {
		t.Error("the switch does not win over the system")
	}
}

// phone: 360 pixels hold it, and all of its words and controls.
func phone(t *testing.T, tab *browser.Tab) {
	t.Helper()
	tab.Size(360, 740)
	tab.Until("it is narrow", "innerWidth === 360")
	tab.Until("the charts are as narrow", "document.querySelector('#chart-rate svg').viewBox.baseVal.width < 360")
	if width := tab.Eval("document.documentElement.scrollWidth"); width != 360.0 {
		t.Errorf("it is %v pixels wide; wider than the screen: %v", width, tab.Eval("[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 361 && !e.closest('.scroll')).map(e => e.tagName + '#' + e.id).join(' ')"))
	}
	tab.Shoot(picture("phone"), false)
	tab.Size(1280, 900)
}

// filters: of the log, by level, component and words.
func filters(t *testing.T, tab *browser.Tab) {
	t.Helper()
	shown := "[...document.querySelectorAll('#log p')]"
	set := func(id, value string) {
		tab.Eval(fmt.Sprintf("{ const c = document.getElementById(%q); c.value = %q; c.dispatchEvent(new Event('change')); c.dispatchEvent(new Event('input')) }", id, value))
	}
	all := tab.Eval(shown + ".length").(float64)
	set("component", "trial")
	if tab.Eval(shown+".length").(float64) >= all || tab.Eval(shown+".every(p => p.querySelector('.who').textContent.startsWith('trial'))") != true {
		t.Error("lines of trials alone are not what is shown")
	}
	set("component", "")
	set("words", "in flight")
	if tab.Eval(shown+".length").(float64) >= all || tab.Eval(shown+".every(p => p.textContent.includes('in flight'))") != true {
		t.Error("lines with words are not what is shown")
	}
	set("words", "")
	if tab.Eval(shown+".length").(float64) < all {
		t.Error("lines are lost")
	}
}

// report: it is there at the end without a word, and behind a link.
func report(t *testing.T, tab *browser.Tab) {
	t.Helper()
	tab.Until("the report is shown", "!document.getElementById('end').hidden && document.getElementById('shown').srcdoc.includes('What the words mean')")
	if href := tab.Eval("document.getElementById('report').href"); !strings.HasPrefix(fmt.Sprint(href), "blob:http://127.0.0.1:") {
		t.Errorf("the link leads to %v", href)
	}
	tab.Shoot(picture("end"), false)
}

// numbers: those of the page are those of the files.
func numbers(t *testing.T, tab *browser.Tab, b bundle) {
	t.Helper()
	failed := 0
	for k, id := range []string{"0001", "0002"} {
		var s struct {
			Requests struct{ OK, Failed int }
		}
		text, err := os.ReadFile(filepath.Join(b.dir, "results/local-1", id, "summary.json"))
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil {
			t.Fatal(err)
		}
		failed += s.Requests.Failed
		row := fmt.Sprint(tab.Eval(fmt.Sprintf("[...document.querySelectorAll('#trials tbody tr')[%d].cells].map(c => c.textContent).join(' ')", k)))
		if want := fmt.Sprintf("%s c%d complete %d %d ", id, 2*(k+1), s.Requests.OK, s.Requests.Failed); !strings.HasPrefix(row, want) {
			t.Errorf("the row is %q, want %q", row, want)
		}
	}
	if got := tab.Text("failed"); got != fmt.Sprint(failed) {
		t.Errorf("%s requests failed, want %d", got, failed)
	}
}

// keyboard: Tab reaches every control, first the way to the numbers, and each is seen to have the focus.
func keyboard(t *testing.T, tab *browser.Tab) {
	t.Helper()
	tab.Eval("document.activeElement.blur(); scrollTo(0, 0); document.getElementById('shown').hidden = true") // a frame of another process: who has the focus is told late
	var reached []string
	for range 60 {
		tab.Press("Tab")
		name := fmt.Sprint(tab.Eval("{ const e = document.activeElement; e === document.body ? '' : e.closest('figure')?.id || e.id || e.className }"))
		if name == "" || len(reached) > 0 && name == reached[0] {
			break
		}
		if outline := tab.Eval("getComputedStyle(document.activeElement).outlineStyle"); outline == "none" {
			t.Errorf("%s does not show that it has the focus", name)
		}
		reached = append(reached, name)
	}
	if len(reached) == 0 || reached[0] != "skip" {
		t.Errorf("the first that is reached is not the way past the rest: %q", reached)
	}
	for _, want := range []string{"range", "theme", "report", "chart-rate", "chart-cpu", "level", "category", "component", "words", "follow", "log"} {
		if !slices.Contains(reached, want) {
			t.Errorf("%s is not reached by keyboard; what is: %q", want, reached)
		}
	}
	unnamed := tab.Eval("[...document.querySelectorAll('select, input, a, svg[role=img], [tabindex=\"0\"]')].filter(e => !e.closest('[hidden]') && !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.id || e.tagName).join(' ')")
	if unnamed != "" {
		t.Errorf("without a name: %v", unnamed)
	}
	tab.Eval("document.querySelector('#chart-rate svg').focus()")
	tab.Press("ArrowLeft")
	tab.Until("the arrow reads an earlier time", "document.querySelector('#chart-rate .cursor') && document.querySelector('#chart-cpu .cursor')")
}

// gen watch ends with what it was started from, and so does the agent behind it.
func TestNothingStaysBehindAWatch(t *testing.T) {
	b := compile(t, "")
	b.run(0)
	c := exec.Command(filepath.Join(bin, "gen"), "watch", "--no-open", b.dir)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = c.Process.Signal(syscall.SIGKILL) // it has no say in it
	_ = c.Wait()
	agentsEnd(t, b.dir)
}

// agentsEnd waits for the end of every agent that watches the bundle.
func agentsEnd(t *testing.T, dir string) {
	t.Helper()
	for range 600 {
		running := false
		links, _ := filepath.Glob("/proc/[0-9]*/cwd")
		for _, link := range links {
			at, err := os.Readlink(link)
			running = running || err == nil && at == dir
		}
		if !running {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("an agent that watched is still there")
}
