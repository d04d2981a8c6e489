package ready

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

// inGPU is a page as Ollama's service has it: of each loaded model what lies in a GPU's memory, and what of it is worth keeping.
var inGPU = workload.Page{Path: "/api/ps", Items: "models", Less: "size_vram", Than: "size", Cause: "the model computes on the CPU", Cure: "see its log",
	Proof: []string{"size", "size_vram", "name"}}

// showing is a server with one page.
func showing(t *testing.T, page string) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/health":
		case r.URL.Path == "/api/ps" && page != "":
			_, _ = io.WriteString(w, page)
		case r.URL.Path == "/v1/chat/completions":
			_, _ = io.WriteString(w, word)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// proved waits for servers with this page and gives what was proved, an endpoint by its place.
func proved(t *testing.T, page workload.Page, answers ...string) ([]string, error) {
	t.Helper()
	var lines, got []string
	var endpoints []string
	for _, answer := range answers {
		endpoints = append(endpoints, showing(t, answer))
	}
	cfg := config(&lines, endpoints...)
	cfg.Pages, cfg.HealthTimeout = []workload.Page{page}, time.Hour // so long would it be asked again
	cfg.Prove = func(name, value, endpoint string) {
		if k := slices.Index(endpoints, endpoint); k >= 0 {
			name = string(rune('0'+k)) + " " + name
		}
		got = append(got, name+" "+value)
	}
	err := Wait(t.Context(), cfg)
	return got, err
}

func TestPagesProveAndAreNeverWrongByWhatTheyDoNotTell(t *testing.T) {
	const whole, other = `{"models":[{"name":"m","size":3000000000,"size_vram":3000000000}]}`, `{"models":[{"name":"m","size":7,"size_vram":8}]}`
	quiet := inGPU
	quiet.Less, quiet.Than = "", ""
	itself := workload.Page{Path: "/api/ps", Proof: []string{"version"}}
	for name, c := range map[string]struct {
		page    workload.Page
		answers []string
		want    []string
	}{
		"all the same is said once":                 {inGPU, []string{whole, whole}, []string{"size 3000000000", "size_vram 3000000000", "name m"}},
		"what differs is said of each":              {inGPU, []string{whole, other}, []string{"0 size 3000000000", "1 size 7", "0 size_vram 3000000000", "1 size_vram 8", "name m"}},
		"what one does not tell is not said of it":  {inGPU, []string{`{"models":[]}`, other}, []string{"1 size 7", "1 size_vram 8", "1 name m"}},
		"no number is not smaller":                  {inGPU, []string{`{"models":[{"size":9,"size_vram":null}]}`}, []string{"size 9"}},
		"nothing is wrong where nothing is counted": {quiet, []string{`{"models":[{"size":9,"size_vram":0}]}`}, []string{"size 9", "size_vram 0"}},
		"a page may be the item itself":             {itself, []string{`{"version":"0.24.0"}`}, []string{"version 0.24.0"}},
	} {
		got, err := proved(t, c.page, c.answers...)
		slices.Sort(got)
		slices.Sort(c.want)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

// What a page shows wrong is final, and nothing of it is proof.
func TestPagesThatShowSomethingWrong(t *testing.T) {
	const good = `{"models":[{"size":9,"size_vram":9}]}`
	for answer, want := range map[string]string{
		`{"models":[{"size":3000000000,"size_vram":1500000000}]}`:        "the model computes on the CPU: size_vram 1500000000 < size 3000000000 (see its log)",
		`{"models":[{"size":9,"size_vram":9},{"size":9,"size_vram":0}]}`: "size_vram 0 < size 9",
		`{"models":3}`:   `"models" is no list of objects`,
		`{"other":[]}`:   `it has no "models"`,
		`Ollama is here`: "it is no JSON object",
	} {
		got, err := proved(t, inGPU, good, answer)
		if err == nil || !strings.Contains(err.Error(), "page /api/ps") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", answer, err, want)
		}
		if len(got) > 0 {
			t.Errorf("%s: it proved %q", answer, got)
		}
	}
}
