package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/secret"
	drive "hpcbench/agent/internal/trial"
	"hpcbench/agent/workload"
)

var trial = command{
	name:  "trial",
	short: "drive the executors of a job through one trial",
	long: `
All executors (rows of nodes.tsv with role client) start on one time zero, are watched until the last has drained, and what
they counted becomes DIR/summary.json; DIR/key follows when the trial is complete: its schedule and drain ran out and at
least one request was ok. Otherwise the exit status is 1, or 3 where a client node answers no more, and the last line names the
cause. It is a hang when no byte has come for --stall, or for three times the p99 so far, and a server then fails two probe
requests. On TERM, INT or USR1 the executors are stopped in good order, and the summary says so.

A trial that searches (workload.search) sends its load at several rates, one after the other. Its numbers, and the files of
its nodes, are those of the highest that held; the files of the other probes are in DIR/probes/NN/NODE. That no rate holds is
a result too.`,
	example: "agent trial --workload trials/0001.json --nodes nodes.tsv --token-file control.token --out results/4711/0001 --key 5f2c",
	declare: func(f *flags) action {
		work := f.text("workload", "FILE", "", "the trial: trials/<id>.json")
		table := f.text("nodes", "FILE", "", "the job's nodes.tsv")
		published := f.text("executors", "DIR", "", "where executors published their addresses, each in a file of its node's name; those count, and not nodes.tsv's")
		token := f.text("token-file", "FILE", "", "the job's token")
		out := f.text("out", "DIR", "", "where the summary goes: results/<jobid>/<trial>")
		key := f.text("key", "HEX", "", "the trial's key, as the ledger has it")
		edits := f.text("edited", "FILE", "", "names of the bundle's files that were edited, one a line; a mark names them")
		stall := f.time("stall", time.Minute, "silence that makes a hang suspected")
		patience := f.time("probe-timeout", 30*time.Second, "how long a probe request may take then")
		poll := f.time("poll", time.Second, "pause between two looks at the executors")
		every := f.time("progress", 10*time.Second, "pause between two lines of progress")
		f.need("workload", "nodes", "token-file", "out", "key")
		return func(ctx context.Context, c *call) error {
			t, err := readTrial(*work)
			if err != nil {
				return err
			}
			c.prefix = "trial " + t.ID
			rows, executors, err := readExecutors(*table, *published, *token)
			if err != nil {
				return err
			}
			edited, err := readLines(*edits)
			if err != nil {
				return err
			}
			if *poll <= 0 {
				return usage("--poll: want more than 0")
			}
			s, err := drive.Run(ctx, drive.Config{
				Trial: t, Endpoints: rows.Endpoints(), Executors: executors, Out: *out, Key: *key, Edited: edited, Nodes: rows, Monitors: monitorsWithin,
				Lead: lead(t.Workload), Stall: *stall, ProbeTimeout: *patience, Poll: *poll, Every: *every,
				Say: func(format string, args ...any) { // with the time, which agent logs reads
					fmt.Fprintf(c.stderr, "%s %s: "+format+"\n", append([]any{time.Now().Format(time.TimeOnly), c.prefix}, args...)...)
				},
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.stdout, sentence(s))
			return err
		}
	},
}

// monitorsWithin is how long a trial waits at its end for its nodes' monitors, which write a row each interval.
const monitorsWithin = 3 * time.Second

// readLines reads the lines of a file; none of no file.
func readLines(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' }), nil
}

// lead is the time from the start requests to time zero: in it the client nodes read the dataset, at 20 MB/s or more, and a
// tokenizer, whose largest take some 2 s. With it the replies of a dataset are counted, at 4 MB/s or more.
func lead(w workload.Workload) time.Duration {
	lead, rate := time.Second, time.Duration(20e6)
	if w.Tokenizer != "" {
		lead, rate = lead+3*time.Second, 4e6
	}
	if w.Dataset == "" {
		return lead
	}
	info, err := os.Stat(w.Dataset)
	if err != nil { // it may be on the client nodes alone
		return lead + 10*time.Second
	}
	return lead + time.Duration(info.Size())*time.Second/rate
}

// readTrial reads a trial's file, BUNDLE/trials/<id>.json. Files that it names below the bundle get their whole path, as a
// client node finds them.
func readTrial(path string) (workload.Trial, error) {
	var t workload.Trial
	if err := readStrictly(path, ": not a trial", &t); err != nil {
		return t, err
	}
	if t.Schema != workload.Schema {
		return t, fmt.Errorf("%s: a trial of schema %d, known here is %d", path, t.Schema, workload.Schema)
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return t, err
	}
	bundle := filepath.Dir(filepath.Dir(whole))
	for _, file := range []*string{&t.Workload.Trace, &t.Workload.Dataset, &t.Workload.Tokenizer} {
		*file = workload.File(bundle, *file)
	}
	return t, nil
}

// readExecutors finds the executors of a job and what it takes to talk to them. Where they published their addresses, only those
// count: another program may have come first to the port that nodes.tsv meant for one.
func readExecutors(table, published, tokenFile string) (nodes.Table, []executor.Client, error) {
	rows, err := nodes.Read(table)
	if err != nil {
		return nil, nil, err
	}
	token, err := readToken(tokenFile)
	if err != nil {
		return nil, nil, err
	}
	var all []executor.Client
	for _, n := range rows.Clients() {
		c := executor.Client{Node: n.Name, URL: n.URL(), Token: token}
		if published != "" {
			if c.URL, err = publishedBy(n, published); err != nil {
				return nil, nil, fmt.Errorf("executor of %s: %w", n.Name, err)
			}
		}
		all = append(all, c)
	}
	return rows, all, nil
}

// publishedBy is the URL of a node's executor by its own word.
func publishedBy(n nodes.Node, dir string) (string, error) {
	path := filepath.Join(dir, filepath.Base(n.Name))
	address, err := secret.Address(path)
	if err != nil {
		return "", err
	}
	if address.Addr().String() != n.IP {
		return "", fmt.Errorf("%s names %s, and the node's address is %s", path, address, n.IP)
	}
	return "http://" + address.String(), nil
}
