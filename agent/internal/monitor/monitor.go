// Package monitor writes a node's readings to CSV, one row each interval.
//
// Rows are due at start + k·interval, and a row is one write, so that a kill loses nothing. A column's name carries its
// unit: ratio (0..1), bytes, bytes_per_s, watts, joules, celsius, hz; one column of each GPU has words, with ; between. A
// reading that is missing is an empty cell, never 0; rates are empty in the first row. A row that can't be made in time is
// left out and not made up for. The columns are those of the table in agent/metric.
package monitor

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"hpcbench/agent/workload"
)

// Config says what is read and how often. The zero value of each field but Out is useful.
type Config struct {
	Out        io.Writer         // the CSV: a header, then one Write a row
	Interval   time.Duration     // from row to row, at least 100 ms; 0: 1 s
	Proc       string            // where procfs is mounted; "": /proc
	Sys        string            // where sysfs is mounted; "": /sys
	GPU        string            // auto (or ""): by agent-gpu, else nvidia-smi, else rocm-smi, else none; none: no GPU columns
	AgentGPU   string            // the agent-gpu program; "": the file of that name beside the running program
	Collectors []string          // what is read, of workload.Collectors; none: all that workload.ByDefault says
	Metrics    []workload.Metric // further columns, those of them that are commands (see command)
	Each       func(Row)         // gets each row after it is written, before the next is due; nil: nobody does
	Log        *slog.Logger      // what could not be read, once each; nil: slog.Default()
}

// Row is one row for those who show readings elsewhere than in the CSV. It may be kept.
type Row struct {
	Time    time.Time
	Columns []string        // as in the CSV's header, without time_s
	Values  []float64       // by column; NaN: missing, or a column of words
	Words   []string        // by column, of those that hold words, such as gpu0_throttle_reasons; "": missing, or a column of numbers
	Success map[string]bool // by collector: whether its last reading came; gpu is among them wherever there is a driver of GPUs
}

// MinInterval keeps the monitor from becoming the load.
const MinInterval = 100 * time.Millisecond

// Run writes rows until ctx ends, which is no error. It fails if Config is wrong, Proc is not there, or Out fails.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.complete(); err != nil {
		return err
	}
	collectors, err := node(cfg)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if cfg.GPU == "auto" && cfg.reads("gpu") {
		g := newGPUs(cfg)
		wg.Go(func() { g.run(ctx) })
		if n := <-g.count; n > 0 {
			collectors = append(collectors, g.collector(n))
		} else if driver(cfg.Sys) {
			collectors = append(collectors, noGPUs())
		}
	}
	if asked := commands(cfg); len(asked) > 0 {
		for _, c := range asked {
			wg.Go(func() { c.run(ctx) })
		}
		collectors = append(collectors, added(asked))
	}
	m := &monitor{cfg: cfg, collectors: collectors}
	return m.run(ctx)
}

// complete fills in what the zero values stand for.
func (c *Config) complete() error {
	for _, field := range []struct {
		at       *string
		standard string
	}{{&c.Proc, "/proc"}, {&c.Sys, "/sys"}, {&c.GPU, "auto"}} {
		if *field.at == "" {
			*field.at = field.standard
		}
	}
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Interval < MinInterval {
		return fmt.Errorf("monitor interval %v is below %v", c.Interval, MinInterval)
	}
	if c.GPU != "auto" && c.GPU != "none" {
		return fmt.Errorf("monitor gpu %q is neither auto nor none", c.GPU)
	}
	return workload.CheckCollectors(c.Collectors)
}

// reads tells whether what the word names is read.
func (c *Config) reads(word string) bool {
	if len(c.Collectors) == 0 {
		return workload.ByDefault(word, c.Interval.Seconds())
	}
	return slices.Contains(c.Collectors, word)
}

// monitor makes the rows.
type monitor struct {
	cfg        Config
	collectors []*collector
	columns    []string
	row        []byte // reused
}

// run writes the header and then row after row.
func (m *monitor) run(ctx context.Context) error {
	if err := m.header(); err != nil {
		return err
	}
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := m.write(time.Now()); err != nil {
			return err
		}
		next := time.Since(start)/m.cfg.Interval + 1 // the first that is not past
		timer.Reset(time.Until(start.Add(next * m.cfg.Interval)))
	}
}

func (m *monitor) header() error {
	m.row = append(m.row[:0], "time_s"...)
	for _, c := range m.collectors {
		for _, column := range c.columns {
			m.row = append(append(m.row, ','), column.name...)
			m.columns = append(m.columns, column.name)
		}
	}
	return m.flush()
}

// write reads everything and writes it as one row of the instant now.
func (m *monitor) write(now time.Time) error {
	row := Row{Time: now, Columns: m.columns, Success: map[string]bool{}}
	m.row = strconv.AppendFloat(m.row[:0], float64(now.UnixMilli())/1e3, 'f', 3, 64)
	for _, c := range m.collectors {
		values := c.next(now, m.cfg.Log)
		for i, column := range c.columns {
			words := ""
			m.row = append(m.row, ',')
			switch {
			case column.words != nil:
				words = column.words()
				m.row = append(m.row, words...)
			case !math.IsNaN(values[i]):
				m.row = strconv.AppendFloat(m.row, values[i], 'f', column.decimals, 64)
			}
			row.Words = append(row.Words, words)
		}
		row.Values = append(row.Values, values...)
		row.Success[c.name] = !c.failed
	}
	if err := m.flush(); err != nil {
		return err
	}
	if m.cfg.Each != nil {
		m.cfg.Each(row)
	}
	return nil
}

func (m *monitor) flush() error {
	m.row = append(m.row, '\n')
	if _, err := m.cfg.Out.Write(m.row); err != nil {
		return fmt.Errorf("writing the node's readings: %w", err)
	}
	return nil
}
