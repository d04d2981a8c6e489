package scrape

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// quiet is a log that nobody reads.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// told digests a server.csv: rows of "time running waiting gen_tokens", "-" for an empty cell.
func told(t *testing.T, from, to float64, rows ...string) summary.Told {
	t.Helper()
	p := pageBy(t, map[string]string{"a": "running", "b": "kv_usage", "c": "gen_tokens", "d": "ttft"}, workload.Metric{Name: "fan", Metric: "f"})
	at := map[string]int{}
	for i, h := range p.heads() {
		at[h] = i
	}
	text := "time_s,endpoint," + strings.Join(p.heads(), ",") + "\n"
	for _, row := range rows {
		words := strings.Fields(row)
		cells := make([]string, len(p))
		for i, head := range []string{"running", "gen_tokens_total", "ttft_s_sum", "ttft_s_count", "custom_fan"} {
			if i+1 < len(words) && words[i+1] != "-" {
				cells[at[head]] = words[i+1]
			}
		}
		text += words[0] + ",http://a:1," + strings.Join(cells, ",") + "\n"
	}
	s := &Scraper{page: p, servers: []*server{{name: "http://a:1"}}}
	if err := s.digest(strings.NewReader(text), from, to); err != nil {
		t.Fatal(err)
	}
	return s.servers[0].told
}

func TestWindowOfLooks(t *testing.T) {
	for name, c := range map[string]struct {
		rows []string
		want summary.Told
	}{
		"levels are of the looks within":               {[]string{"9 50", "10 1", "15 4", "20 1", "21 50"}, summary.Told{Running: &summary.Level{Mean: 2, Max: 4}}},
		"a missing cell is no look":                    {[]string{"11 1", "12 -", "13 3"}, summary.Told{Running: &summary.Level{Mean: 2, Max: 3}}},
		"a level below nothing keeps its max":          {[]string{"11 -3", "12 -1"}, summary.Told{Running: &summary.Level{Mean: -2, Max: -1}}},
		"counters between two looks grow evenly":       {[]string{"8 - 100", "12 - 200", "18 - 500", "22 - 700"}, summary.Told{GenTokens: new(450.0)}},
		"a window between two looks has its share":     {[]string{"0 - 0", "100 - 1000"}, summary.Told{GenTokens: new(100.0)}},
		"of a window without looks around it the rest": {[]string{"12 - 100", "17 - 600"}, summary.Told{GenTokens: new(500.0)}},
		"what did not grow grew by 0":                  {[]string{"9 - 5", "21 - 5"}, summary.Told{GenTokens: new(0.0)}},
		"one look is not known to have grown":          {[]string{"15 - 100"}, summary.Told{}},
		"nothing in or around the window":              {[]string{"30 7 100", "31 8 200"}, summary.Told{}},
		"only before the window":                       {[]string{"3 7 100", "4 8 200"}, summary.Told{}},
		"a server that began anew":                     {[]string{"10 - 100", "12 - 200", "14 - 30", "20 - 90"}, summary.Told{GenTokens: new(190.0), Resets: 1}},
		"a mean of what came within":                   {[]string{"10 - - 5 10", "20 - - 7 30"}, summary.Told{TTFT: &summary.Timed{N: 20, Mean: 0.1}}},
		"no mean of nothing":                           {[]string{"10 - - 5 10", "20 - - 5 10"}, summary.Told{}},
		"added":                                        {[]string{"11 - - - - 3", "12 - - - - 5"}, summary.Told{Custom: map[string]summary.Level{"custom_fan": {Mean: 4, Max: 5}}}},
	} {
		if got := told(t, 10, 20, c.rows...); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// pages is a server whose page a test writes.
type pages struct {
	looks  atomic.Int64
	status atomic.Int64
	header atomic.Value
	text   func(look int64) string
	*httptest.Server
}

func serve(t *testing.T, text func(look int64) string) *pages {
	p := &pages{text: text}
	p.status.Store(200)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.header.Store(r.Header.Get("Authorization"))
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(int(p.status.Load()))
		_, _ = io.WriteString(w, p.text(p.looks.Add(1)))
	}))
	t.Cleanup(p.Close)
	return p
}

