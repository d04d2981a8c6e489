// Package ask sends one HTTP request and tells in plain words what came of it. It never uses a proxy: the servers of a
// job are beside it, whatever the site's environment says.
package ask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// limit is the most of an answer that is read, in bytes.
const limit = 256 << 20

// Request is what to ask. Without a body it is a GET, with one a POST, unless Method says otherwise.
type Request struct {
	Method  string
	URL     string
	Header  map[string]string
	Body    []byte
	Timeout time.Duration // from the connection to the answer's last byte; 0: as long as the context lasts
}

// Answer is what came.
type Answer struct {
	Status int
	Body   []byte
	Took   time.Duration // from before the request was written to the answer's last byte
}

// client keeps connections open between requests to one server.
var client = &http.Client{Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 2, IdleConnTimeout: 4 * time.Second}}

// Send asks and waits for the whole answer. An answer of any status is no error.
func Send(ctx context.Context, r Request) (Answer, error) {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, fmt.Errorf("no answer within %v", r.Timeout))
		defer cancel()
	}
	req, err := r.http(ctx)
	if err != nil {
		return Answer{}, err
	}
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, plain(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return Answer{}, plain(ctx, err)
	}
	return Answer{resp.StatusCode, body, time.Since(start)}, nil
}

func (r Request) http(ctx context.Context) (*http.Request, error) {
	method := r.Method
	if method == "" {
		method = http.MethodGet
		if r.Body != nil {
			method = http.MethodPost
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	return req, nil
}

// plain is the innermost of an error's many layers, which the reader's own question already names.
func plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	if name := (*net.DNSError)(nil); errors.As(err, &name) {
		return fmt.Errorf("the name %s is not known", name.Name)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the connection was closed before the answer's end")
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return outer.Err
	}
	return err
}
