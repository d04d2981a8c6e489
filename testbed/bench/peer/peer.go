// Package peer is other load generators: how each is installed, how it is told a load, and what it says that it measured.
package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"hpcbench/testbed/bench/proc"
	"hpcbench/testbed/bench/truth"
)

// Load is what a client is to send: a closed loop of Concurrency, or an open one of Rate. It ends by Seconds or by Requests;
// who knows only one of the two gets that one.
type Load struct {
	URL         string
	Stream      bool
	Tokens      int // of an answer
	Concurrency int
	Rate        float64 // requests a second; 0: a closed loop
	Law         string  // of an open loop: constant or poisson
	Seconds     int
	Requests    int
	Dir         string // an empty folder for its files
}

// Result is what a client says that it measured.
type Result struct {
	Requests []truth.Measured
	Rate     float64   // requests a second; 0: it does not say
	Lateness []float64 // sent − due of each request, in seconds; nil: it does not say
	From, To int64     // the window of Rate, wall clock in ns; 0: from the first request to the last answer
}

// Peer is a load generator.
type Peer struct {
	Name    string
	Version string // once installed
	Missing string // why it is not there; empty: it is
	Python  bool   // it takes seconds to start, and its figures come from requests, not seconds
	Note    string // what is to be known of its numbers

	home    string // of its environment in the cache
	install func(ctx context.Context, c Cache) (version string, err error)
	command func(c Cache, l Load) (args []string) // nil: it can't send such a load
	result  func(l Load) (Result, error)          // nil: it keeps nothing of each request
}

// Cache is the folder that peers are installed in, outside of the tree.
type Cache string

// path is a place in the cache.
func (c Cache) path(parts ...string) string {
	return filepath.Join(append([]string{string(c)}, parts...)...)
}

// All are the peers, in the order of the tables.
func All() []*Peer {
	return []*Peer{wrk(), oha(), bombardier(), vegeta(), vllm(), aiperf(), guidellm()}
}

// Install installs all peers that are not there yet. One that does not install says why in Missing.
func Install(ctx context.Context, c Cache, peers []*Peer, say func(format string, args ...any)) error {
	if err := os.MkdirAll(c.path("bin"), 0o755); err != nil {
		return err
	}
	for _, p := range peers {
		version, err := p.install(ctx, c)
		if err != nil {
			p.Missing = Short(err)
			say("%s: skipped: %s", p.Name, p.Missing)
			continue
		}
		p.Version = version
		say("%s %s", p.Name, version)
	}
	return nil
}

// Short is a cause short enough for a table.
func Short(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if r := []rune(line); len(r) > 160 {
		line = string(r[:160]) + "…"
	}
	return line
}

// Can tells whether it is there and knows such a load.
func (p *Peer) Can(c Cache, l Load) bool { return p.Missing == "" && p.command(c, l) != nil }

// Keeps tells whether it says what it measured of each request.
func (p *Peer) Keeps() bool { return p.result != nil }

// Command is the command line for a load, and writes the files that it reads.
func (p *Peer) Command(c Cache, l Load) (proc.Command, error) {
	if err := writePrompts(l); err != nil {
		return proc.Command{}, err
	}
	return proc.Command{
		Args: p.command(c, l), Dir: l.Dir, Log: filepath.Join(l.Dir, "log"),
		Env: []string{"HF_HOME=" + c.path("hf"), "HF_HUB_OFFLINE=1", "TRANSFORMERS_OFFLINE=1", "VLLM_NO_USAGE_STATS=1", "DO_NOT_TRACK=1",
			"VLLM_LOGGING_LEVEL=ERROR", "TERM=dumb"},
	}, nil
}

// Result reads what it measured.
func (p *Peer) Result(l Load) (Result, error) {
	r, err := p.result(l)
	if err != nil {
		return r, fmt.Errorf("reading what %s measured: %w", p.Name, err)
	}
	return r, nil
}

// Prompt is what peers ask: 42 words, as many as agent load is told to make up.
var Prompt = strings.TrimSpace(strings.Repeat("the quick brown fox jumps over a lazy dog while seven small owls watch ", 3))

// Body is a whole request body with it.
func Body(l Load) string {
	return fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":"%s"}],"max_tokens":%d,"ignore_eos":true,"stream":%t}`, Prompt, l.Tokens, l.Stream)
}

// writePrompts writes the files of a load: prompts for those that read datasets, a body for those that send one.
func writePrompts(l Load) error {
	line := fmt.Sprintf(`{"prompt":"%s","text":"%[1]s","output_tokens":%d,"output_tokens_count":%[2]d}`+"\n", Prompt, l.Tokens)
	for name, text := range map[string]string{
		"prompts.jsonl": strings.Repeat(line, max(1, l.Requests)),
		"body.json":     Body(l),
		"targets":       "POST " + l.URL + "/v1/chat/completions\nContent-Type: application/json\n@" + filepath.Join(l.Dir, "body.json") + "\n",
		"post.lua":      "wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [[" + Body(l) + "]]\n",
	} {
		if err := os.WriteFile(filepath.Join(l.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Home is the folder of a peer's Python environment.
func (p *Peer) Home(c Cache) string { return c.path(p.home) }
