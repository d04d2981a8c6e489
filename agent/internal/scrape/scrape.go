// Package scrape writes down what servers tell of themselves while a trial runs: GETs of their metrics pages, in our names, one
// row a look in server.csv, and the numbers of a window out of it.
//
// The executor of the job's first client node looks at all endpoints. It is where the load comes from, so that its own
// Prometheus page can tell of them too; it knows when its window begins and ends; and it is one, so that more client nodes ask
// the servers no more often. A look is a connection of its own, at the pace of the nodes' readings, with a bound in time and
// bytes, and none begins before the one before it is over: it never stands in the load's way. A look that fails is a row of
// empty cells, never of zeros. Of each server the first and the last page are kept as they came, for what our names leave out.
package scrape

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"hpcbench/agent/internal/ask"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// File is the name of what a scraper writes, in a trial's directory.
const File = "server.csv"

const (
	lookWithin = 5 * time.Second // for one answer: a server under load may be slow to tell of it
	lastWithin = time.Second     // for the look after the last request, which the trial waits for
	mostBytes  = 8 << 20         // of one page
)

// Config is what to look at. Watch.Server has to be there.
type Config struct {
	Watch     workload.Watch
	Endpoints []string // base URLs
	Dialect   string   // the load's, whose first part of a path, such as /v1, an endpoint may end with
	Headers   []string // sent with each look, as "Name: value"
	Path      string   // of server.csv
	Clock     time.Duration
	Log       *slog.Logger
}

// Scraper looks at the servers during one trial.
type Scraper struct {
	cfg     Config
	page    page
	servers []*server
	file    *os.File
	end     chan struct{} // closed when there is to be a last look
	ending  sync.Once
	over    chan struct{} // closed when Run has returned

	mu sync.Mutex // of the file and of each server's fields below
}

// server is one endpoint.
type server struct {
	name string // its base URL
	url  string // of its page
	told summary.Told
	last Reading
	raw  raw
}

// Reading is the latest word of a server.
type Reading struct {
	Endpoint string
	Values   map[string]float64 // by the columns of server.csv, without those that are not on its page; nil: the look failed
}

// New makes a scraper and its file.
func New(cfg Config) (*Scraper, error) {
	p, err := newPage(cfg.Watch)
	if err != nil {
		return nil, err
	}
	s := &Scraper{cfg: cfg, page: p, end: make(chan struct{}), over: make(chan struct{})}
	for _, endpoint := range cfg.Endpoints {
		path, _ := wire.Probe(cfg.Dialect, "")
		address, err := pageOf(wire.Root(endpoint, path), *cfg.Watch.Server)
		if err != nil {
			return nil, err
		}
		s.servers = append(s.servers, &server{name: endpoint, url: address, told: summary.Told{URL: endpoint}, last: Reading{Endpoint: endpoint}})
	}
	if s.file, err = os.Create(cfg.Path); err != nil {
		return nil, err
	}
	if err := s.write("time_s,endpoint," + strings.Join(p.heads(), ",") + "\n"); err != nil {
		_ = s.file.Close() // the first error is the one to tell
		return nil, err
	}
	return s, nil
}

// pageOf is the address of an endpoint's page.
func pageOf(endpoint string, p workload.MetricsPage) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	if p.PortOffset != 0 {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return "", fmt.Errorf("the metrics of %s are %d ports from its own, and it names none", endpoint, p.PortOffset)
		}
		u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(port+p.PortOffset))
		u.Path = ""
	}
	return strings.TrimRight(u.String(), "/") + p.Path, nil
}

// Run looks at all servers until ctx ends, or Told is called; then it looks once more, and closes the file.
func (s *Scraper) Run(ctx context.Context) {
	defer close(s.over)
	looking, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, at := range s.servers {
		wg.Go(func() {
			s.watch(looking, at)
			s.look(ctx, at, lastWithin)
		})
	}
	select {
	case <-ctx.Done():
	case <-s.end:
	}
	stop() // a look that hangs, too
	wg.Wait()
	if err := errors.Join(s.file.Close(), s.writeRaw()); err != nil {
		s.cfg.Log.Error("writing what the servers tell", "error", err.Error())
	}
}

// watch looks at one server at the instants start + k·interval, those left out that are past, until ctx ends.
func (s *Scraper) watch(ctx context.Context, at *server) {
	every := time.Duration(s.cfg.Watch.IntervalS * float64(time.Second))
	start := time.Now()
	for {
		s.look(ctx, at, lookWithin)
		next := time.Since(start)/every + 1
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(start.Add(next * every))):
		}
	}
}

// look asks one server and writes its row. The row's time is when the answer had come.
func (s *Scraper) look(ctx context.Context, at *server, within time.Duration) {
	values, text, err := s.ask(ctx, at.url, within)
	if ctx.Err() != nil {
		return // it was broken off
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at.raw.keep(text)
	before := at.told.Looks > 0 && at.last.Values == nil
	at.told.Looks++
	at.last.Values = nil
	row := fmt.Sprintf("%.3f,%s", float64(time.Now().Add(s.cfg.Clock).UnixMilli())/1e3, at.name)
	if err == nil {
		at.last.Values = s.page.known(values)
	} else {
		values = blank(len(s.page))
	}
	for _, v := range values {
		row += "," + cell(v)
	}
	if e := s.write(row + "\n"); err == nil {
		err = e
	}
	if err == nil {
		return
	}
	if at.told.Failed++; at.told.Why == "" {
		at.told.Why = err.Error()
	}
	if !before {
		s.cfg.Log.Warn("a server does not tell of itself", "category", "metrics", "url", at.url, "error", err.Error())
	}
}

func (s *Scraper) write(text string) error {
	if _, err := s.file.WriteString(text); err != nil {
		return fmt.Errorf("writing server.csv: %w", err)
	}
	return nil
}

// ask GETs a page, and reads it.
func (s *Scraper) ask(ctx context.Context, address string, within time.Duration) (values []float64, text []byte, err error) {
	r := ask.Request{URL: address, Timeout: within, Most: mostBytes, Header: map[string]string{}}
	for _, line := range s.cfg.Headers {
		if name, value, ok := strings.Cut(line, ":"); ok {
			r.Header[name] = strings.TrimSpace(value)
		}
	}
	answer, err := ask.Send(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	if answer.Status != 200 {
		return nil, nil, fmt.Errorf("HTTP %d", answer.Status)
	}
	values, err = s.page.read(answer.Body)
	return values, answer.Body, err
}

// Readings are the latest words of all servers; of those that were not asked yet there is none.
func (s *Scraper) Readings() []Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Reading
	for _, at := range s.servers {
		if at.told.Looks > 0 {
			all = append(all, at.last)
		}
	}
	return all
}

// Told ends the looking with a last look, and tells what the servers told between two instants of the wall clock. Run must
// have been called.
func (s *Scraper) Told(from, to time.Time) *summary.Server {
	s.ending.Do(func() { close(s.end) })
	<-s.over
	f, err := os.Open(s.cfg.Path)
	if err == nil {
		defer f.Close()
		err = s.digest(f, seconds(from.Add(s.cfg.Clock)), seconds(to.Add(s.cfg.Clock)))
	}
	told := &summary.Server{IntervalS: s.cfg.Watch.IntervalS}
	for _, at := range s.servers {
		if err != nil && at.told.Why == "" {
			at.told.Why = "reading server.csv: " + err.Error()
		}
		told.Endpoints = append(told.Endpoints, at.told.Shared())
	}
	told.Told = summary.All(told.Endpoints)
	return told
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