func scraper(t *testing.T, endpoints ...string) (*Scraper, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), File)
	s, err := New(Config{
		Watch: workload.Watch{IntervalS: 0.1, Server: &workload.MetricsPage{Path: "/metrics", Map: map[string]string{"r": "running", "t_total": "gen_tokens"}},
			Metrics: []workload.Metric{{Name: "fan", Metric: `f{l="v"}`}}},
		Endpoints: endpoints, Headers: []string{"Authorization: Bearer key"}, Path: path, Log: quiet(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, path
}

// running starts a scraper, waits until so many looks at every server were written, and returns a function that tells.
func running(t *testing.T, s *Scraper, looks int64) func(from, to time.Time) *summary.Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		<-s.over
	})
	go s.Run(ctx)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		least := looks
		for _, at := range s.servers {
			least = min(least, at.told.Looks)
		}
		s.mu.Unlock()
		if least >= looks {
			return s.Told
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d looks in a minute, want %d", least, looks)
		}
	}
}

func TestTwoServersOfWhichOneTells(t *testing.T) {
	good := serve(t, func(look int64) string { return fmt.Sprintf("r 3\nt_total %d\nf{l=\"v\"} 7\nf{l=\"w\"} 9\n", 100*look) })
	bad := serve(t, func(int64) string { return "sorry" })
	bad.status.Store(500)
	s, path := scraper(t, good.URL, bad.URL)
	tell := running(t, s, 3)
	readings := s.Readings()
	if len(readings) != 2 || readings[0].Values["custom_fan"] != 7 || readings[0].Values["running"] != 3 || len(readings[0].Values) != 3 || readings[1].Values != nil {
		t.Errorf("readings %+v", readings)
	}
	got := tell(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	a, b := got.Endpoints[0], got.Endpoints[1]
	if a.Failed != 0 || a.Looks < 4 || *a.GenTokens != float64(100*(a.Looks-1)) || *a.Running != (summary.Level{Mean: 3, Max: 3}) || a.Custom["custom_fan"].Mean != 7 {
		t.Errorf("the one that tells: %+v", a)
	}
	if b.Failed != b.Looks || b.Looks < 4 || b.Why != "HTTP 500" || b.Running != nil || b.GenTokens != nil {
		t.Errorf("the one that does not: %+v", b)
	}
	if got.Looks != a.Looks+b.Looks || got.Failed != b.Failed || got.Why != "HTTP 500" || *got.GenTokens != *a.GenTokens {
		t.Errorf("both: %+v", got.Told)
	}
	if key := good.header.Load(); key != "Bearer key" {
		t.Errorf("it was asked with Authorization %q", key)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if lines[0] != "time_s,endpoint,running,waiting,kv_usage_ratio,preemptions_total,prompt_tokens_total,gen_tokens_total,prefix_queries_total,"+
		"prefix_hits_total,ttft_s_sum,ttft_s_count,itl_s_sum,itl_s_count,e2e_s_sum,e2e_s_count,custom_fan" {
		t.Errorf("header %s", lines[0])
	}
	for _, line := range lines[1:] {
		_, rest, _ := strings.Cut(line, ",")
		if ok, failed := strings.HasPrefix(rest, good.URL+",3,,,,,"), rest == bad.URL+strings.Repeat(",", 15); !ok && !failed {
			t.Errorf("row %s", line)
		}
	}
}

// A server that does not answer keeps nobody from hearing of the others, nor the trial from its end: its look is broken off,
// and the last one has a second.
func TestServerThatHangs(t *testing.T) {
	good := serve(t, func(int64) string { return "r 1\n" })
	let := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-let }))
	t.Cleanup(func() { close(let); hung.Close() })
	s, _ := scraper(t, good.URL, hung.URL)
	go s.Run(t.Context())
	for good.looks.Load() < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	got := s.Told(time.Now().Add(-time.Hour), time.Now())
	if got.Endpoints[0].Looks < 2 || got.Endpoints[1].Looks != 1 || got.Endpoints[1].Why != "no answer within 1s" {
		t.Errorf("got %+v", got)
	}
}

