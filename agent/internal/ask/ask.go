// Package ask sends one HTTP request and tells in plain words what came of it. It never uses a proxy: the servers of a
// job are beside it, whatever the site's environment says.
package ask

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
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
	Most    int           // bytes of the answer's body; 0: 256 MiB. A longer one is an error

	last bool // on its connection
}

// Answer is what came.
type Answer struct {
	Status int
	Body   []byte
	Took   time.Duration // from before the request was written to the answer's last byte
}

// Send asks on a connection of its own and waits for the whole answer. An answer of any status is no error.
func Send(ctx context.Context, r Request) (Answer, error) {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, fmt.Errorf("no answer within %v", r.Timeout))
		defer cancel()
	}
	conn, err := Dial(ctx, r.URL)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	r.last = true
	return conn.Send(ctx, r)
}

// Conn is a connection on which one request follows the other: what answered the first one gets the second.
type Conn struct {
	net.Conn
	reader *bufio.Reader
}

// Dial connects to the host of a URL.
func Dial(ctx context.Context, address string) (*Conn, error) {
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, plain(ctx, err)
	}
	return &Conn{conn, bufio.NewReader(conn)}, nil
}

// Send asks and waits for the whole answer, or until ctx ends. The request's own Timeout is Dial's and Send's together, and so
// the caller's affair. After an error the connection is of no more use.
func (c *Conn) Send(ctx context.Context, r Request) (Answer, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) }) // ends reads and writes at once
	defer stop()
	answer, err := r.exchange(c)
	if err != nil {
		return Answer{}, plain(ctx, err)
	}
	return answer, nil
}

// dial connects to the host of a URL, by TLS where it says https.
func dial(ctx context.Context, address string) (net.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	host := net.JoinHostPort(u.Hostname(), port)
	if u.Scheme == "https" {
		return new(tls.Dialer).DialContext(ctx, "tcp", host)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", host)
}

// exchange writes the request and reads its answer.
func (r Request) exchange(conn *Conn) (Answer, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	r.fill(req)
	resp.SkipBody = r.Method == fasthttp.MethodHead
	start := time.Now()
	w := bufio.NewWriter(conn)
	if err := req.Write(w); err != nil {
		return Answer{}, err
	}
	if err := w.Flush(); err != nil {
		return Answer{}, err
	}
	if err := resp.ReadLimitBody(conn.reader, cmp.Or(r.Most, limit)); err != nil {
		return Answer{}, err
	}
	return Answer{resp.StatusCode(), append([]byte(nil), resp.Body()...), time.Since(start)}, nil
}

func (r Request) fill(req *fasthttp.Request) {
	req.SetRequestURI(r.URL)
	req.Header.SetMethod(fasthttp.MethodGet)
	if r.Body != nil {
		req.Header.SetMethod(fasthttp.MethodPost)
		req.Header.SetContentType("application/json")
		req.SetBody(r.Body)
	}
	if r.Method != "" {
		req.Header.SetMethod(r.Method)
	}
	if r.last {
		req.SetConnectionClose()
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
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
	return err
}
