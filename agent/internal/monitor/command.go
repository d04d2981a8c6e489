package monitor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"hpcbench/agent/workload"
)

const (
	commandWithin = 10 * time.Second // for a command to say its number
	commandBytes  = 64 << 10         // of its output that are kept, from the end
)

// command is a metric that a recipe or a service adds, out of a program's last line. It is run at the monitor's interval, and
// never twice at once; a row has the number that it said last, and an empty cell before the first and after a failure.
type command struct {
	metric workload.Metric
	every  time.Duration
	within time.Duration
	log    *slog.Logger

	mu    sync.Mutex
	value float64
}

// commands are those of the metrics that are commands.
func commands(cfg Config) []*command {
	var all []*command
	for _, m := range cfg.Metrics {
		if len(m.Command) > 0 {
			all = append(all, &command{metric: m, every: cfg.Interval, within: commandWithin, log: cfg.Log, value: missing})
		}
	}
	return all
}

// run asks the command again and again until ctx ends. A failure is logged when it begins.
func (c *command) run(ctx context.Context) {
	start, failed := time.Now(), false
	for {
		value, err := c.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			value = missing
			if !failed {
				c.log.Warn("reading the node", "collector", c.metric.Name, "error", err.Error())
			}
		}
		failed = err != nil
		c.mu.Lock()
		c.value = value
		c.mu.Unlock()
		next := time.Since(start)/c.every + 1
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(start.Add(next * c.every))):
		}
	}
}

// ask runs the program once, in a process group of its own, which is killed as a whole when its time is over.
func (c *command) ask(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.within, fmt.Errorf("no end within %v", c.within))
	defer cancel()
	out := &lastBytes{}
	program := exec.CommandContext(ctx, c.metric.Command[0], c.metric.Command[1:]...)
	program.Stdout = out
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	program.Cancel = func() error { return syscall.Kill(-program.Process.Pid, syscall.SIGKILL) }
	program.WaitDelay = time.Second // for who left the group and still has its output open
	err := program.Run()
	if program.Process != nil {
		_ = program.Cancel() // what it left in the background is not to stay on the node
	}
	if ctx.Err() != nil {
		return missing, context.Cause(ctx)
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return missing, err
	}
	return lastNumber(out.text)
}

// lastNumber is the number that a program's last line is, blank ones aside.
func lastNumber(text []byte) (float64, error) {
	text = bytes.TrimSpace(text)
	line := strings.TrimSpace(string(text[bytes.LastIndexByte(text, '\n')+1:]))
	if line == "" {
		return missing, errors.New("it wrote nothing")
	}
	v, err := strconv.ParseFloat(line, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return missing, fmt.Errorf("its last line is %q, and no number", line[:min(len(line), 80)])
	}
	return v, nil
}

// added is the commands' columns.
func added(all []*command) *collector {
	c := &collector{name: "added"}
	for _, one := range all {
		c.columns = append(c.columns, column{one.metric.Column(), -1, nil})
	}
	c.read = func(float64) ([]float64, error) {
		values := make([]float64, len(all))
		for i, one := range all {
			one.mu.Lock()
			values[i] = one.value
			one.mu.Unlock()
		}
		return values, nil // each command tells of its own failures
	}
	return c
}

// lastBytes keeps the end of what is written to it.
type lastBytes struct{ text []byte }

// Write never fails.
func (l *lastBytes) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	if extra := len(l.text) - commandBytes; extra > 0 {
		l.text = append(l.text[:0], l.text[extra:]...)
	}
	return len(p), nil
}
