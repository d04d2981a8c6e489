package ready

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A server outside the job has a base URL with a path, speaks TLS and wants a key; its health page lies beside the path.
func TestAServerOutsideTheJobIsAskedOverTLSWithItsKey(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, `{"error":"no key `+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")+`"}`, http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, word)
	}))
	defer web.Close()
	trust := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", trust) // read when the first certificate of the process is checked: this one

	var lines []string
	cfg := config(&lines, web.URL+"/v1")
	cfg.HealthTimeout, cfg.GenerationTimeout = 2*time.Second, 2*time.Second // they are spent to the end: a first handshake takes long on a busy machine
	if err := Wait(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "HTTP 401") {
		t.Errorf("without the key: %v", err)
	}
	cfg = config(&lines, web.URL+"/v1")
	cfg.Headers = []string{"Authorization: Bearer secret"}
	if err := Wait(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked[len(asked)-2:], " "); got != "/health /v1/chat/completions" {
		t.Errorf("asked for %s", got)
	}
	cfg.HealthTimeout, cfg.Headers = 2*time.Second, []string{"Authorization: Bearer other-secret"}
	if err := Wait(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "no key [key]") {
		t.Errorf("with a wrong key: %v", err)
	}
	if said := strings.Join(lines, "\n"); strings.Contains(said, "secret") {
		t.Errorf("the key is in what was said:\n%s", said)
	}
}