func TestPageThatIsTooLong(t *testing.T) {
	long := serve(t, func(int64) string {
		return "r 1\n" + strings.Repeat("# a comment of a server that has much to say\n", mostBytes/40)
	})
	s, _ := scraper(t, long.URL)
	got := running(t, s, 1)(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if got.Failed == 0 || !strings.Contains(got.Why, "exceeds") {
		t.Errorf("got %+v", got.Told)
	}
}

func TestPageOfAnEndpoint(t *testing.T) {
	for _, c := range []struct {
		endpoint string
		page     workload.MetricsPage
		want     string
	}{
		{"http://a:8000", workload.MetricsPage{Path: "/metrics"}, "http://a:8000/metrics"},
		{"http://a:8000/", workload.MetricsPage{Path: "/metrics"}, "http://a:8000/metrics"},
		{"https://a/v/", workload.MetricsPage{Path: "/metrics"}, "https://a/v/metrics"},
		{"http://10.0.0.1:8000", workload.MetricsPage{Path: "/metrics", PortOffset: 2}, "http://10.0.0.1:8002/metrics"},
		{"http://[::1]:8000/v", workload.MetricsPage{Path: "/m", PortOffset: 2}, "http://[::1]:8002/m"},
	} {
		if got, err := pageOf(c.endpoint, c.page); err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.endpoint, got, err, c.want)
		}
	}
	if _, err := pageOf("http://a", workload.MetricsPage{Path: "/m", PortOffset: 2}); err == nil {
		t.Error("an endpoint without a port has none beside it")
	}
}

// An endpoint may be given with its API's first part; its own pages lie above that.
func TestThePageLiesAboveTheAPI(t *testing.T) {
	for dialect, want := range map[string]string{"openai-chat": "http://10.0.0.1:8000/metrics", "": "http://10.0.0.1:8000/v1/metrics"} {
		s, err := New(Config{
			Watch:     workload.Watch{IntervalS: 1, Server: &workload.MetricsPage{Path: "/metrics"}},
			Endpoints: []string{"http://10.0.0.1:8000/v1"}, Dialect: dialect, Path: filepath.Join(t.TempDir(), File),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.servers[0].url; got != want {
			t.Errorf("%q: %s, want %s", dialect, got, want)
		}
		if err := s.file.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A server's own words, at the first look that it answered and at the last, lie beside server.csv as they came.
func TestFirstAndLastPageAreKept(t *testing.T) {
	up := serve(t, func(look int64) string {
		return fmt.Sprintf("# HELP r x\nr %d\nown_of_the_server{a=\"b\"} %d\n", look, look)
	})
	down := serve(t, func(int64) string { return strings.Repeat("# too long\n", mostRaw/10) + "r 1\n" })
	gone := serve(t, func(int64) string { return "" })
	gone.status.Store(500)
	s, path := scraper(t, up.URL, down.URL, gone.URL)
	now := time.Now()
	running(t, s, 3)(now, now.Add(time.Hour))
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(text)
	}
	if first := read(RawFile(0, "first")); first != "# HELP r x\nr 1\nown_of_the_server{a=\"b\"} 1\n" {
		t.Errorf("first page %q", first)
	}
	if last, want := read(RawFile(0, "last")), fmt.Sprintf("r %d\nown", up.looks.Load()); !strings.Contains(last, want) {
		t.Errorf("last page %q, want that of look %d", last, up.looks.Load())
	}
	if first := read(RawFile(1, "first")); len(first) != mostRaw {
		t.Errorf("%d bytes of a page of %d are kept", len(first), mostRaw+mostRaw/10)
	}
	if text := read(RawFile(2, "first")) + read(RawFile(2, "last")); text != "" {
		t.Errorf("of a server that never answered: %q", text)
	}
}
