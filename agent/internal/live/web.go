package live

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"strings"
	"time"
)

// policy lets the page load nothing and ask this server alone. Its own script is the only one: report.html, which the page
// shows at the end, brings styles of its own and no script.
func policy(script string) string {
	return "default-src 'none'; script-src '" + script + "'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; frame-src blob:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// silent drops what net/http says of connections that break: who comes and goes is no news.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }

// handler answers the three paths, to GET and HEAD alone.
func (p *Page) handler() http.Handler {
	safe := policy(scriptHash())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", safe)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		answer, guarded := map[string]http.HandlerFunc{"/": p.getPage, "/events": p.getEvents, "/report": p.getReport}[r.URL.Path], r.URL.Path != "/"
		switch {
		case answer == nil:
			http.Error(w, "there are /, /events and /report", http.StatusNotFound)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "this page is read-only: it takes GET", http.StatusMethodNotAllowed)
		case guarded && !p.knows(r):
			h.Set("WWW-Authenticate", "Bearer")
			http.Error(w, "this needs the token of the page's URL (Authorization: Bearer …)", http.StatusUnauthorized)
		default:
			answer(w, r)
		}
	})
}

// knows tells whether a request has the token. Digests are compared, so that the time it takes tells nothing.
func (p *Page) knows(r *http.Request) bool {
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(p.token))
	return bearer && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (p *Page) getPage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, p.html) // who goes away meanwhile misses it
}

// getReport sends the job's report.
func (p *Page) getReport(w http.ResponseWriter, r *http.Request) {
	text, err := p.report()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "there is no report yet", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(text)
	}
}

// written is how long a viewer may take to read what was sent.
const written = 20 * time.Second

// getEvents streams the run: first all that is known of it, then what is new, with a tick at each look.
func (p *Page) getEvents(w http.ResponseWriter, r *http.Request) {
	select {
	case p.seats <- struct{}{}:
		defer func() { <-p.seats }()
	default:
		http.Error(w, fmt.Sprintf("%d look on already: close one of their pages", viewers), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // nothing more is to come, for as long as it takes
	p.stream(r.Context(), func(all []event) error {
		if err := control.SetWriteDeadline(time.Now().Add(written)); err != nil {
			return err
		}
		out := bufio.NewWriter(w)
		for _, e := range all {
			if err := e.write(out); err != nil {
				return err
			}
		}
		return errors.Join(out.Flush(), control.Flush())
	})
}

// stream looks and sends until ctx ends or a send fails.
func (p *Page) stream(ctx context.Context, send func([]event) error) {
	ticker := time.NewTicker(p.cfg.Every)
	defer ticker.Stop()
	seen := mark{}
	for {
		var all []event
		if all, seen = p.look(ctx, seen); send(all) != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// event is one of the stream: a name, and what it is about as JSON.
type event struct {
	name string
	data any
}

func (e event) write(w io.Writer) error {
	text, err := json.Marshal(e.data)
	if err != nil {
		return fmt.Errorf("event %s: %w", e.name, err)
	}
	_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", e.name, text) // JSON has no newline
	return err
}
