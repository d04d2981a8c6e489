package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hpcbench/agent/workload"
)

// keys are lines of a workload, each of which says something that another may contradict.
var keys = []string{
	"dialect: openai-chat", "dialect: openai-completions", "dialect: ollama-generate", "dialect: ollama-chat",
	"dialect: triton-generate", "dialect: sglang-generate", "dialect: tgi-generate", "dialect: llamacpp-completion",
	"stream: false", "target_rps: 50",
	"target_rps: 50, burstiness: 0.5", "target_rps: 50, burst: {on: 50ms, off: 50ms, size: 3}",
	"ramp: {from: 0, to: 50}", "steps: [{rate: 0, duration: 50ms}, {rate: 50, duration: 50ms}]",
	"steps: [{rate: 50, duration: 0s}, {rate: 50, duration: 1s}]", "trace: data/trace.jsonl", "dataset: data/set.jsonl",
	"prefix: {share: 0.5, tokens: 4}", "turns: 2", "batch: 4", "cancel_share: 0.5", "ramp_up: 50ms",
	"target_rps: 50, sine: {period: 100ms, swing: 1}", "think_time: {exponential: 20ms}", "token_ids: {first: 100, last: 9999}", "tokenizer: data/tokenizer.json",
	"requests_per_connection: 1", "kernel_stamps: true", "search: {low: 20, high: 40, probes: 2}, slo: {ttft: 1s}",
	"requests: 3", "ignore_eos: false", "prompt_len: {uniform: [1, 8]}",
	"prompt_len: {lognormal: [8, 4]}", "gen_tokens: {normal: [4, 2]}", "extra_body: {stream: false}", "extra_body: {prompt: x}",
	"extra_body: {messages: []}", "extra_body: {inputs: x, top_p: 0.5}", "extra_body: {text: x}", "extra_body: {text_input: x}",
	"headers: {X-Of: me}", "headers: {content-length: 3}", "headers: {Authorization: Basic x}", "api_key_file: KEY",
}

// What gen accepts of a load, the agent does: no allocation is spent to find out that it does not. Each key is tried beside
// each other; a load that the agent can't do ends with a reason before anything is sent, and that reason is the failure here.
func TestTheAgentDoesWhatGenAccepts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("hundreds of loads take a minute")
	}
	dir := t.TempDir()
	for _, below := range []string{"data", "trials"} {
		if err := os.Mkdir(filepath.Join(dir, below), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	tokenizer, err := os.ReadFile("../../agent/internal/token/testdata/tiny.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"data/tokenizer.json": string(tokenizer), "data/set.jsonl": `{"prompt": "one two three"}` + "\n" + `{"prompt": "four five"}` + "\n", "key": "hunter2\n",
		"data/trace.jsonl": `{"timestamp": 0, "input_length": 4, "output_length": 2}` + "\n" + `{"timestamp": 20, "input_length": 8, "output_length": 3}` + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	url := serve(t, dir)
	var wg sync.WaitGroup
	room := make(chan struct{}, 4*runtime.NumCPU()) // most of the time they wait
	var mu sync.Mutex
	accepted, refused := 0, 0
	for i, a := range keys {
		for j, b := range keys[i:] {
			wg.Go(func() {
				room <- struct{}{}
				defer func() { <-room }()
				trial := accept(t, dir, fmt.Sprintf("%d-%d", i, i+j), a, b)
				mu.Lock()
				defer mu.Unlock()
				if trial == "" {
					refused++
					return
				}
				accepted++
				if why := perform(url, trial); why != "" {
					t.Errorf("gen accepts %q beside %q, and the agent says: %s", a, b, why)
				}
			})
		}
	}
	wg.Wait()
	if accepted < 300 || refused < 100 {
		t.Errorf("%d accepted, %d refused: the keys do not try much", accepted, refused)
	}
}

// serve starts a dummy and returns its URL.
func serve(t *testing.T, dir string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s := exec.Command(filepath.Join(bin, "agent"), "dummy", "--listen", address, "--ttft", "1ms", "--itl", "1ms")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Process.Kill(); s.Wait() }) //nolint:errcheck // it is to be gone
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get("http://" + address + "/health"); err == nil {
			answer.Body.Close()
			return "http://" + address
		}
	}
	t.Fatal("the dummy is not ready")
	return ""
}

// accept plans a load with two keys and writes its first trial as a bundle has it; "" where gen refuses it.
func accept(t *testing.T, dir, name, a, b string) string {
	lines := []string{"service: dummy", "duration: 100ms", "warmup: 50ms", "timeout: 2s", a}
	if a != b {
		lines = append(lines, b)
	}
	for _, key := range []string{"prompt_len", "gen_tokens"} { // short, unless the pair says it or has a dataset
		if !strings.Contains(a+b, key) && !strings.Contains(a+b, "dataset") {
			lines = append(lines, key+": 8")
		}
	}
	load := strings.ReplaceAll(strings.Join(lines, ", "), "KEY", filepath.Join(dir, "key"))
	file := filepath.Join(dir, name+".yaml")
	if err := os.WriteFile(file, []byte("scenario: s"+name+"\norchestration: {mode: local}\nworkload: {"+load+"}\n"), 0o600); err != nil {
		t.Error(err)
		return ""
	}
	out, err := exec.Command(filepath.Join(bin, "gen"), "plan", "--json", file).Output()
	if err != nil {
		if e := (*exec.ExitError)(nil); !errors.As(err, &e) || !bytes.Contains(e.Stderr, []byte(" error: ")) {
			t.Errorf("gen on %s: %v", load, err)
		}
		return ""
	}
	var plan struct{ Trials []workload.Trial }
	var text []byte
	if err = json.Unmarshal(out, &plan); err == nil {
		text, err = json.Marshal(plan.Trials[0])
	}
	trial := filepath.Join(dir, "trials", name+".json")
	if err == nil {
		err = os.WriteFile(trial, text, 0o600)
	}
	if err != nil {
		t.Errorf("gen on %s: %v", load, err)
		return ""
	}
	return trial
}

// perform runs a trial and returns why the agent would not.
func perform(url, trial string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(bin, "agent"), "load", "--url", url, "--workload", trial)
	var told, why bytes.Buffer
	c.Stdout, c.Stderr = &told, &why
	if err := c.Run(); err != nil && told.Len() == 0 { // what was sent is told of, however it went
		return fmt.Sprintf("%v: %s", err, &why)
	}
	return ""
}
