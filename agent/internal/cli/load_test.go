package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hpcbench/agent/internal/arrival"
	mock "hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// server is a dummy server; its base URL.
func server(t *testing.T, cfg mock.Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = mock.Serve(ctx, ln, cfg) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return "http://" + ln.Addr().String()
}

func TestLoadPrintsAndWritesASummary(t *testing.T) {
	url, out := server(t, mock.Config{}), filepath.Join(t.TempDir(), "run1")
	status, stdout, stderr := agent(t, "load", "--url", url+"/", "--model", "tiny", "--concurrency", "3", "--requests", "30",
		"--max-tokens", "4", "--slo", "ttft=10s,e2el=1m", "--seed", "7", "--out", out)
	if status != done {
		t.Fatalf("status %d: %s", status, stderr)
	}
	for _, want := range []string{
		"openai-chat · tiny · " + url, "3 in flight · 30 requests · seed 7", "30 due in the window, 30 ok, 0 failed",
		"120 of output (counted by usage)", "e2el ≤ 60000 ms, ttft ≤ 10000 ms", "TTFT: first token − sent", "‡ too few requests",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	var s summary.Summary
	if err := json.Unmarshal([]byte(content(t, filepath.Join(out, "summary.json"))), &s); err != nil || s.Requests.OK != 30 {
		t.Errorf("summary.json: %d ok, %v", s.Requests.OK, err)
	}
	if lines := strings.Count(content(t, filepath.Join(out, "records.jsonl")), "\n"); lines != 31 {
		t.Errorf("records.jsonl has %d lines, want a header and 30 records", lines)
	}
}

func TestLoadAsJSON(t *testing.T) {
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--model", "tiny", "--rate", "500", "--arrival", "poisson",
		"--requests", "20", "--no-stream", "--dialect", "ollama-chat", "--json")
	var s summary.Summary
	if err := json.Unmarshal([]byte(stdout), &s); status != done || err != nil || s.Requests.OK != 20 || s.Load.Rate != 500 || s.Load.Concurrency != 0 {
		t.Errorf("status %d, %v, %s\n%s", status, err, stderr, stdout)
	}
}

func TestLoadOfATrialsFile(t *testing.T) {
	file := put(t, t.TempDir(), "0001.json", `{"schema":1,"trial":"0001","name":"c2-r1","workload":{"dialect":"ollama-generate","model":"tiny",
		"stream":true,"concurrency":2,"requests":10,"duration_s":60,"drain_s":5,"timeout_s":5,"input_tokens":8,"max_tokens":4}}`)
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--workload", file)
	if status != done || !strings.Contains(stdout, "ollama-generate · tiny") || !strings.Contains(stdout, "10 ok, 0 failed") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
}

func TestLoadWithoutAnOkRequestFailsAndLeavesItsRecords(t *testing.T) {
	out := t.TempDir()
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{Model: "tiny"}), "--model", "big", "--requests", "3", "--out", out)
	if status != bad || !strings.Contains(stdout, "3 http_status") || !strings.Contains(stderr, "load: no request was ok: 3 http_status (") || !strings.Contains(stderr, "big") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	if lines := strings.Count(content(t, filepath.Join(out, "records.jsonl")), "\n"); lines != 4 {
		t.Errorf("records.jsonl has %d lines, want a header and 3 records", lines)
	}
}

func TestInterruptedLoadTellsWhatItHas(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		for _, args := range []string{"--concurrency 2", "--rate 100", "--find-rate --slo ttft=1s"} {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(signalled{s})
			var stdout, stderr bytes.Buffer
			status := run(ctx, strings.Fields("load --url "+server(t, mock.Config{})+" --model tiny "+args), &call{stdout: &stdout, stderr: &stderr})
			if status != bad || !strings.Contains(stderr.String(), "load: stopped: "+s.String()) || !strings.Contains(stdout.String(), "0 due in the window") {
				t.Errorf("%v, %s: status %d\n%s%s", s, args, status, stdout.String(), stderr.String())
			}
		}
	}
}

