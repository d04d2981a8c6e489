package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"hpcbench/testbed/bench/figure"
	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/proc"
	"hpcbench/testbed/bench/sheet"
)

// streamed is what one agent with many streams said and took.
type streamed struct {
	usage *proc.Usage
	tpot  float64 // mean seconds between two tokens of a stream
	ok    int64
}

// crowd runs streams over agents, each with a server and a loopback address of its own: a process may open only so many files,
// and a pair of addresses has only so many ports.
func (b *bench) crowd(agents, each, tokens int, law law, rampUp string) ([]streamed, error) {
	all, failed := make([]streamed, agents), make([]error, agents)
	var wg sync.WaitGroup
	for i := range agents {
		s, err := b.start(epoll, fmt.Sprintf("127.0.0.%d", 2+i), law)
		if err != nil {
			failed[i] = err
			break
		}
		wg.Go(func() {
			all[i], failed[i] = b.crowded(s, filepath.Join(b.dir, fmt.Sprint("crowd", i)), each, tokens, rampUp)
			failed[i] = errors.Join(failed[i], s.stop())
		})
	}
	wg.Wait()
	return all, errors.Join(failed...)
}

// crowded is one agent of a crowd: each of its slots has one request.
func (b *bench) crowded(s *running, dir string, streams, tokens int, rampUp string) (r streamed, err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	l := peer.Load{URL: s.url, Dir: dir, Stream: true, Tokens: tokens, Concurrency: streams, Requests: streams}
	command, err := b.agentLoad("--ramp-up", rampUp).command(l)
	if err != nil {
		return r, err
	}
	if r.usage, err = proc.Run(b.ctx, command); err != nil {
		return r, err
	}
	var v struct {
		Requests struct{ OK, Failed int64 }
		Latency  map[string]struct{ Mean float64 }
	}
	text, err := os.ReadFile(filepath.Join(dir, "out/summary.json"))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return r, err
	}
	if v.Requests.Failed > 0 || v.Requests.OK != int64(streams) {
		return r, fmt.Errorf("of %d streams %d ended ok and %d failed", streams, v.Requests.OK, v.Requests.Failed)
	}
	r.ok, r.tpot = v.Requests.OK, v.Latency["tpot_s"].Mean
	return r, nil
}

// crowdTokens is the length of each answer of a crowd: the same for all, so that a connection's cost weighs the same in an event's.
const crowdTokens = 6

// streamsPart is many streams at once: what one takes of memory and CPU, and whether the rate is held.
func (b *bench) streamsPart() (rows [][]string, err error) {
	small, err := b.crowd(1, 1, 2, law{ttft: 10 * time.Millisecond, itl: 10 * time.Millisecond}, "0s")
	if err != nil {
		return nil, err
	}
	b.source = small[0].usage.Source
	var perEvent []float64
	for _, c := range []struct {
		agents, each int
		itl          time.Duration
		rampUp       string
	}{
		{1, 1000, 250 * time.Millisecond, "1s"},
		{1, 10_000, 500 * time.Millisecond, "2s"},
		{1, 15_000, 750 * time.Millisecond, "3s"},
		{5, 15_000, 3 * time.Second, "10s"},
		{7, 14_300, 4 * time.Second, "13s"},
	} {
		n := c.agents * c.each
		what := fmt.Sprintf("%d streams at once", n)
		if c.agents > 1 {
			what += fmt.Sprintf(" over %d agents", c.agents)
		}
		all, err := b.crowd(c.agents, c.each, crowdTokens, law{ttft: 500 * time.Millisecond, itl: c.itl}, c.rampUp)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", what, err)
		}
		var memory, cpu, tpot float64
		for _, s := range all {
			memory += float64(s.usage.PeakRSS - small[0].usage.PeakRSS)
			cpu += (s.usage.CPU - small[0].usage.CPU).Seconds()
			tpot += s.tpot / float64(len(all))
		}
		memory /= float64(n) * 1024
		perEvent = append(perEvent, 1e6*cpu/float64(n*crowdTokens))
		if c.each == 15_000 {
			rows = append(rows, []string{what + ": KB of memory a stream", "the goal", sheet.Number(memory), "16", sheet.Number(16 / memory), "≥ 1", holds(16, memory)})
		}
		held := min(c.itl.Seconds()/tpot, tpot/c.itl.Seconds())
		rows = append(rows,
			[]string{what + ": tokens a second of a stream", "the server's law", sheet.Number(1 / tpot), sheet.Number(1 / c.itl.Seconds()), fmt.Sprintf("%.3f", held), "≥ 0.99", holds(held, 0.99)},
			[]string{what + ": CPU of an event, µs, its part of the connection with it", "1000 streams", sheet.Number(perEvent[len(perEvent)-1]), sheet.Number(perEvent[0]), sheet.Number(perEvent[0] / perEvent[len(perEvent)-1]), "", ""})
	}
	return rows, nil
}

