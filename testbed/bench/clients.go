package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/proc"
	"hpcbench/testbed/bench/truth"
)

// agentLoad is `agent load`, with all its records written; more are further flags.
func (b *bench) agentLoad(more ...string) client {
	return client{
		name: "agent load",
		command: func(l peer.Load) (proc.Command, error) {
			args := append([]string{b.agent, "load", "--url", l.URL, "--model", "m", "--input-tokens", "42", "--max-tokens", fmt.Sprint(l.Tokens), "--seed", "1",
				"--json", "--out", filepath.Join(l.Dir, "out")}, more...)
			if !l.Stream {
				args = append(args, "--no-stream")
			}
			switch {
			case l.Rate > 0:
				args = append(args, "--rate", fmt.Sprint(l.Rate), "--arrival", l.Law)
			default:
				args = append(args, "--concurrency", fmt.Sprint(l.Concurrency))
			}
			if l.Seconds > 0 {
				args = append(args, "--duration", fmt.Sprint(l.Seconds, "s"))
			} else {
				args = append(args, "--requests", fmt.Sprint(l.Requests))
			}
			return proc.Command{Args: args, Dir: l.Dir, Log: filepath.Join(l.Dir, "log")}, nil
		},
		result: agentResult,
	}
}

// knows tells whether this agent load has a flag.
func (b *bench) knows(flag string) bool {
	if b.help == "" {
		out, _ := exec.CommandContext(b.ctx, b.agent, "load", "-h").CombinedOutput()
		b.help = string(out)
	}
	return strings.Contains(b.help, flag)
}

// agentRecord is a line of records.jsonl; instants are seconds from the header's start. The header is such a line with none of
// them.
type agentRecord struct {
	Trial, Node string
	Start       int64  `json:"start_unix_ns"`
	ID          *int64 `json:"id"`
	Outcome     string
	Scheduled   *float64 `json:"scheduled"`
	Sent        *float64 `json:"sent"`
	First       *float64 `json:"first_token"`
	Last        *float64 `json:"last_token"`
	Done        *float64 `json:"done"`
	Gaps        []float64
}

func agentResult(l peer.Load) (r peer.Result, err error) {
	var s struct {
		Duration   float64 `json:"duration_s"`
		Requests   struct{ Failed int64 }
		Throughput struct {
			Rate *float64 `json:"requests_per_s"`
		}
	}
	text, err := os.ReadFile(filepath.Join(l.Dir, "out/summary.json"))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return r, err
	}
	if s.Requests.Failed > 0 {
		return r, fmt.Errorf("%d requests failed", s.Requests.Failed)
	}
	f, err := os.Open(filepath.Join(l.Dir, "out/records.jsonl"))
	if err != nil {
		return r, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	var head agentRecord
	if err := d.Decode(&head); err != nil {
		return r, err
	}
	if s.Throughput.Rate != nil {
		r.Rate, r.From, r.To = *s.Throughput.Rate, head.Start, head.Start+int64(s.Duration*1e9)
	}
	for d.More() {
		var a agentRecord
		if err := d.Decode(&a); err != nil {
			return r, err
		}
		r.Requests = append(r.Requests, a.measured(head, l.Stream))
		if late := between(a.Scheduled, a.Sent); late != nil {
			r.Lateness = append(r.Lateness, *late)
		}
	}
	return r, nil
}

// measured is the record as all clients' results are.
func (a agentRecord) measured(head agentRecord, stream bool) truth.Measured {
	m := truth.Measured{ID: fmt.Sprintf("%s-%s-%d", head.Trial, head.Node, *a.ID), Gaps: a.Gaps}
	last := a.Last
	if !stream {
		last = a.Done
	}
	m.TTFT, m.E2EL = between(a.Sent, a.First), between(a.Sent, last)
	return m
}

func between(from, to *float64) *float64 {
	if from == nil || to == nil {
		return nil
	}
	d := *to - *from
	return &d
}

// bareLoop is the least a client can do.
func (b *bench) bareLoop() client {
	return client{name: "a bare epoll loop", command: func(l peer.Load) (proc.Command, error) {
		body := filepath.Join(l.Dir, "body.json")
		return proc.Command{
			Args: []string{b.self, "bare", "-server", strings.TrimPrefix(l.URL, "http://"), "-connections", fmt.Sprint(l.Concurrency),
				"-duration", fmt.Sprint(l.Seconds, "s"), "-request", body},
			Dir: l.Dir, Log: filepath.Join(l.Dir, "log"),
		}, os.WriteFile(body, []byte(peer.Body(l)), 0o644)
	}}
}

// pinned is a command that may use these CPUs alone.
func pinned(command func(peer.Load) (proc.Command, error), cores string) func(peer.Load) (proc.Command, error) {
	return func(l peer.Load) (proc.Command, error) {
		c, err := command(l)
		c.Args = append([]string{"taskset", "-c", cores}, c.Args...)
		return c, err
	}
}