func TestLoadFlagsThatMakeNoSense(t *testing.T) {
	for args, want := range map[string]string{
		"--url ftp://u --model m":                                                 "want http://host:port",
		"--url u:8000 --model m":                                                  "want http://host:port",
		"--url http://u:99999 --model m":                                          "want 1 to 65535",
		"--url http://u --model m --rate NaN":                                     "--rate NaN",
		"--url http://u --model m --rate Inf":                                     "--rate +Inf",
		"--url http://u --model m --rate 1e10":                                    "--rate 1e+10",
		"--url http://u --model m --header x":                                     "want NAME: VALUE",
		"--url http://u --model m operand":                                        `unexpected "operand"`,
		"--model m":                                                               "--url is missing",
		"--url http://u":                                                          "--model is missing",
		"--url http://u --model m --dialect latin":                                `--dialect: unknown "latin" (known: llamacpp-completion`,
		"--url http://u --model m --arrival poisson":                              "--arrival is the law of an open loop: it needs --rate",
		"--url http://u --model m --rate 5 --arrival poison":                      `(did you mean "poisson"?)`,
		"--url http://u --model m --rate 0":                                       "--rate 0",
		"--url http://u --model m --rate -1":                                      "--rate -1",
		"--url http://u --model m --concurrency 0":                                "--concurrency 0",
		"--url http://u --model m --requests 0":                                   "--requests 0",
		"--url http://u --model m --duration 30":                                  "a time needs its unit: 30s",
		"--url http://u --model m --prompt hi --input-tokens 3":                   "exclude each other",
		"--url http://u --model m --slo speed=3s":                                 `"speed": want ttft`,
		"--url http://u --model m --slo ttft=3":                                   "a time needs its unit: 3s",
		"--url http://u --model m --find-rate":                                    "--find-rate needs what a rate has to hold, such as --slo ttft=500ms",
		"--url http://u --workload f --model m":                                   "--model and --workload exclude each other",
		"--url http://u --workload /no/such/file":                                 "/no/such/file",
		"--url http://u --model m --concurency 3":                                 `(did you mean "concurrency"?)`,
		"--url http://u --model m --concurrency x":                                `invalid value "x" for flag --concurrency`,
		"--url http://u --model m --max-tokens 9 --js":                            "unknown flag --js",
		"--url http://u --model m --max-tokens 0":                                 "want 1 or more, or a law",
		"--url http://u --model m --input-tokens zipf:3,4":                        `unknown law of lengths "zipf"`,
		"--url http://u --model m --input-tokens uniform:9":                       "want uniform:MIN,MAX",
		"--url http://u --model m --input-tokens uniform:9,3":                     "no whole number",
		"--url http://u --model m --prefix share=2,tokens=5":                      "want a share from 0 to 1",
		"--url http://u --model m --prefix part=2":                                `"part=2": want share=S`,
		"--url http://u --model m --extra-body [1]":                               "want a JSON object",
		"--url http://u --model m --extra-body null":                              "want a JSON object",
		"--url http://u --model m --dataset /no/such/file":                        "/no/such/file",
		"--url http://u --model m --dataset f --input-tokens 5":                   "--dataset gives the prompts",
		"--url http://u --model m --dataset f --prefix tokens=5":                  "--prefix is the beginning of made-up prompts",
		"--url http://u --model m --api-key-file /no/such/key":                    "API key: open /no/such/key",
		"--url http://u --model m --batch 0":                                      "--batch 0 and --turns 1",
		"--url http://u --model m --warmup-requests 3":                            "--warmup-requests needs --warmup",
		"--url http://u --model m --warmup-requests 0":                            "--warmup-requests 0: want 1 or more",
		"--url http://u --model m --rate 2 --warmup 1s --warmup-requests 3":       "--warmup-requests is of a closed loop",
		"--url http://u --model m --min-duration 3s":                              "--min-duration bounds what --requests end",
		"--url http://u --model m --requests 5 --duration 1s --min-duration 3s":   "want no more than --duration, which is 1s",
		"--url http://u --model m --conn-requests 0":                              "--conn-requests 0: want 1 or more",
		"--url http://u --model m --token-ids 5-9 --prompt hi":                    "--token-ids makes the prompts: it excludes --prompt",
		"--url http://u --model m --token-ids 5":                                  "want FIRST-LAST",
		"--url http://u --model m --token-ids 9-5":                                "want FIRST-LAST",
		"--url http://u --model m --token-ids 5-9":                                "--token-ids is of --dialect openai-completions",
		"--url http://u --model m --token-ids 5-9 --tokenizer t":                  "--tokenizer and --token-ids exclude each other",
		"--url http://u --model m --api-key-env NO_SUCH_VARIABLE":                 "--api-key-env: the variable NO_SUCH_VARIABLE is empty",
		"--url http://u --model m --api-key-env A --api-key-file f":               "--api-key-file and --api-key-env exclude each other",
		"--url http://u --model m --batch 2 --turns 2":                            "--batch and --turns exclude each other",
		"--url http://u --model m --batch 2 --rate 3":                             "--batch is of a closed loop",
		"--url http://u --model m --batch 4 --concurrency 6":                      "--concurrency 6: want a multiple of --batch, which is 4",
		"--url http://u --model m --turns 2 --prompt hi":                          "--turns and --prompt exclude each other",
		"--url http://u --model m --duration 0s":                                  "--duration 0: want more",
		"--url http://u --model m --slo ttft=0s":                                  "ttft: no request takes no time",
		"--url http://u --model m --rate 5 --burst on=1s":                         "want a size such as size=8, both of on=5s,off=10s",
		"--url http://u --model m --ramp from=0,to=0":                             "its highest rate is 0: want more than 0",
		"--url http://u --model m --steps 0x3s":                                   "its highest rate is 0: want more than 0",
		"--url http://u --model m --steps 3x0s":                                   "a step of no length",
		"--url http://u --model m --steps 1x3s,1e10x3s":                           "its highest rate is 1e+10",
		"--url http://u --model m --seed x":                                       "invalid value \"x\" for flag --seed: want a whole number",
		"--url http://u --model m --seed 9999999999999999999":                     "--seed: want a whole number",
		"--url http://u --model m --json=maybe":                                   "for --json: want true or false",
		"--url http://127.0.0.1:1 --model m --concurrency 100000000 --requests 1": "too many open files: 1000000",
		"--url http://u --workload f --sine period=1s,swing=1":                    "--sine and --workload exclude each other",
		"--url http://u --workload f --batch 2":                                   "--batch and --workload exclude each other",
		"--url http://u --model m --header X-Request-Id:1":                        "set by the agent itself",
	} {
		status, stdout, stderr := agent(t, append([]string{"load"}, strings.Fields(args)...)...)
		if status != refused || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("agent load %s: status %d, %q, want %q", args, status, stderr, want)
		}
	}
}

