package dummy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// start serves cfg on a free port until the test ends, and returns its URL and a func that stops it and gives what
// Serve returned.
func start(t *testing.T, cfg Config) (url string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	var served error
	var wg sync.WaitGroup
	wg.Go(func() { served = Serve(ctx, ln, cfg) })
	stop = sync.OnceValue(func() error { cancel(errors.New("terminated")); wg.Wait(); return served }) // as a signal does it
	t.Cleanup(func() { stop() })
	return "http://" + ln.Addr().String(), stop
}

// post sends body and returns status and answer.
func post(t *testing.T, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestWrongRequests(t *testing.T) {
	url, _ := start(t, Config{Model: "m"})
	for _, c := range []struct {
		name, path, body string
		status           int
		want             string
	}{
		{"another model, native", "/api/generate", `{"model":"nope","prompt":"a"}`, 404, `{"error":"model 'nope' not found"}`},
		{"another model, OpenAI", "/v1/chat/completions", `{"model":"nope"}`, 404,
			`{"error":{"message":"model 'nope' not found","type":"not_found_error","param":null,"code":404}}`},
		{"cut JSON", "/api/generate", `{"model":`, 400, `{"error":"unexpected end of JSON input"}`},
		{"no whole number", "/api/generate", `{"model":"m","options":{"num_predict":"three"}}`, 400,
			`{"error":"num_predict must be a whole number"}`},
		{"unknown path", "/api/nosuch", `{}`, 404, `404 page not found`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if status, answer := post(t, url+c.path, c.body); status != c.status || answer != c.want {
				t.Errorf("got %d %s, want %d %s", status, answer, c.status, c.want)
			}
		})
	}
	resp, err := http.Get(url + "/api/generate")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("GET of a dialect's path: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
}

// get is the answer to a GET.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestPages(t *testing.T) {
	url, _ := start(t, Config{Model: "m"})
	post(t, url+"/v1/completions", `{"model":"m","prompt":"a b","max_tokens":3}`)
	for path, want := range map[string]string{
		"/":            "Ollama is running",
		"/health":      `{"status":"ok"}`,
		"/v1/models":   `"id":"m"`,
		"/api/tags":    `{"models":[{"name":"m","model":"m",`,
		"/api/ps":      `"expires_at":`,
		"/api/version": `"version":`,
		"/metrics":     "dummy_prompt_tokens_total 2\n",
	} {
		status, answer := get(t, url+path)
		if status != 200 || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s, want %q in it", path, status, answer, want)
		}
		if path != "/" && path != "/metrics" && !json.Valid([]byte(answer)) {
			t.Errorf("%s: not JSON: %s", path, answer)
		}
	}
	if _, text := get(t, url+"/metrics"); !strings.Contains(text, "dummy_generation_tokens_total 3\n") ||
		!strings.Contains(text, "dummy_num_requests_running 0\n") {
		t.Errorf("metrics:\n%s", text)
	}
}
