package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	mock "hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// mooncake is a trace of three requests over 20 ms, whose means are 10 and 4 tokens.
const mooncake = `{"timestamp": 0, "input_length": 9, "output_length": 3}
{"timestamp": 10, "input_length": 10, "output_length": 4}
{"timestamp": 20, "input_length": 11, "output_length": 5}
`

func TestLawsFromTheCommandLine(t *testing.T) {
	path := put(t, t.TempDir(), "trace", mooncake)
	for args, want := range map[string]workload.Workload{
		"":                             {Concurrency: 1, DurationS: 10},
		"--think-time 1s --ramp-up 5s": {Concurrency: 1, DurationS: 10, ThinkTimeS: 1, RampUpS: 5},
		"--think-time exponential:2s":  {Concurrency: 1, DurationS: 10, ThinkTimeS: 2, ThinkLaw: "exponential"},
		"--think-time fixed:2s":        {Concurrency: 1, DurationS: 10, ThinkTimeS: 2},
		"--warmup 9s --warmup-requests 3 --requests 50 --min-duration 5s": {Concurrency: 1, WarmupS: 9, WarmupRequests: 3, Requests: 50, MinDurationS: 5},
		"--conn-requests 1 --kernel-stamps":                               {Concurrency: 1, DurationS: 10, ConnRequests: 1, KernelStamps: true},
		"--rate 5 --sine period=1m,swing=0.5":                             {Rate: 5, Arrival: "sine", Sine: &workload.Sine{PeriodS: 60, Swing: 0.5}, DurationS: 10},
		"--cooldown 3s --requests 4":                                      {Concurrency: 1, Requests: 4, CooldownS: 3},
		"--rate 5":                                                        {Rate: 5, Arrival: "constant", DurationS: 10},
		"--rate 5 --concurrency 2":                                        {Rate: 5, Arrival: "constant", DurationS: 10, Concurrency: 2},
		"--rate 5 --burstiness 0.5":                                       {Rate: 5, Arrival: "gamma", Burstiness: 0.5, DurationS: 10},
		"--rate 5 --burst size=8":                                         {Rate: 5, Arrival: "burst", Burst: &workload.Burst{Size: 8}, DurationS: 10},
		"--rate 5 --burst on=5s,off=10s":                                  {Rate: 5, Arrival: "burst", Burst: &workload.Burst{OnS: 5, OffS: 10}, DurationS: 10},
		"--ramp from=1,to=50":                                             {Rate: 25.5, Arrival: "ramp", Ramp: &workload.Ramp{From: 1, To: 50}, DurationS: 10},
		"--ramp to=5,from=1 --requests 9 --arrival ramp":                  {Rate: 3, Arrival: "ramp", Ramp: &workload.Ramp{From: 1, To: 5}, DurationS: 10, Requests: 9},
		"--steps 5x30s,10x1m":                                             {Rate: 750.0 / 90, Arrival: "step", Steps: []workload.Step{{Rate: 5, DurationS: 30}, {Rate: 10, DurationS: 60}}, DurationS: 90},
		"--steps 5x30s --duration 20s":                                    {Rate: 5, Arrival: "step", Steps: []workload.Step{{Rate: 5, DurationS: 30}}, DurationS: 20},
		"--trace " + path:                                                 {Arrival: "replay", Trace: path},
		"--rate 2 --duration 3s --trace " + path:                          {Rate: 2, Arrival: "replay", Trace: path, DurationS: 3},
		"--rate 5 --cancel-share 0.2 --routing random":                    {Rate: 5, Arrival: "constant", DurationS: 10, CancelShare: 0.2, Routing: "random"},
	} {
		f := newFlags("load")
		o := declareLoad(f)
		if _, err := f.parse(strings.Fields("--url http://u --model m --seed 1 " + args)); err != nil {
			t.Errorf("%q: %v", args, err)
			continue
		}
		got, err := o.workload(f)
		if err != nil {
			t.Errorf("%q: %v", args, err)
		}
		want.Dialect, want.Model, want.Stream, want.Seed, want.PromptSeed = got.Dialect, got.Model, true, 1, got.PromptSeed
		want.DrainS, want.TimeoutS, want.IgnoreEOS, want.SLO, want.InputTokens, want.MaxTokens = 120, 120, true, got.SLO, 128, 128
		if want.Routing == "" {
			want.Routing = "round-robin"
		}
		if want.Trace != "" {
			want.InputTokens, want.MaxTokens = 10, 4
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", args, got, want)
		}
	}
}

