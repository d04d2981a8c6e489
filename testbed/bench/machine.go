package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is one paragraph that says what the numbers were made on.
func machine(ctx context.Context) string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("not known")
	}
	return fmt.Sprintf("%s, commit %s; %s, %d cores, Linux %s, %s; load average before: %s.",
		time.Now().UTC().Format("2 January 2006, 15:04 UTC"), commit(ctx), model(), runtime.NumCPU(), first(line("/proc/sys/kernel/osrelease"), "?"),
		runtime.Version(), strings.Join(strings.Fields(string(load))[:1], " "))
}

// commit is that of the tree, and whether the tree differs from it.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=9").Output()
	if err != nil {
		return "not known"
	}
	return strings.TrimSpace(string(out))
}

// model is the processor's.
func model() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "a processor that is not known"
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	name, _, _ := strings.Cut(rest, "\n")
	return first(strings.Trim(name, "\t :"), runtime.GOARCH)
}

func line(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
