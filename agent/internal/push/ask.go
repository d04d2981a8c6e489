package push

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"hpcbench/agent/internal/ask"
)

// asker sends the requests of client_golang's pusher as we ask for everything else: without a proxy, within a time, and with a
// bound on what may come back.
type asker struct {
	ctx    context.Context
	within time.Duration
}

// Do implements push.HTTPDoer.
func (a asker) Do(r *http.Request) (*http.Response, error) {
	request := ask.Request{Method: r.Method, URL: spaced(r.URL.String()), Header: map[string]string{}, Timeout: a.within, Most: mostAnswer}
	for name := range r.Header {
		request.Header[name] = r.Header.Get(name)
	}
	if r.Body != nil {
		var err error
		if request.Body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	answer, err := ask.Send(a.ctx, request)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: answer.Status, Body: io.NopCloser(bytes.NewReader(answer.Body))}, nil
}

// spaced is a URL with the spaces of its labels as a path has them. client_golang writes them as a query does, +, and a
// Pushgateway reads that as it stands.
func spaced(url string) string {
	const begin = "/metrics/job"
	at := strings.LastIndex(url, begin)
	if at < 0 {
		return url
	}
	return url[:at] + strings.ReplaceAll(url[at:], "+", "%20")
}
