package monitor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// source is a program that prints readings.
type source struct {
	name  string
	argv  []string
	parse func(line []byte) ([]reading, error) // of one line, none where there is nothing to read in it
	every time.Duration                        // 0: it prints for as long as it runs; else it prints all GPUs once, and is run each so often
}

// gpuPatience is how long a source may take to its first readings: a driver without persistence mode wakes each GPU.
const gpuPatience = 30 * time.Second

// slowest is how often a program is started that prints only once: rocm-smi is Python, and costs some tenths of a second of
// CPU each time.
const slowest = time.Second

// gpus keeps the last reading of each GPU.
type gpus struct {
	sources []source
	every   time.Duration // from reading to reading, by the source that is followed
	log     *slog.Logger
	count   chan int // gets the number of GPUs once, as soon as it is known; 0: no source works

	mu   sync.Mutex
	last map[int]reading
	at   map[int]time.Time
}

func newGPUs(cfg Config) *gpus {
	return &gpus{
		sources: sources(cfg), every: cfg.Interval, log: cfg.Log,
		count: make(chan int, 1), last: map[int]reading{}, at: map[int]time.Time{},
	}
}

// sources are the programs that can read GPUs, the better one first. A driver that does not know one of the fields makes
// nvidia-smi end at once, so it is asked for fewer then: clocks_event_reasons has been the name since driver 535.
func sources(cfg Config) []source {
	beside := cfg.AgentGPU
	if self, err := os.Executable(); beside == "" && err == nil {
		beside = filepath.Join(filepath.Dir(self), "agent-gpu")
	}
	ms := strconv.FormatInt(cfg.Interval.Milliseconds(), 10)
	all := []source{{"agent-gpu", []string{beside, "--interval", cfg.Interval.String()}, parseAgentGPU, 0}}
	for _, fields := range smiFields {
		all = append(all, source{"nvidia-smi", []string{"nvidia-smi", "--query-gpu=" + fields, "--format=csv,noheader,nounits", "-lms", ms}, smiParser(fields), 0})
	}
	return append(all, source{"rocm-smi", rocmArgv, parseROCm, max(cfg.Interval, slowest)})
}

// run follows the first source that gives readings until it or ctx ends, and says why the others do not.
func (g *gpus) run(ctx context.Context) {
	defer close(g.count)
	absent := ""
	for _, s := range g.sources {
		if s.name == absent {
			continue // with fewer fields
		}
		worked, err := g.follow(ctx, s)
		switch {
		case ctx.Err() != nil:
			return
		case worked:
			g.log.Warn("GPU readings ended", "source", s.name, "error", err)
			return
		}
		if errors.Is(err, exec.ErrNotFound) {
			absent = s.name
		}
		g.log.Info("no GPU readings from "+s.name, "reason", err.Error())
	}
	g.log.Info("no GPU readings: their columns are left out")
}

// follow runs s, again and again where it prints only once, and keeps what it prints. worked tells whether there were
// readings; the error says how it ended.
func (g *gpus) follow(ctx context.Context, s source) (worked bool, err error) {
	if s.every == 0 {
		return g.once(ctx, s, func(n int) { g.count <- n })
	}
	start, failed := time.Now(), false
	g.every = s.every // before count tells anybody
	for {
		_, err := g.once(ctx, s, nil)
		if n := g.seen(); !worked && n > 0 {
			worked = true
			g.count <- n
		}
		if ctx.Err() != nil || !worked {
			return worked, err
		}
		if ended := !errors.Is(err, errEnded); ended && !failed {
			g.log.Warn("reading the GPUs", "source", s.name, "error", err)
		}
		failed = !errors.Is(err, errEnded)
		next := time.Since(start)/s.every + 1
		select {
		case <-ctx.Done():
			return worked, ctx.Err()
		case <-time.After(time.Until(start.Add(next * s.every))):
		}
	}
}

// errEnded is how a program ends that has done what it was asked for.
var errEnded = errors.New("ended")

// once runs s to its end. ready is called with the number of GPUs as soon as all have been seen; nil: nobody asks.
func (g *gpus) once(ctx context.Context, s source, ready func(n int)) (worked bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, s.argv[0], s.argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	var said tail
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	late := time.AfterFunc(gpuPatience, func() { cancel(fmt.Errorf("no reading in %v", gpuPatience)) })
	defer late.Stop()
	worked, err = g.keep(s, out, func(n int) {
		if ready != nil {
			late.Stop()
			ready(n)
		}
	})
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	if cause := context.Cause(ctx); cause != nil {
		return worked, cause
	}
	return worked, said.explain(err)
}

// keep reads lines until they end. When the first GPU comes round again all have been seen: then it calls ready with their
// number.
func (g *gpus) keep(s source, out io.Reader, ready func(n int)) (worked bool, err error) {
	var bad error
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20) // rocm-smi prints all GPUs in one
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		all, err := s.parse(lines.Bytes())
		if err != nil {
			bad = err
			continue
		}
		for _, r := range all {
			if n := g.put(r); n > 0 && !worked {
				worked = true
				ready(n)
			}
		}
	}
	return worked, errors.Join(bad, lines.Err())
}

// put keeps r. It returns how many columns the GPUs need if r's was there before, else 0.
func (g *gpus) put(r reading) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, again := g.last[r.GPU]
	if again {
		r = r.after(before)
		n = g.columns()
	}
	g.last[r.GPU], g.at[r.GPU] = r, time.Now()
	return n
}

// columns is how many GPUs there are to have columns, those between that are out of sight included.
func (g *gpus) columns() (n int) {
	for i := range g.last {
		n = max(n, i+1)
	}
	return n
}

// seen is likewise, from outside.
func (g *gpus) seen() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.columns()
}

// tail is a writer that keeps the last line written to it: what a program said before it gave up.
type tail struct{ line []byte }

func (t *tail) Write(p []byte) (int, error) {
	lines := bytes.Split(bytes.TrimSpace(p), []byte("\n"))
	t.line = append(t.line[:0], lines[len(lines)-1]...)
	return len(p), nil
}

// explain is err with what the program said.
func (t *tail) explain(err error) error {
	if err == nil {
		err = errEnded
	}
	if len(t.line) == 0 {
		return err
	}
	return fmt.Errorf("%s (%w)", t.line, err)
}