// linearPart is what a request costs with few and with many of them. The start-up's share is taken away first.
func (b *bench) linearPart() (rows [][]string, err error) {
	s, err := b.start(epoll, "127.0.0.1", law{})
	if err != nil {
		return nil, err
	}
	defer func() { err = firstError(err, s.stop()) }()
	cost := func(n int) (float64, error) {
		var all []float64
		for range rounds {
			o, err := b.send(b.agentLoad(), s, peer.Load{Tokens: 2, Concurrency: min(n, 64), Requests: n})
			if err != nil {
				return 0, err
			}
			all = append(all, o.usage.CPU.Seconds())
		}
		return figure.Median(all), nil
	}
	nothing, err := cost(1)
	if err != nil {
		return nil, err
	}
	var last float64
	for i, n := range []int{100_000, 10_000, 1000} {
		whole, err := cost(n)
		if err != nil {
			return rows, err
		}
		each := 1e6 * (whole - nothing) / float64(n-1)
		if i == 0 {
			last = each
			continue
		}
		rows = append(rows, []string{fmt.Sprintf("CPU of one of %d requests, µs, start-up (%s ms) taken away", n, sheet.Number(1e3*nothing)), "one of 100000", sheet.Number(each), sheet.Number(last), sheet.Number(last / each), "", ""})
	}
	return rows, nil
}

// recordPart is what writing the records costs: the CPU of requests with and without them, and their bytes.
func (b *bench) recordPart() ([][]string, error) {
	s, err := b.start(epoll, "127.0.0.1", law{})
	if err != nil {
		return nil, err
	}
	const n = 100_000
	r, bytes := newRace(), int64(0)
	with, without := b.agentLoad(), b.agentLoad()
	without.name = "no records"
	command := without.command
	without.command = func(l peer.Load) (proc.Command, error) {
		c, err := command(l)
		for i, arg := range c.Args {
			if arg == "--out" {
				c.Args = append(c.Args[:i:i], c.Args[i+2:]...)
				break
			}
		}
		return c, err
	}
	without.result = nil
	with.result = func(l peer.Load) (peer.Result, error) {
		info, err := os.Stat(filepath.Join(l.Dir, "out/records.jsonl"))
		if err == nil {
			bytes = info.Size()
		}
		return peer.Result{}, err
	}
	for range rounds {
		if err := b.round(r, s, peer.Load{Tokens: 2, Concurrency: 64, Requests: n}, requests, with, without); err != nil {
			return nil, firstError(err, s.stop())
		}
	}
	if err := firstError(r.bad["no records"], s.stop()); err != nil {
		return nil, err
	}
	row := r.row(fmt.Sprintf("requests per client CPU-second with records (%d bytes each) and without", bytes/n), "agent load", "no records", 0)
	lines, err := b.benchmarks("./agent/internal/record", "BenchmarkWrite/gaps=15", "BenchmarkWrite/gaps=0")
	if err != nil {
		return nil, err
	}
	return [][]string{row, {"encoding of a record with 15 gaps, ns, by go test -bench", "one without gaps", sheet.Number(1e9 * lines[0]), sheet.Number(1e9 * lines[1]), sheet.Number(lines[1] / lines[0]), "", ""}}, nil
}

// benchmarks are the seconds per operation of a package's Go benchmarks.
func (b *bench) benchmarks(pkg string, names ...string) (seconds []float64, err error) {
	for _, name := range names {
		out, err := exec.CommandContext(b.ctx, "go", "test", "-run", "^$", "-bench", "^"+strings.ReplaceAll(name, "/", "$/^")+"$", "-benchtime", "0.5s", pkg).CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, out)
		}
		one, err := benchmark(string(out), name)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, one)
	}
	return seconds, nil
}

// mergePart is how long it takes to make one summary of 64 nodes' parts with a million records each, by the benchmark beside
// the code.
func (b *bench) mergePart() ([][]string, error) {
	lines, err := b.benchmarks("./agent/internal/summary", "BenchmarkMerge64")
	if err != nil {
		return nil, err
	}
	seconds := lines[0]
	// A merge is to cost nothing beside the shortest trial that one would run.
	return [][]string{{"merge of 64 nodes' parts of 1M records each, ms", "a second", sheet.Number(1e3 * seconds), "1000", sheet.Number(1 / seconds), "≥ 1", holds(1, seconds)}}, nil
}

// benchmark is the seconds per operation of a line of go test -bench.
func benchmark(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) >= 4 && strings.HasPrefix(f[0], name) && f[3] == "ns/op" {
			ns, err := strconv.ParseFloat(f[2], 64)
			return ns / 1e9, err
		}
	}
	return 0, fmt.Errorf("no benchmark %s in %q", name, text)
}
