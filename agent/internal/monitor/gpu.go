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

// reading is one GPU at one instant: a line of agent-gpu's output, whose nil fields were not there.
type reading struct {
	GPU         int      `json:"gpu"` // the driver's index
	Utilization *float64 `json:"utilization_ratio"`
	MemoryUsed  *float64 `json:"memory_used_bytes"`
	Power       *float64 `json:"power_watts"`
	Temperature *float64 `json:"temperature_celsius"`
	Energy      *float64 `json:"energy_joules"` // since the driver was loaded
}

// source is a program that prints readings, a line each, for as long as it runs.
type source struct {
	name  string
	argv  []string
	parse func(line []byte) (reading, error)
}

// gpuPatience is how long a source may take to its first readings: a driver without persistence mode wakes each GPU.
const gpuPatience = 30 * time.Second

// gpus keeps the last reading of each GPU.
type gpus struct {
	sources  []source
	interval time.Duration
	log      *slog.Logger
	count    chan int // gets the number of GPUs once, as soon as it is known; 0: no source works

	mu   sync.Mutex
	last map[int]reading
	at   map[int]time.Time
}

func newGPUs(cfg Config) *gpus {
	return &gpus{
		sources: sources(cfg), interval: cfg.Interval, log: cfg.Log,
		count: make(chan int, 1), last: map[int]reading{}, at: map[int]time.Time{},
	}
}

// sources are the programs that can read GPUs, the better one first.
func sources(cfg Config) []source {
	beside := cfg.AgentGPU
	if self, err := os.Executable(); beside == "" && err == nil {
		beside = filepath.Join(filepath.Dir(self), "agent-gpu")
	}
	ms := strconv.FormatInt(cfg.Interval.Milliseconds(), 10)
	return []source{
		{"agent-gpu", []string{beside, "--interval", cfg.Interval.String()}, parseAgentGPU},
		{"nvidia-smi", []string{"nvidia-smi", "--query-gpu=" + smiFields, "--format=csv,noheader,nounits", "-lms", ms}, parseSMI},
	}
}

// run follows the first source that gives readings until it or ctx ends, and says why the others do not.
func (g *gpus) run(ctx context.Context) {
	defer close(g.count)
	for _, s := range g.sources {
		worked, err := g.follow(ctx, s)
		switch {
		case ctx.Err() != nil:
			return
		case worked:
			g.log.Warn("GPU readings ended", "source", s.name, "error", err)
			return
		}
		g.log.Info("no GPU readings from "+s.name, "reason", err.Error())
	}
	g.log.Info("no GPU readings: their columns are left out")
}

// follow runs s and keeps what it prints. worked tells whether there were readings; the error says how it ended.
func (g *gpus) follow(ctx context.Context, s source) (worked bool, err error) {
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
	worked, err = g.keep(s, out, func() { late.Stop() })
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	if cause := context.Cause(ctx); cause != nil {
		return worked, cause
	}
	return worked, said.explain(err)
}

// keep reads lines until they end. When the first GPU comes round again all have been seen: then it calls ready and
// gives their number to count.
func (g *gpus) keep(s source, out io.Reader, ready func()) (worked bool, err error) {
	var bad error
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		r, err := s.parse(lines.Bytes())
		if err != nil {
			bad = err
			continue
		}
		if n := g.put(r); n > 0 && !worked {
			worked = true
			ready()
			g.count <- n
		}
	}
	return worked, errors.Join(bad, lines.Err())
}

// put keeps r. It returns how many columns the GPUs need if r's was there before, else 0.
func (g *gpus) put(r reading) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, again := g.last[r.GPU]; again {
		for i := range g.last {
			n = max(n, i+1)
		}
	}
	g.last[r.GPU], g.at[r.GPU] = r, time.Now()
	return n
}

// collector gives the last readings of n GPUs. One older than some intervals is missing: its source has stopped.
func (g *gpus) collector(n int) *collector {
	var columns []column
	for i := range n {
		name := func(what string) string { return fmt.Sprintf("gpu%d_%s", i, what) }
		columns = append(columns, column{name("utilization_ratio"), 2}, column{name("memory_used_bytes"), 0},
			column{name("power_watts"), 2}, column{name("temperature_celsius"), 0}, column{name("energy_joules"), 3})
	}
	stale := 3*g.interval + time.Second
	return &collector{name: "gpu", columns: columns, read: func(float64) ([]float64, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		values := make([]float64, 0, len(columns))
		for i := range n {
			r := g.last[i]
			if time.Since(g.at[i]) > stale {
				r = reading{}
			}
			for _, p := range []*float64{r.Utilization, r.MemoryUsed, r.Power, r.Temperature, r.Energy} {
				if p == nil {
					p = &missing
				}
				values = append(values, *p)
			}
		}
		return values, nil
	}}
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
		err = errors.New("ended")
	}
	if len(t.line) == 0 {
		return err
	}
	return fmt.Errorf("%s (%w)", t.line, err)
}