func TestLawFlagsThatMakeNoSense(t *testing.T) {
	for args, want := range map[string]string{
		"--arrival gamma --rate 5":          "--arrival gamma needs --burstiness",
		"--arrival ramp":                    "--arrival ramp needs --ramp",
		"--arrival poison --rate 5":         `unknown law "poison" (did you mean "poisson"?)`,
		"--burstiness 0.5":                  "--burstiness needs --rate",
		"--burst size=2":                    "--burst needs --rate",
		"--rate 5 --burst size=0":           `size: "0" is no whole number of 1 or more`,
		"--rate 5 --burst on=5":             "on: a time needs its unit: 5s",
		"--rate 5 --burst often=5":          `"often=5": want off=…, on=…, size=…`,
		"--ramp from=1":                     "want both, such as from=1,to=50",
		"--ramp from=1,to=x":                `to: "x" is no number of 0 or more`,
		"--ramp from=1,to=5 --rate 3":       "--rate and --ramp exclude each other",
		"--ramp from=1,to=5 --steps 5x1s":   "--ramp and --steps exclude each other",
		"--ramp from=1,to=5 --arrival step": "--ramp is of the law ramp, and --arrival says step",
		"--sine period=1m,swing=0.5":        "--sine needs --rate",
		"--rate 5 --sine period=1m":         "want both, such as period=60s,swing=0.5",
		"--rate 5 --sine period=1m,swing=2": "the swing above 0 and up to 1",
		"--rate 5 --arrival sine":           "--arrival sine needs --sine",
		"--think-time exponental:2s":        `unknown law "exponental" (did you mean "exponential"?)`,
		"--think-time 2":                    "a time needs its unit: 2s",
		"--steps 5":                         `"5": want a rate and how long, such as 5x30s`,
		"--steps 5x30":                      "a time needs its unit: 30s",
		"--trace /no/such/trace":            "stat /no/such/trace: no such file",
		"--trace x --input-tokens 5":        "--trace has the lengths of prompts and answers",
		"--rate 5 --ramp-up 1s":             "--ramp-up is of a closed loop",
		"--cancel-share 2":                  "--cancel-share 2: want 0 to 1",
		"--cancel-share 0.5 --no-stream":    "--cancel-share and --no-stream exclude each other",
		"--routing static":                  `--routing: unknown "static"`,
		"--workload x --steps 5x3s":         "--steps and --workload exclude each other",
	} {
		status, _, stderr := agent(t, append([]string{"load", "--url", "http://u", "--model", "m"}, strings.Fields(args)...)...)
		if strings.HasPrefix(args, "--workload") {
			status, _, stderr = agent(t, append([]string{"load", "--url", "http://u"}, strings.Fields(args)...)...)
		}
		if status == done || !strings.Contains(stderr, want) {
			t.Errorf("%s: status %d, %q; want %q", args, status, stderr, want)
		}
	}
}

func TestATrialsTraceLiesBelowItsBundle(t *testing.T) {
	bundle := t.TempDir()
	for _, dir := range []string{"trials", "data"} {
		if err := os.Mkdir(filepath.Join(bundle, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(bundle, "data"), "t.jsonl", mooncake)
	file := put(t, filepath.Join(bundle, "trials"), "0001.json", `{"schema":1,"trial":"0001","name":"r1","workload":{"dialect":"openai-chat","model":"tiny",
		"stream":true,"arrival":"replay","trace":"data/t.jsonl","drain_s":5,"timeout_s":5,"input_tokens":8,"max_tokens":4}}`)
	t.Chdir(t.TempDir())
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--workload", file, "--json")
	var s summary.Summary
	if err := json.Unmarshal([]byte(stdout), &s); status != done || err != nil || s.Requests.OK != 3 || s.Load.Arrival != "replay" {
		t.Errorf("status %d, %v: %s%s", status, err, stdout, stderr)
	}
}

func TestGivenUpRequestsAreToldApart(t *testing.T) {
	status, stdout, stderr := agent(t, "load", "--url", server(t, mock.Config{}), "--model", "tiny", "--requests", "200", "--concurrency", "8",
		"--cancel-share", "0.5", "--seed", "3", "--max-tokens", "4")
	lines := slices.Collect(strings.Lines(stdout))
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "requests") })
	if status != done || at < 0 || !strings.Contains(lines[at], " ok, 0 failed, ") || !strings.HasSuffix(lines[at], " given up as asked\n") || strings.Contains(stdout, "requests failed") {
		t.Errorf("status %d: %s%s", status, stdout, stderr)
	}
}
