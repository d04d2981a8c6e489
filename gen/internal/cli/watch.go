package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"hpcbench/gen/internal/bundle"
	"hpcbench/gen/internal/submit"
)

var watchCommand = command{"watch", "show a run while it goes on, in a browser", `usage: gen watch BUNDLE|JOBID [flags]

Shows the jobs of a job directory, or Slurm's job of this number, as a page in a browser: plan and progress, rates, latencies,
failures, servers, nodes and logs as they come, and the report at the end. The page is served by the bundle's own agent (agent
watch) where the results are: here, or on the login node, with one port forwarded over ssh; where ssh may forward none, it comes
through commands there. A job that waits is waited for.

The URL is printed, and opened in a browser where there is a terminal and a browser. It ends with a token, without which nobody
else on the two machines sees anything. ctrl-C ends the page, and so does a lost connection; nothing stays behind on the login
node. Jobs do not need it, and are not disturbed: results are read, and executors are asked how it goes, only while a page is open.

Which machine it is, and how ssh gets there, is found as for gen run: from results/submitted.tsv, the flags, MLUX_USER and MLUX_KEY,
the cluster profile. For a JOBID it is this one if it has Slurm, else --host.

Exit status: 0 it was ended by ctrl-C; 1 there is nothing to show, or the connection was lost; 2 wrong usage.

flags:
  --no-open               print the URL, and open no browser
  --local-port N          the page's port on this machine (default a free one)
  --host HOST             the login node
  --port N, --user NAME   for ssh
  --key FILE              private key for ssh, and no other
  --dir DIR               the job directory on that host

example:
  $ gen watch out/ollama
  $ gen watch 4711 --host login.example.org
`, runWatch}

// watching is one gen watch.
type watching struct {
	run
	noOpen    bool
	localPort int
	ids       []string // the jobs that are meant; none: the newest
}

func runWatch(e env, args []string) error {
	w := &watching{run: run{env: e, screen: newScreen(e.stderr)}}
	operand, err := w.parse(args)
	if err != nil {
		return err
	}
	w.wish = listen()
	defer w.wish.close()
	defer w.screen.clear()
	defer w.disconnect()
	err = w.interruptible(func(ctx context.Context) error { return w.show(ctx, operand) })
	if errors.Is(err, left) {
		return nil
	}
	return err
}

func (w *watching) parse(args []string) (string, error) {
	f := newFlags("watch")
	f.BoolVar(&w.noOpen, "no-open", false, "")
	f.IntVar(&w.localPort, "local-port", 0, "")
	f.StringVar(&w.host, "host", "", "")
	f.StringVar(&w.user, "user", "", "")
	f.StringVar(&w.key, "key", "", "")
	f.StringVar(&w.folder, "dir", "", "")
	f.IntVar(&w.port, "port", 0, "")
	operands, err := parse(f, args)
	switch {
	case err != nil:
		return "", err
	case len(operands) != 1:
		return "", usagef("watch wants one job directory, or the number of one job")
	case w.localPort < 0 || w.localPort > 65535:
		return "", usagef("--local-port %d: want a port", w.localPort)
	}
	return operands[0], nil
}

// show finds the run, waits for it to begin, and shows it until ctx ends.
func (w *watching) show(ctx context.Context, operand string) error {
	if err := w.find(ctx, operand); err != nil {
		return w.explain(err)
	}
	results, err := w.await(ctx)
	if err != nil {
		return w.explain(err)
	}
	page, err := submit.Open(ctx, w.place, w.at, results)
	if err != nil {
		return w.explain(err)
	}
	defer page.Close()
	address, err := w.reach(ctx, page.URL)
	if err != nil {
		return err
	}
	w.screen.clear()
	if _, err := fmt.Fprintln(w.stdout, address); err != nil {
		return err
	}
	w.screen.say("ctrl-C ends this page; the job does not need it")
	if !w.noOpen && terminal(w.stdout) {
		w.browse(ctx, address)
	}
	if err := page.Wait(ctx); err != nil {
		return fmt.Errorf("the page has ended: %w", w.explain(err))
	}
	return ctx.Err()
}

var jobNumber = regexp.MustCompile(`^[1-9][0-9]*$`)

// find makes out the place and the bundle there.
func (w *watching) find(ctx context.Context, operand string) error {
	if _, err := os.Stat(operand); err != nil && jobNumber.MatchString(operand) {
		return w.findJob(ctx, operand)
	}
	if err := bundle.Check(operand); err != nil {
		return err
	}
	if err := w.open(operand); err != nil {
		return err
	}
	last := submit.Last(w.rows)
	if here, err := filepath.Glob(filepath.Join(w.dir, "results/*/events.tsv")); err == nil && len(here) > 0 && w.host == "" && (len(last) == 0 || !last[0].Open()) {
		w.place, w.at = submit.Here{Whole: w.facts.local}, w.dir
		return nil // the results are here, fetched or made
	}
	if len(last) > 0 && last[0].Open() {
		for _, row := range last {
			w.ids = append(w.ids, row.ID)
		}
	}
	return w.connect(nil)
}

// findJob asks Slurm where the bundle of a job is.
func (w *watching) findJob(ctx context.Context, id string) (err error) {
	w.ids = []string{id}
	if w.host == "" && !onPath("scontrol") {
		return errors.New("this machine has no Slurm: give the login node with --host, or name the job directory")
	}
	if err := w.connect(nil); err != nil {
		return err
	}
	if w.folder == "" {
		w.at, err = submit.Bundle(ctx, w.place, id)
	}
	return err
}

// await waits until one of the jobs has begun to leave results, and gives what is to be watched: the directory of the one job,
// or of all, where the newest counts.
func (w *watching) await(ctx context.Context) (string, error) {
	if len(w.ids) == 0 {
		return "results", nil
	}
	row := submit.Row{ID: w.ids[0]}
	for _, known := range w.rows {
		if known.ID == row.ID {
			row = known
		}
	}
	f := &submit.Follower{Row: row}
	for {
		runs, err := submit.Begun(ctx, w.place, w.at, w.ids)
		if err != nil {
			return "", err
		}
		if len(runs) > 0 && len(w.rows) == 0 {
			return runs[len(runs)-1], nil
		}
		if len(runs) > 0 {
			return path.Dir(runs[0]), nil
		}
		news, err := f.Look(ctx, w.place, w.at)
		if err != nil {
			return "", err
		}
		if f.Over() {
			return "", fmt.Errorf("job %s is over and left no results: %s", row.ID, strings.Join(news, "; "))
		}
		for _, line := range news {
			w.screen.say("job " + row.ID + ": " + line)
		}
		w.screen.show(f.Status())
		if err := pauseIn(ctx)(w.pause(f)); err != nil {
			return "", err
		}
	}
}

// reach is the URL by which the page is seen from this machine.
func (w *watching) reach(ctx context.Context, page *url.URL) (string, error) {
	if w.ssh == nil {
		return page.String(), nil
	}
	remote, err := strconv.Atoi(page.Port())
	if err != nil {
		return "", fmt.Errorf("the agent's page has no port: %s", page.Host)
	}
	local, err := w.ssh.Forward(ctx, w.localPort, remote)
	if err != nil {
		return "", err
	}
	if !submit.Answers(ctx, local) { // AllowTcpForwarding no
		w.screen.say(w.ssh.Host + " forwards no ports: the page comes through commands there instead")
		w.ssh.Unforward(ctx, local, remote)
		if local, err = submit.Relay(ctx, w.ssh, w.localPort, remote); err != nil {
			return "", err
		}
	}
	page.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(local))
	return page.String(), nil
}
