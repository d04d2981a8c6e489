// Package probe asks a server for signs of life: a healthy page, and a generation with a token in it. A page can stay
// healthy over a dead rank, so only a generation proves a server. Probes are marked by their X-Request-Id and never
// counted.
package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/ask"
	"hpcbench/agent/internal/wire"
)

// ErrNotYet marks an answer that waiting may mend: no connection, or a server that says it is busy or loading.
var ErrNotYet = errors.New("not yet")

// notYet keeps the words of an error and adds ErrNotYet.
type notYet struct{ error }

func (notYet) Is(target error) bool { return target == ErrNotYet }

// Healthy asks for a page, with the headers given ("Name: value"), and takes any status of 200 to 299 for health.
func Healthy(ctx context.Context, url string, headers []string, timeout time.Duration) error {
	_, err := Page(ctx, url, headers, timeout)
	return err
}

// Page is Healthy, and the page's content.
func Page(ctx context.Context, url string, headers []string, timeout time.Duration) ([]byte, error) {
	answer, err := ask.Send(ctx, ask.Request{URL: url, Header: mark(headers), Timeout: timeout})
	if err != nil {
		return nil, err
	}
	answer.Body = conceal(answer.Body, headers)
	if answer.Status < 200 || answer.Status > 299 {
		return nil, fmt.Errorf("HTTP %d: %s", answer.Status, excerpt(answer.Body))
	}
	return answer.Body, nil
}

// Question is a small generation to ask for.
type Question struct {
	Endpoint string // base URL
	Dialect  string
	Model    string
	Headers  []string // sent with it, "Name: value"
	Timeout  time.Duration
}

// Generation asks the endpoint for two tokens, not streamed, and returns nil when at least one came. The error has the
// server's words; it is ErrNotYet where another try may end better.
func Generation(ctx context.Context, q Question) error {
	path, body := wire.Probe(q.Dialect, q.Model)
	url, err := wire.ProbeURL(q.Endpoint, path)
	if err != nil {
		return err
	}
	answer, err := ask.Send(ctx, ask.Request{URL: url, Header: mark(q.Headers), Body: body, Timeout: q.Timeout})
	if err != nil {
		return notYet{err}
	}
	answer.Body = conceal(answer.Body, q.Headers)
	_, err = wire.Generated(q.Dialect, answer.Body)
	switch answer.Status {
	case fasthttp.StatusOK:
		return err
	case fasthttp.StatusTooManyRequests, fasthttp.StatusServiceUnavailable:
		return notYet{refusal(answer, err)}
	}
	return refusal(answer, err)
}

// refusal is the error of a status other than 200, in the words of the server where it had any.
func refusal(answer ask.Answer, words error) error {
	if words == nil {
		words = errors.New(excerpt(answer.Body))
	}
	return fmt.Errorf("HTTP %d: %w", answer.Status, words)
}

// conceal is a body without the key that it was asked for with.
func conceal(body []byte, headers []string) []byte {
	return []byte(wire.Conceal(string(body), headers))
}

// mark adds the mark of a probe to headers.
func mark(headers []string) map[string]string {
	all := map[string]string{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		all[name] = strings.TrimSpace(value)
	}
	all["X-Request-Id"] = "probe-" + strings.ToLower(rand.Text()[:8])
	return all
}

// excerpt is the beginning of a body on one line.
func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(string(body[:min(len(body), 200)])), " ")
	return cmp.Or(text, "an empty answer")
}
