package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
)

// chat is the path that all peers are told where they want a whole URL.
const chat = "/v1/chat/completions"

func wrk() *Peer {
	return &Peer{
		Name: "wrk", Note: "one prepared request, answers counted and not read, no records",
		install: debian("wrk", "-v"),
		command: func(_ Cache, l Load) []string {
			if l.Rate > 0 {
				return nil
			}
			return []string{"wrk", "-t1", fmt.Sprint("-c", l.Concurrency), fmt.Sprintf("-d%ds", l.Seconds), "-s", l.Dir + "/post.lua", l.URL + chat}
		},
	}
}

func oha() *Peer {
	return &Peer{
		Name: "oha", install: debian("oha", "--version"),
		command: func(_ Cache, l Load) []string {
			if l.Law == "poisson" {
				return nil
			}
			args := []string{"oha", "--no-tui", "-m", "POST", "-T", "application/json", "-d", Body(l), "-z", fmt.Sprint(l.Seconds, "s"), "-c", fmt.Sprint(l.Concurrency)}
			if l.Rate > 0 {
				args = append(args, "-q", fmt.Sprint(l.Rate))
			}
			return append(args, l.URL+chat)
		},
	}
}

// Hyperfine installs hyperfine, which times whole commands, and returns its version.
func Hyperfine(ctx context.Context) (string, error) { return debian("hyperfine", "--version")(ctx, "") }

// debian installs a Debian package that is a program of the same name. Debian tells no reason why it has none.
func debian(name, version string) func(context.Context, Cache) (string, error) {
	return func(ctx context.Context, _ Cache) (string, error) {
		if _, err := exec.LookPath(name); err != nil {
			if os.Geteuid() != 0 {
				return "", fmt.Errorf("not installed: apt-get install %s, as root", name)
			}
			cmd := exec.CommandContext(ctx, "apt-get", "install", "-y", "-qq", name)
			if out, err := cmd.CombinedOutput(); err != nil {
				return "", fmt.Errorf("apt-get install %s: %s", name, last(out))
			}
		}
		out, _ := exec.CommandContext(ctx, name, version).CombinedOutput() // wrk -v ends with status 1
		words := strings.Fields(string(out))
		if len(words) < 2 {
			return "", fmt.Errorf("%s %s says %q", name, version, out)
		}
		return words[1], nil
	}
}

// last is the last line of a program's output.
func last(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

func vegeta() *Peer {
	return &Peer{
		Name: "vegeta", Note: "results written, no report made of them",
		install: golang("github.com/tsenart/vegeta/v12", "v12.13.0", "vegeta"),
		command: func(c Cache, l Load) []string {
			if l.Law == "poisson" {
				return nil
			}
			args := []string{c.path("bin/vegeta"), "attack", "-targets=targets", "-output=results.bin", fmt.Sprintf("-duration=%ds", l.Seconds)}
			if l.Rate > 0 {
				return append(args, fmt.Sprintf("-rate=%g/1s", l.Rate))
			}
			return append(args, "-rate=0", fmt.Sprint("-workers=", l.Concurrency), fmt.Sprint("-max-workers=", l.Concurrency), fmt.Sprint("-connections=", l.Concurrency))
		},
	}
}

func bombardier() *Peer {
	return &Peer{
		Name: "bombardier", Note: "fasthttp, no records",
		install: golang("github.com/codesenberg/bombardier", "v1.2.6", "bombardier"),
		command: func(c Cache, l Load) []string {
			if l.Law == "poisson" {
				return nil
			}
			args := []string{c.path("bin/bombardier"), "--fasthttp", "-c", fmt.Sprint(l.Concurrency), "-d", fmt.Sprint(l.Seconds, "s"), "-m", "POST",
				"-H", "Content-Type: application/json", "-f", "body.json", "-p", "r"}
			if l.Rate > 0 {
				args = append(args, "-r", fmt.Sprint(int(l.Rate)))
			}
			return append(args, l.URL+chat)
		},
	}
}

// golang installs a Go program into the cache, unless it is there in this version.
func golang(module, version, name string) func(context.Context, Cache) (string, error) {
	return func(ctx context.Context, c Cache) (string, error) {
		if got, err := built(ctx, c.path("bin", name)); err == nil && got == version {
			return got, nil
		}
		cmd := exec.CommandContext(ctx, "go", "install", module+"@"+version)
		cmd.Dir = string(c) // outside of our module
		cmd.Env = append(os.Environ(), "GOBIN="+c.path("bin"), "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go install %s: %s", module, last(out))
		}
		return version, nil
	}
}

// built is the version of the module that a program was built of.
func built(ctx context.Context, file string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "version", "-m", file).Output()
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(out), "\n")
	info, err := debug.ParseBuildInfo(rest)
	if err != nil {
		return "", err
	}
	if info.Main.Version == "" {
		return "", errors.New(file + " has no version")
	}
	return info.Main.Version, nil
}
