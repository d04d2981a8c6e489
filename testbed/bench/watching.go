package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"hpcbench/agent/workload"
	"hpcbench/testbed/bench/figure"
	"hpcbench/testbed/bench/sheet"
)

var watchingColumns = []string{"watched by", "client node, CPU-s", "server node, CPU-s", "elsewhere, CPU-s", "flat out, requests/s", "to unwatched"}

// watching is a way of watching a run. Each part of it is as in a bundle: node/watch.json says what executor and monitors do.
type watching struct {
	name, what string
	monitor    time.Duration // between two rows of both nodes' monitors; 0: there are none
	watch      workload.Watch
	scraped    bool // the executor's and the monitors' pages are asked as Prometheus does, each 15 s
	viewer     bool // a browser looks at agent watch
	logs       bool // the job's collector reads the logs, of which the server's has logLines a second
}

// watchings are all ways, the first of which is none.
func watchings() []watching {
	pages := func(every float64) workload.Watch {
		return workload.Watch{Schema: workload.Schema, IntervalS: every, Server: &workload.MetricsPage{Path: "/metrics", Map: map[string]string{
			"dummy_requests_running": "running", "dummy_requests_waiting": "waiting", "dummy_generation_tokens_total": "gen_tokens"}}}
	}
	shown := pages(1)
	shown.Exporter, shown.Push = true, &workload.Push{IntervalS: 15, Scenario: "bench"}
	return []watching{
		{name: "unwatched", what: "nothing"},
		{name: "monitor", what: "monitors, a row a second", monitor: time.Second},
		{name: "monitor-fast", what: "monitors, ten rows a second", monitor: 100 * time.Millisecond},
		{name: "page", what: "the server's page, once a second", watch: pages(1)},
		{name: "page-fast", what: "the server's page, ten times a second", watch: pages(0.1)},
		{name: "prometheus", what: "monitors and page each second; all shown: a scrape and a push each 15 s", monitor: time.Second, watch: shown, scraped: true},
		{name: "viewer", what: "monitors and page each second; one viewer of the live page", monitor: time.Second, watch: pages(1), viewer: true},
		{name: "logs", what: fmt.Sprintf("the collector of logs, of which a server writes %d lines a second", logLines), logs: true},
	}
}

// logLines is how much a server says that tells of each request.
const logLines = 1000

// watchingSeconds is how long a load is measured: a scrape and a push each 15 s are in it once.
const watchingSeconds = 15

// The two loads: one that leaves both nodes most of their time, by which CPU time is told, and one that takes all it gets.
func watchingLoads(seconds float64) (steady, flat workload.Workload) {
	w := workload.Workload{Dialect: "openai-chat", Model: "m", Stream: true, InputTokens: 32, MaxTokens: 16, WarmupS: 1, DurationS: seconds, DrainS: 5,
		TimeoutS: 30, Seed: 1}
	steady, flat = w, w
	steady.Rate, flat.Concurrency = 1000, 32
	flat.DurationS = seconds / 3 // some ten thousand requests say it
	return steady, flat
}

// watchingParts is one part: the ways take turns, so that a bad minute of the machine is one of all.
func (b *bench) watchingParts() []part { return []part{{"watching", b.watchingPart}} }

// seen is what rounds of a way came to.
type seen struct{ client, server, elsewhere, rate, ratio []float64 }

func (b *bench) watchingPart() (rows [][]string, err error) {
	all := map[string]*seen{}
	steady, flat := watchingLoads(b.seconds)
	for range rounds {
		base := math.NaN()
		for _, w := range watchings() {
			if all[w.name] == nil {
				all[w.name] = &seen{}
			}
			s := all[w.name]
			b.say("watched by %s …", w.what)
			cpu, _, err := b.watched(w, steady)
			if err != nil {
				return rows, fmt.Errorf("%s: %w", w.name, err)
			}
			s.client, s.server, s.elsewhere = append(s.client, cpu[clientNode]), append(s.server, cpu[serverNode]), append(s.elsewhere, cpu[elsewhere])
			_, rate, err := b.watched(w, flat)
			if err != nil {
				return rows, fmt.Errorf("%s: %w", w.name, err)
			}
			if w.name == "unwatched" {
				base = rate
			}
			s.rate, s.ratio = append(s.rate, rate), append(s.ratio, rate/base)
		}
	}
	b.source = "wait4"
	for _, w := range watchings() {
		s := all[w.name]
		other := ""
		if figure.Median(s.elsewhere) > 0 {
			other = sheet.Number(figure.Median(s.elsewhere))
		}
		rows = append(rows, []string{w.what, sheet.Number(figure.Median(s.client)), sheet.Number(figure.Median(s.server)), other,
			sheet.Number(figure.Median(s.rate)), span(figure.Median(s.ratio), s.ratio)})
	}
	return rows, nil
}

// watched runs one load under one way of watching, and returns the CPU-seconds of all processes of each node, from their starts to
// their ends, and the requests per second.
func (b *bench) watched(w watching, load workload.Workload) (cpu map[string]float64, rate float64, err error) {
	b.runs++
	s, err := b.newSite(filepath.Join(b.dir, fmt.Sprint("watched", b.runs)), w)
	if err != nil {
		return nil, 0, err
	}
	stop := s.look(b.ctx, w)
	rate, err = s.trial(b.ctx, workload.Trial{Schema: workload.Schema, ID: "0001", Name: "bench", Deployment: "d1", Repetition: 1, Service: "dummy", Point: map[string]any{}, Workload: load})
	err = firstError(err, stop())
	cpu, ended := s.end()
	err = firstError(err, ended)
	if w.logs && err == nil {
		err = s.collected()
	}
	return cpu, rate, firstError(err, os.RemoveAll(s.dir))
}

// rateOf reads the requests per second out of a summary.json.
func rateOf(text []byte) (float64, error) {
	var v struct {
		Throughput struct {
			Rate float64 `json:"requests_per_s"`
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return 0, err
	}
	if v.Throughput.Rate <= 0 {
		return 0, fmt.Errorf("no request was answered")
	}
	return v.Throughput.Rate, nil
}
