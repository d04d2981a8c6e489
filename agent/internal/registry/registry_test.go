package registry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	sum := "sha256:" + strings.Repeat("ab", 32)
	for remote, want := range map[string]name{
		"docker://ollama/ollama:0.24.0":           {"registry-1.docker.io", "ollama/ollama", "0.24.0"},
		"docker://debian":                         {"registry-1.docker.io", "library/debian", "latest"},
		"docker://docker.io/vllm/vllm-openai:v1":  {"registry-1.docker.io", "vllm/vllm-openai", "v1"},
		"docker://ghcr.io/ggml-org/llama.cpp:s-c": {"ghcr.io", "ggml-org/llama.cpp", "s-c"},
		"docker://localhost:5000/a:1":             {"localhost:5000", "a", "1"},
		"docker://login:5000/a":                   {"login:5000", "a", "latest"},
		"oras://h.org/a/b:2":                      {"h.org", "a/b", "2"},
		"docker://h.org/a:1@" + sum:               {"h.org", "a", sum},
	} {
		if got, err := parse(remote); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", remote, got, err, want)
		}
	}
	for _, remote := range []string{"library://a/b:1", "ollama/ollama", "docker://h.org/", "docker://h.org/a:"} {
		if got, err := parse(remote); err == nil {
			t.Errorf("%s: %+v", remote, got)
		}
	}
}

// registry answers as one that gives its manifest to those with a token, and the token to anybody.
func registry(t *testing.T) string {
	t.Helper()
	var url string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("scope") != "repository:a/b:pull" || r.FormValue("service") != "reg" {
			t.Errorf("asked for a token with %s", r.URL)
		}
		fmt.Fprint(w, `{"token":"t0k"}`)
	})
	mux.HandleFunc("HEAD /v2/a/b/manifests/{tag}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t0k" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+url+`/token",service="reg",scope="repository:a/b:pull"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if !strings.Contains(r.Header.Get("Accept"), "image.index") || r.PathValue("tag") != "1" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0f", 32))
	})
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	url = web.URL
	return strings.TrimPrefix(url, "http://")
}

func TestDigest(t *testing.T) {
	host := registry(t)
	got, err := Digest(t.Context(), Ask{Remote: "docker://" + host + "/a/b:1", PlainHTTP: true})
	if want := "sha256:" + strings.Repeat("0f", 32); err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	// a page without TLS, named by a registry with it, gets no password
	if got, err := (Ask{User: "me", Password: "pw"}).authorize(t.Context(), `Bearer realm="http://`+host+`/token"`); err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("a token over plain HTTP: %q, %v", got, err)
	}
	if got, err := Digest(t.Context(), Ask{Remote: "docker://" + host + "/a/b:2", PlainHTTP: true}); err == nil || !strings.Contains(err.Error(), "HTTP 404") {
		t.Errorf("no such tag: %s, %v", got, err)
	}
}