func TestLoadFlagsOfWhatARequestSays(t *testing.T) {
	f := newFlags("load")
	o := declareLoad(f)
	args := `--url http://u --model m --input-tokens lognormal:512,256 --max-tokens uniform:100,200 --prefix share=0.5,tokens=256 --turns 3 --api-key-file k`
	if _, err := f.parse(append(strings.Fields(args), "--extra-body", `{"top_k": 20, "min_tokens": null}`)); err != nil {
		t.Fatal(err)
	}
	w, err := o.workload(f)
	if err != nil {
		t.Fatal(err)
	}
	got := workload.Workload{
		InputTokens: w.InputTokens, InputLaw: w.InputLaw, MaxTokens: w.MaxTokens, OutputLaw: w.OutputLaw, Prefix: w.Prefix, Turns: w.Turns,
		ExtraBody: w.ExtraBody, APIKeyFile: w.APIKeyFile, IgnoreEOS: w.IgnoreEOS,
	}
	want := workload.Workload{
		InputTokens: 512, InputLaw: &workload.Length{Law: "lognormal", A: 512, B: 256}, MaxTokens: 150,
		OutputLaw: &workload.Length{Law: "uniform", A: 100, B: 200}, Prefix: &workload.Prefix{Share: 0.5, Tokens: 256}, Turns: 3,
		ExtraBody: map[string]any{"top_k": 20.0, "min_tokens": nil}, APIKeyFile: "k", IgnoreEOS: true,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAllThatIsWrongIsToldAtOnce(t *testing.T) {
	for args, want := range map[string]string{
		"--url http://u --concurency 3 --duration 5 --modle m": `agent load: unknown flag --concurency (did you mean "concurrency"?); agent load -h lists them
agent load: invalid value "5" for flag --duration: a time needs its unit: 5s
agent load: unknown flag --modle (did you mean "model"?); agent load -h lists them
`,
		"--url ftp://u --rate x": `agent load: invalid value "ftp://u" for flag --url: endpoint "ftp://u": want http://host:port, https://host or unix:/path
agent load: invalid value "x" for flag --rate: want a number
`,
		"--url http://u --dialect openai-caht --arrival poison --rate 5 --timeout 0s": `load: --model is missing; agent load -h shows how it is used
load: --dialect: unknown "openai-caht" (did you mean "openai-chat"?) (known: ` + strings.Join(wire.Dialects(), ", ") + `)
load: --timeout 0: want more
load: --arrival: unknown law "poison" (did you mean "poisson"?) (known: ` + strings.Join(arrival.Laws(), ", ") + `)
`,
	} {
		status, stdout, stderr := agent(t, append([]string{"load"}, strings.Fields(args)...)...)
		if status != refused || stderr != want || stdout != "" {
			t.Errorf("agent load %s: status %d\n%s\nwant\n%s", args, status, stderr, want)
		}
	}
}

func TestAKeyOfTheEnvironmentIsSentAndWrittenNowhere(t *testing.T) {
	const key = "sk-very-secret-12345"
	t.Setenv("SOME_KEY", key)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no model for "+r.Header.Get("Authorization"), http.StatusForbidden) // as a careless server answers
	}))
	defer web.Close()
	out := t.TempDir()
	_, stdout, stderr := agent(t, "load", "--url", web.URL, "--model", "tiny", "--api-key-env", "SOME_KEY", "--requests", "2", "--out", out)
	if !strings.Contains(stderr, "no model for Bearer [key]") {
		t.Errorf("the key was not sent as Authorization: Bearer: %s", stderr)
	}
	for what, text := range map[string]string{
		"stdout": stdout, "stderr": stderr, "records": content(t, filepath.Join(out, "records.jsonl")),
		"summary": content(t, filepath.Join(out, "summary.json")), "part": content(t, filepath.Join(out, "part.json")),
	} {
		if strings.Contains(text, key) {
			t.Errorf("the key is in the %s: %s", what, text)
		}
	}
}

