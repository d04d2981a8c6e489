package scrape

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strconv"

	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// digest reads server.csv and puts what it says of the window [from, to], in seconds since 1970, into each server's told.
func (s *Scraper) digest(file io.Reader, from, to float64) error {
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	if _, err := rows.Read(); err != nil {
		return err
	}
	all := map[string][]*curve{}
	for _, at := range s.servers {
		for range s.page {
			all[at.name] = append(all[at.name], &curve{from: from, to: to})
		}
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		at, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			return err
		}
		for i, c := range all[row[1]] {
			if v, err := strconv.ParseFloat(row[2+i], 64); err == nil { // an empty cell is none
				c.add(at, v)
			}
		}
	}
	for _, at := range s.servers {
		s.fill(&at.told, all[at.name])
	}
	return nil
}

// fill gives the curves of one server their places.
func (s *Scraper) fill(t *summary.Told, curves []*curve) {
	of := map[string]*curve{}
	for i, c := range s.page {
		of[c.head] = curves[i]
		if c.kind == workload.Counter || c.kind == workload.Histogram {
			t.Resets = max(t.Resets, curves[i].resets)
		}
		if l := curves[i].level(); c.kind == "" && l != nil {
			if t.Custom == nil {
				t.Custom = map[string]summary.Level{}
			}
			t.Custom[c.head] = *l
		}
	}
	t.Running, t.Waiting, t.KVUsage = of["running"].level(), of["waiting"].level(), of["kv_usage_ratio"].level()
	for name, into := range map[string]**float64{
		"preemptions": &t.Preemptions, "prompt_tokens": &t.PromptTokens, "gen_tokens": &t.GenTokens,
		"prefix_queries": &t.PrefixQueries, "prefix_hits": &t.PrefixHits,
	} {
		*into = of[name+"_total"].gain()
	}
	for name, into := range map[string]**summary.Timed{"ttft": &t.TTFT, "itl": &t.ITL, "e2e": &t.E2E} {
		sum, n := of[name+"_s_sum"].gain(), of[name+"_s_count"].gain()
		if sum != nil && n != nil && *n > 0 {
			*into = &summary.Timed{N: *n, Mean: *sum / *n}
		}
	}
}

// curve is one column over time, in one pass: as a gauge its mean and max of the looks in the window, as a counter how much it
// grew from the window's begin to its end. Between two looks a counter is taken to have grown evenly. One that fell began anew,
// and what it shows then has come since.
type curve struct {
	from, to float64

	n        int // looks in the window
	sum, max float64

	seen       bool
	at, raw    float64 // of the last look
	grown      float64 // up to it, over all resets
	resets     int64
	low, high  float64 // grown at the window's begin and end, as far as it was seen
	begun, two bool    // low is known; two looks at least tell of the window
}

func (c *curve) add(at, v float64) {
	if at >= c.from && at <= c.to {
		c.n, c.sum = c.n+1, c.sum+v
		if c.n == 1 || v > c.max {
			c.max = v
		}
	}
	first, before, grown := !c.seen, c.at, c.grown
	switch {
	case !c.seen:
		c.seen = true
	case v < c.raw:
		c.resets++
		c.grown += v
	default:
		c.grown += v - c.raw
	}
	c.at, c.raw = at, v
	if at < c.from {
		return
	}
	if !c.begun {
		if first && at > c.to {
			return
		}
		c.begun, c.low = true, c.grown
		if !first {
			c.low = between(before, grown, at, c.grown, c.from)
		}
	}
	if first || before >= c.to {
		c.high = max(c.high, c.low)
		return
	}
	c.high, c.two = between(before, grown, at, c.grown, min(at, c.to)), true
}

// between is the value at an instant on the line between two looks, and that of the nearer one outside of them.
func between(at0, v0, at1, v1, at float64) float64 {
	if at1 <= at0 || at >= at1 {
		return v1
	}
	return v0 + (v1-v0)*max(0, at-at0)/(at1-at0)
}

// level is the gauge's; nil where no look fell into the window.
func (c *curve) level() *summary.Level {
	if c == nil || c.n == 0 {
		return nil
	}
	return &summary.Level{Mean: c.sum / float64(c.n), Max: c.max}
}

// gain is the counter's; nil where fewer than two looks tell of the window.
func (c *curve) gain() *float64 {
	if c == nil || !c.two {
		return nil
	}
	return new(math.Max(0, c.high-c.low))
}
