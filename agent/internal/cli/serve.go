package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/gate"
	watch "hpcbench/agent/internal/monitor"
	"hpcbench/agent/internal/push"
	"hpcbench/agent/internal/secret"
	"hpcbench/agent/internal/whole"
	"hpcbench/agent/workload"
)

var serve = command{
	name:  "serve",
	short: "be the executor on a client node: send load when a job says so",
	long: `
GET /health, /status, /live, /metrics and /metrics/prometheus tell; POST /start and /stop do, and need the token as
"Authorization: Bearer …". With --watch the executor of the job's first client node GETs each server's metrics while a trial
runs, for DIR/<trial>/server.csv and the summary. Where push is in it, too, all that /metrics/prometheus tells goes to a
Pushgateway. The address is published after it was bound, and GET /health?challenge=WORD
proves that who listens there has the token (an HMAC of the address and the word), so that it never goes to somebody else. The
log on stderr is JSON lines. Ends with status 0 on TERM, INT or USR1, after stopping a running trial.

Nodes are shared. The token's file has to be the user's own, of mode 600 or 400, and is read once. Where another program has
the port of --listen, the first free one of --or-ports is taken, and at last any free one; without --or-ports that is an error.
` + gate.Limits,
	example: "agent serve --listen 10.0.0.1:20106 --token-file control.token --out results/4711 --ready-file executors/mel2001",
	declare: func(f *flags) action {
		listen := f.text("listen", "IP:PORT", "", "where to listen")
		others := f.text("or-ports", "FIRST-LAST", "", "ports to take where another program has that one")
		token := f.text("token-file", "FILE", "", "the job's token")
		out := f.text("out", "DIR", "", "results/<jobid>: records go to DIR/<trial>/<node>")
		node := f.text("node", "NAME", "", "name of this node (default this node's)")
		service := f.text("service", "NAME", "agent", "first word of the metrics' names")
		ready := f.text("ready-file", "FILE", "", "where to publish the address once it is bound")
		watched := f.text("watch", "FILE", "", "what to ask the servers for while a trial runs: node/watch.json")
		offset := f.time("clock-offset", 0, "how much this node's clock is to be off, for tests")
		f.need("listen", "token-file", "out")
		return func(ctx context.Context, c *call) error {
			addresses, err := addressesFor(*listen, *others)
			if err != nil {
				return err
			}
			password, err := readToken(*token)
			if err != nil {
				return err
			}
			w, err := readWatch(*watched)
			if err != nil {
				return err
			}
			name, reg := cmp.Or(*node, thisNode()), prometheus.NewRegistry()
			log := logger(c.stderr, name, "executor")
			e := executor.New(executor.Config{
				Token: password, Out: *out, Node: name, Service: *service, Version: Version,
				Clock: *offset, Watch: &w, Registry: reg, Log: log,
			})
			ln, err := bindFirst(addresses, log)
			if errors.Is(err, syscall.EADDRINUSE) {
				return fmt.Errorf("%w: set another clients.port, or none, so that the job finds a free one", err)
			} else if err != nil {
				return err
			}
			if *ready != "" {
				if err := whole.Write(*ready, []byte(ln.Addr().String()+"\n"), 0o644); err != nil {
					return err
				}
			}
			if to := pushed(w, push.Client, name, *out, log); to != nil {
				to.From = reg
				defer beside(ctx, func(ctx context.Context) { push.Run(ctx, *to) })()
			}
			return e.Serve(ctx, ln)
		}
	},
}

// beside runs something in the background until end is called, which waits for it, or ctx ends.
func beside(ctx context.Context, run func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// bind listens on the address that --listen names. One that can't be an address is wrong usage.
func bind(address string) (net.Listener, error) {
	if _, err := net.ResolveTCPAddr("tcp", address); err != nil {
		return nil, usage("--listen: %w", err)
	}
	return net.Listen("tcp", address)
}

// addressesFor is where an executor may listen: at --listen, then at each port of --or-ports, then at any that is free. That has
// to be one address of this node, for an executor is there for its job's network alone.
func addressesFor(listen, others string) ([]string, error) {
	at, err := netip.ParseAddrPort(listen)
	if err != nil || at.Addr().IsUnspecified() {
		return nil, usage("--listen %s: want the address of one interface of this node and a port, such as 10.0.0.1:20106", listen)
	}
	all := []string{listen}
	if others == "" {
		return all, nil
	}
	var first, last uint16
	if n, err := fmt.Sscanf(others, "%d-%d", &first, &last); n != 2 || err != nil || first == 0 || last < first {
		return nil, usage("--or-ports %s: want two port numbers, such as 20196-20199", others)
	}
	for port := int(first); port <= int(last); port++ {
		all = append(all, netip.AddrPortFrom(at.Addr(), uint16(port)).String())
	}
	return append(all, netip.AddrPortFrom(at.Addr(), 0).String()), nil
}

// bindFirst listens at the first of the addresses that no other program has, and tells of each that one has.
func bindFirst(addresses []string, log *slog.Logger) (ln net.Listener, err error) {
	for _, address := range addresses {
		ln, err = net.Listen("tcp", address)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return ln, err
		}
		log.Warn("another program has the port", "category", "control", "address", address)
	}
	return nil, err
}

// readToken reads a job's token.
func readToken(path string) (string, error) {
	token, err := secret.Token(path)
	if errors.Is(err, secret.ErrEmpty) {
		return "", usage("%w", err)
	}
	return token, err
}

// readWatch reads what is watched beside the nodes; nothing where there is no such file.
func readWatch(path string) (w workload.Watch, err error) {
	if path == "" {
		return w, nil
	}
	if err := readStrictly(path, " does not say what to watch", &w); err != nil {
		return w, err
	}
	if w.Schema != workload.Schema || w.IntervalS < watch.MinInterval.Seconds() {
		return w, fmt.Errorf("%s: schema %d with an interval of %g s; known here is %d, with %v or more", path, w.Schema, w.IntervalS, workload.Schema, watch.MinInterval)
	}
	if w.Push != nil && !(w.Push.IntervalS >= watch.MinInterval.Seconds()) {
		return w, fmt.Errorf("%s: push.interval_s %g: want %g or more", path, w.Push.IntervalS, watch.MinInterval.Seconds())
	}
	return w, nil
}

// readStrictly reads a JSON file that gen has written. A field that is not known here is an error: it would go unheeded. wrong says
// what the file is not, behind its name.
func readStrictly(path, wrong string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s%s: %w", path, wrong, err)
	}
	return nil
}

// logger writes JSON lines in the fields of a job's logs (DESIGN §10).
func logger(w io.Writer, node, component string) *slog.Logger {
	names := map[string]string{slog.MessageKey: "message"}
	handler := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if name, ok := names[a.Key]; ok && len(groups) == 0 {
			a.Key = name
		}
		if a.Key == slog.TimeKey && len(groups) == 0 {
			a.Value = slog.StringValue(a.Value.Time().UTC().Format(time.RFC3339Nano))
		}
		return a
	}})
	return slog.New(handler).With("node", node, "component", component)
}