func TestLoadFlagsOfPromptsInTokens(t *testing.T) {
	for args, want := range map[string]workload.Workload{
		"--tokenizer t.json":                                  {Tokenizer: filepath.Join(workingDir(t), "t.json")},
		"--tokenizer /m/t.gguf":                               {Tokenizer: "/m/t.gguf"},
		"--dialect openai-completions --token-ids 1000-30000": {TokenIDs: &workload.IDs{First: 1000, Last: 30000}},
	} {
		f := newFlags("load")
		o := declareLoad(f)
		if _, err := f.parse(strings.Fields("--url http://u --model m " + args)); err != nil {
			t.Fatal(err)
		}
		w, err := o.workload(f)
		if got := (workload.Workload{Tokenizer: w.Tokenizer, TokenIDs: w.TokenIDs}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", args, got, err)
		}
	}
}

func workingDir(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoadOfADatasetTellsWhenItComesRound(t *testing.T) {
	file := put(t, t.TempDir(), "d.jsonl", `{"prompt":"one two","output_tokens":3}`+"\n"+`{"prompt":"three four","output_tokens":5}`+"\n")
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--model", "tiny", "--dataset", file, "--requests", "4")
	for _, want := range []string{"8 of prompts", "16 of output", "the dataset's 2 prompts came round 2 times"} {
		if status != done || !strings.Contains(stdout, want) {
			t.Errorf("status %d, %s; %q is not in\n%s", status, stderr, want, stdout)
		}
	}
}

func TestADatasetLiesBelowItsBundle(t *testing.T) {
	bundle := t.TempDir()
	for _, dir := range []string{"trials", "data"} {
		if err := os.Mkdir(filepath.Join(bundle, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(bundle, "data"), "d.jsonl", `{"prompt":"one two"}`)
	file := put(t, filepath.Join(bundle, "trials"), "0001.json", `{"schema":1,"trial":"0001","name":"c2-r1","workload":{"dialect":"ollama-generate","model":"tiny",
		"stream":true,"concurrency":1,"requests":1,"duration_s":60,"drain_s":5,"timeout_s":5,"dataset":"data/d.jsonl","max_tokens":4}}`)
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--workload", file)
	if status != done || !strings.Contains(stdout, "1 ok, 0 failed") || !strings.Contains(stdout, "2 of prompts") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.00049: "0.000", 0.0567: "0.057", 0.9994: "0.999", 0.99951: "1.00", 1.234: "1.23", 9.994: "9.99", 9.996: "10.0",
		99.94: "99.9", 99.96: "100", 361.4: "361", 123456: "123456",
	} {
		if got := digits(v); got != want {
			t.Errorf("digits(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestClientInWords(t *testing.T) {
	for want, v := range map[string]summary.Verdict{
		"ok": {Verdict: summary.ClientOK},
		"ok (2 % of its CPU, p99 of lateness 1.26 ms, of kernel lag 0.050 ms)": {
			Verdict: summary.ClientOK, CPU: new(0.02), LatenessP99S: new(1.26e-3), ReadLagP99S: new(2.46e-4), KernelLagP99S: new(5e-5),
			RunDelay: new(0.001), Broken: new(int64(0)), Resent: new(int64(0)),
		},
		"client-bound: load threads waited (23 % of the time waiting for a core, p99 of read lag 8.00 ms, 2 broken connections, 3 requests sent again)": {
			Verdict: summary.ClientBound, Why: "load threads waited", ReadLagP99S: new(8e-3), RunDelay: new(0.23), Broken: new(int64(2)), Resent: new(int64(3)),
		},
	} {
		if got := client(v); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// What docs/load.md shows is what the command line takes.
func TestLinesOfTheDocumentAreAccepted(t *testing.T) {
	text := strings.ReplaceAll(content(t, filepath.Join("..", "..", "..", "docs", "load.md")), "\\\n", " ")
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "agent load ") {
			lines = append(lines, strings.TrimPrefix(line, "agent load "))
		}
		if _, row, law := strings.Cut(line, " | `--"); law && strings.HasPrefix(line, "| ") {
			flags, _, _ := strings.Cut(row, " |")
			for given := range strings.SplitSeq("`--"+flags, ", `") {
				given = strings.Trim(given, "`")
				if !strings.Contains(given, "--rate") && !strings.Contains(given, "--ramp") && !strings.Contains(given, "--steps") && !strings.Contains(given, "--trace") {
					given = "--rate 20 " + given
				}
				lines = append(lines, "--url http://u --model m "+strings.ReplaceAll(given, "FILE", put(t, t.TempDir(), "trace", mooncake)))
			}
		}
	}
	if len(lines) < 10 {
		t.Fatalf("only %d lines are there: %q", len(lines), lines)
	}
	for _, line := range lines {
		f := newFlags("load")
		o := declareLoad(f)
		_, err := f.parse(strings.Fields(line))
		if err == nil {
			_, err = o.workload(f)
		}
		if err != nil {
			t.Errorf("agent load %s: %v", line, err)
		}
	}
}

// A group is in flight as a whole, and so what is said of the load counts all of it.
func TestABatchIsInFlightAsAWhole(t *testing.T) {
	for args, want := range map[string]int{"": 1, "--batch 4": 4, "--batch 4 --concurrency 8": 8, "--rate 3": 0} {
		f := newFlags("load")
		o := declareLoad(f)
		if _, err := f.parse(strings.Fields("--url http://u --model m " + args)); err != nil {
			t.Fatal(err)
		}
		if w, err := o.workload(f); err != nil || w.Concurrency != want {
			t.Errorf("%q: %d in flight, %v, want %d", args, w.Concurrency, err, want)
		}
	}
}
