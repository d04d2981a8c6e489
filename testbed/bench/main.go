// Bench makes the tables of docs/performance.md and docs/accuracy.md: it installs other load generators, runs them and the
// agent against the same servers, in turns, and writes down what came out.
//
//	go run ./testbed/bench speed      as make bench does
//	go run ./testbed/bench watching   likewise: what it costs to watch a run
//	go run ./testbed/bench accuracy   as make accuracy does
//	go run ./testbed/bench speed -only 'requests|startup' -write=false
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"hpcbench/testbed/bench/bare"
	"hpcbench/testbed/bench/peer"
	"hpcbench/testbed/bench/server"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("what? speed, watching, accuracy or install")
	}
	switch args[0] {
	case "speed", "watching", "accuracy", "install":
		return table(ctx, args[0], args[1:])
	case "serve": // a process of its own, started by the others
		return serve(ctx, args[1:])
	case "bare":
		return runBare(args[1:])
	case "spin":
		for ctx.Err() == nil { // a busy neighbour
		}
		return nil
	}
	return fmt.Errorf("unknown %q: speed, watching, accuracy or install", args[0])
}

// table installs the peers and makes the table of that name.
func table(ctx context.Context, name string, args []string) error {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	agent := f.String("agent", "bin/agent", "the agent to measure")
	cache := f.String("cache", first(os.Getenv("HPCBENCH_PEERS"), "/var/tmp/hpcbench-peers"), "where peers are installed (HPCBENCH_PEERS)")
	only := f.String("only", "", "only the parts whose names this expression fits")
	skip := f.String("skip", "", "leave out the peers whose names this expression fits")
	seconds := f.Float64("seconds", watchingSeconds, "how long each load of watching is measured")
	write := f.Bool("write", true, "write the table into docs/; of some parts it is only printed")
	if err := f.Parse(args); err != nil {
		return err
	}
	b := &bench{seconds: *seconds, ctx: ctx, cache: peer.Cache(*cache), peers: peer.All(), starts: map[string][]float64{}}
	var err error
	if b.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if b.agent, err = filepath.Abs(*agent); err != nil {
		return err
	}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if *skip != "" {
		if err := b.skip(*skip); err != nil {
			return err
		}
	}
	if name == "watching" {
		b.peers = nil // nobody else has this to watch
	} else if err := b.install(); err != nil {
		return err
	}
	if name == "install" {
		return nil
	}
	if b.dir, err = os.MkdirTemp("", "hpcbench-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	return b.make(name, *write && *only == "" && *skip == "" && *seconds == watchingSeconds)
}

// install installs the peers.
func (b *bench) install() error {
	if err := peer.Install(b.ctx, b.cache, b.peers, b.say); err != nil {
		return err
	}
	if version, err := peer.Hyperfine(b.ctx); err != nil {
		b.say("hyperfine: %v", err) // its row will say that it is missing
	} else {
		b.say("hyperfine %s", version)
	}
	return nil
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// serve is the second server as a process.
func serve(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	var cfg server.Config
	listen := f.String("listen", "127.0.0.1:8000", "IPv4:PORT")
	truth := f.String("truth", "", "file for a line a request")
	f.DurationVar(&cfg.TTFT, "ttft", 0, "from a request's arrival to its first token")
	f.DurationVar(&cfg.ITL, "itl", 0, "from token to token")
	f.IntVar(&cfg.Together, "tokens-per-write", 1, "tokens that share one write")
	if err := f.Parse(args); err != nil {
		return err
	}
	if cfg.Listen, err = netip.ParseAddrPort(*listen); err != nil {
		return err
	}
	if *truth != "" {
		file, err := os.Create(*truth)
		if err != nil {
			return err
		}
		defer file.Close()
		cfg.Truth = file
	}
	return server.Serve(ctx, cfg, func() { fmt.Fprintf(os.Stderr, "serving on http://%s\n", *listen) })
}

// runBare is the bare loop as a process: its request comes from stdin.
func runBare(args []string) error {
	f := flag.NewFlagSet("bare", flag.ContinueOnError)
	at := f.String("server", "127.0.0.1:8000", "IPv4:PORT")
	connections := f.Int("connections", 64, "at once")
	length := f.Duration("duration", time.Second, "of the load")
	file := f.String("request", "", "file with the body of each request")
	if err := f.Parse(args); err != nil {
		return err
	}
	to, err := netip.ParseAddrPort(*at)
	if err != nil {
		return err
	}
	body, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	head := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", *at, len(body))
	r, err := bare.Run(bare.Config{Server: to, Connections: *connections, Duration: *length, Request: append([]byte(head), body...)})
	if err != nil {
		return err
	}
	return json.NewEncoder(io.Writer(os.Stdout)).Encode(r)
}

// skip says of peers that they were not wanted.
func (b *bench) skip(pattern string) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("-skip: %w", err)
	}
	var kept []*peer.Peer
	for _, p := range b.peers {
		if !re.MatchString(p.Name) {
			kept = append(kept, p)
		}
	}
	b.peers = kept
	return nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s\n", time.Now().Format("15:04:05"), strings.TrimSpace(fmt.Sprintf(format, args...)))
}
