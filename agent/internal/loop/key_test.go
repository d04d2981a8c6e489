package loop

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hpcbench/agent/workload"
)

func TestAServerThatRepeatsTheKeyDoesNotBringItIntoARecord(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, `{"error":{"message":"no such key: `+r.Header.Get("Authorization")+`"}}`, http.StatusUnauthorized)
	})
	for name, serve := range map[string]func(http.Handler) *httptest.Server{"loop": httptest.NewServer, "fasthttp": httptest.NewTLSServer} {
		web := serve(echo)
		w := workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 1, Requests: 1, Headers: map[string]string{"Authorization": "Bearer sk-0123456789"}}
		records, _ := run(t, assignment(w, web.URL), Options{Insecure: true})
		web.Close()
		if len(records) != 1 || !strings.Contains(records[0].Error, "no such key: Bearer [key]") {
			t.Errorf("%s: records %+v", name, records)
		}
	}
}
