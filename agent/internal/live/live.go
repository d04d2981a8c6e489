// Package live shows a run while it goes on: one page, read-only, whose numbers come as server-sent events.
//
// All of it is read from outside. The files that the job and its parts write into results/<jobid> are followed as they grow,
// and each executor is asked GET /live once a second, both only while somebody looks on: a page that nobody has open costs
// nothing. What was seen is kept, and what happened before anybody looked is in series.csv and the monitors' files, so that who
// comes late, or loads the page again, sees the whole run.
//
//	GET /        the page, which has no word of the run
//	GET /events  the run, as events; needs the token
//	GET /report  report.html, once the job has one; needs the token
//
// The token is in the fragment of the page's URL, which no browser sends, and comes as Authorization: Bearer.
package live

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Config is what to show.
type Config struct {
	Results string        // results/<jobid>, or a bundle's results: then the newest of its jobs
	Every   time.Duration // from one look to the next; 0: a second
}

// Page is the server of the page. Make one with New.
type Page struct {
	cfg   Config
	token string
	html  string
	seats chan struct{} // one for each viewer that there may be

	looking sync.Mutex // one look at a time; of what Run has
	run     *run
	looked  time.Time
}

// viewers is how many may look on at once.
const viewers = 16

// New makes the page of the results, with a token of its own.
func New(cfg Config) *Page {
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	return &Page{cfg: cfg, token: rand.Text(), html: html(), seats: make(chan struct{}, viewers), run: newRun(cfg.Results)}
}

// URL is where the page is to be found that listens at an address, with the token that shows the run.
func (p *Page) URL(address string) string {
	u := url.URL{Scheme: "http", Host: address, Path: "/", Fragment: p.token}
	return u.String()
}

// Serve answers on ln until ctx ends.
func (p *Page) Serve(ctx context.Context, ln net.Listener) error {
	web := &http.Server{
		Handler: p.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }, // a stream ends with the page
		ErrorLog:    silent(),
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	limit, release := context.WithTimeout(context.Background(), time.Second)
	defer release()
	if web.Shutdown(limit) != nil {
		_ = web.Close() // who does not read its answer by now does without it
	}
	<-failed
	p.looking.Lock()
	defer p.looking.Unlock()
	p.run.lines.close()
	return nil
}

// look brings the run up to date, unless that was done a moment ago for another viewer, and gives the events since the
// count that was seen.
func (p *Page) look(ctx context.Context, seen mark) ([]event, mark) {
	p.looking.Lock()
	defer p.looking.Unlock()
	if now := time.Now(); now.Sub(p.looked) >= p.cfg.Every*9/10 {
		p.run.look(ctx, now)
		p.looked = time.Now()
	}
	return p.run.since(seen)
}
