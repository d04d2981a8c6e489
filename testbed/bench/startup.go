package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hpcbench/testbed/bench/figure"
	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/sheet"
)

// startupPart is the time from a program's start to its first request. Of the slow peers it is seen in the other parts' runs,
// and in a run of its own where there were none.
func (b *bench) startupPart() (rows [][]string, err error) {
	const what = "from start to the first request, ms"
	one := peer.Load{Tokens: 2, Concurrency: 1, Requests: 1}
	delete(b.starts, "agent load")
	for range 10 {
		if _, err := b.alone(b.agentLoad(), epoll, law{}, one); err != nil {
			return nil, err
		}
	}
	ours := figure.Median(b.starts["agent load"])
	rows = append(rows, []string{what, "the goal", sheet.Number(1e3 * ours), "50", sheet.Number(0.05 / ours), "≥ 1", holds(0.05, ours)})
	one.Requests, one.Seconds = 10, 1
	for _, c := range b.able(one, func(*peer.Peer) bool { return true }) {
		if len(b.starts[c.name]) == 0 {
			if _, err := b.alone(c, epoll, law{}, one); err != nil {
				rows = append(rows, skippedRow(what, c.name, err))
				continue
			}
		}
		theirs := figure.Median(b.starts[c.name])
		rows = append(rows, []string{what, c.name, sheet.Number(1e3 * ours), sheet.Number(1e3 * theirs), sheet.Number(theirs / ours), "", ""})
	}
	return append(rows, b.hyperfine(one)), nil
}

// hyperfine times whole commands with ten requests: ours against vegeta's.
func (b *bench) hyperfine(l peer.Load) []string {
	const what, against = "whole command with 10 requests, ms, by hyperfine", "vegeta"
	seconds, err := b.wholeCommands(l)
	if err != nil {
		return skippedRow(what, against, err)
	}
	return []string{what, against, sheet.Number(1e3 * seconds[0]), sheet.Number(1e3 * seconds[1]), sheet.Number(seconds[1] / seconds[0]), "", ""}
}

func (b *bench) wholeCommands(l peer.Load) (seconds []float64, err error) {
	if _, err := exec.LookPath("hyperfine"); err != nil {
		return nil, err
	}
	s, err := b.start(epoll, "127.0.0.1", law{})
	if err != nil {
		return nil, err
	}
	defer func() { err = firstError(err, s.stop()) }()
	l.URL, l.Dir = s.url, filepath.Join(b.dir, "hyperfine")
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		return nil, err
	}
	ours, err := b.agentLoad().command(peer.Load{URL: l.URL, Dir: l.Dir, Tokens: 2, Concurrency: 1, Requests: 10})
	if err != nil {
		return nil, err
	}
	report := filepath.Join(l.Dir, "hyperfine.json")
	args := []string{"-N", "--warmup", "1", "--runs", "10", "--export-json", report, quoted(ours.Args)}
	for _, p := range b.peers {
		if p.Name == "vegeta" && p.Missing == "" {
			theirs, err := p.Command(b.cache, peer.Load{URL: l.URL, Dir: l.Dir, Tokens: 2, Rate: 1000, Law: "constant", Seconds: 1})
			if err != nil {
				return nil, err
			}
			args = append(args, strings.Replace(quoted(theirs.Args), "-duration=1s", "-duration=10ms", 1))
		}
	}
	cmd := exec.CommandContext(b.ctx, "hyperfine", args...)
	cmd.Dir = l.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("hyperfine: %w: %s", err, out)
	}
	var v struct{ Results []struct{ Median float64 } }
	text, err := os.ReadFile(report)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	if len(v.Results) < 2 {
		return nil, fmt.Errorf("vegeta is not there")
	}
	return []float64{v.Results[0].Median, v.Results[1].Median}, nil
}

// quoted is a command line for hyperfine, whose words hold no quotes.
func quoted(args []string) string { return "'" + strings.Join(args, "' '") + "'" }

// sizePart is what has to be copied to a machine.
func (b *bench) sizePart() (rows [][]string, err error) {
	info, err := os.Stat(b.agent)
	if err != nil {
		return nil, err
	}
	ours := float64(info.Size())
	for _, p := range b.peers {
		if p.Missing != "" {
			continue
		}
		what, size := "size of the static binary, MB", int64(0)
		path := filepath.Join(string(b.cache), "bin", p.Name)
		if p.Python {
			what, path = "the same, and of its Python environment", p.Home(b.cache)
		}
		if size, err = weigh(path); err != nil {
			continue // Debian's packages lie elsewhere, and need libraries
		}
		rows = append(rows, []string{what, p.Name, sheet.Number(ours / 1e6), sheet.Number(float64(size) / 1e6), sheet.Number(float64(size) / ours), "", ""})
	}
	return rows, nil
}

// weigh is the bytes of a file or of all in a folder.
func weigh(path string) (total int64, err error) {
	err = filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
