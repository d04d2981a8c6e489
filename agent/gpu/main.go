//go:build gpu && cgo

// Agent-gpu prints the readings of a node's NVIDIA GPUs, one JSON object a line per GPU and interval, until it is
// told to stop. It is a program of its own because NVML needs cgo and a dynamic loader, and the agent is static:
//
//	CGO_ENABLED=1 CGO_CFLAGS=-Wno-deprecated-declarations go build -tags gpu -o bin/agent-gpu ./agent/gpu
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

func main() { os.Exit(run(os.Args[1:], nvml.New(), os.Stdout, os.Stderr)) }

// Exit statuses.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNoDriver = 3
)

const usage = `usage: agent-gpu [--interval 1s] [--once]

Prints one JSON object a line per GPU and interval: t (Unix time in s), gpu (the driver's index), uuid, name,
utilization_ratio, memory_used_bytes, memory_total_bytes, power_watts, energy_joules (since the driver was loaded),
temperature_celsius, sm_clock_hz, memory_clock_hz, throttle (why the clock is below its maximum; [] if nothing holds it
down), nvlink_rx_bytes and nvlink_tx_bytes (since the driver was loaded); and, once a second at most, pcie_rx_bytes_per_s,
pcie_tx_bytes_per_s, ecc_corrected_errors, ecc_uncorrected_errors (since the driver was loaded) and processes.
What a GPU can't tell is left out. Ends 0 on TERM, INT and USR1; 3 where there is no NVIDIA driver.

  --interval D   from reading to reading, at least 100ms (default 1s)
  --once         one reading of each GPU, and that is all
`

// run is the program, on the NVML and the streams it is given.
func run(args []string, lib nvml.Interface, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("agent-gpu", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage) }
	interval := flags.Duration("interval", time.Second, "")
	once := flags.Bool("once", false, "")
	if err := flags.Parse(args); err == flag.ErrHelp {
		return exitDone
	} else if err != nil || flags.NArg() > 0 || *interval < 100*time.Millisecond {
		fmt.Fprintln(stderr, "agent-gpu: --interval is at least 100ms, and there are no operands")
		return exitUsage
	}
	if ret := lib.Init(); ret != nvml.SUCCESS {
		fmt.Fprintf(stderr, "agent-gpu: no NVIDIA driver: %s\n", explain(ret))
		return exitNoDriver
	}
	defer lib.Shutdown()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)
	defer stop()
	if err := watch(ctx, lib, *interval, *once, stdout); err != nil {
		fmt.Fprintln(stderr, "agent-gpu:", err)
		return exitFailed
	}
	return exitDone
}

// explain is the library's own words for ret; they are the library's to give, so not where it could not be loaded.
func explain(ret nvml.Return) string {
	if ret == nvml.ERROR_LIBRARY_NOT_FOUND {
		return "libnvidia-ml.so.1 can't be loaded"
	}
	return nvml.ErrorString(ret)
}

// watch prints all GPUs at start + k·interval until ctx ends.
func watch(ctx context.Context, lib nvml.Interface, interval time.Duration, once bool, w io.Writer) error {
	gpus, err := devices(lib)
	if err != nil {
		return err
	}
	if once {
		for i := range gpus {
			gpus[i].slowly.keep(gpus[i].slow(), time.Now())
		}
	} else {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		wg.Go(func() { readSlowly(ctx, gpus, interval) })
	}
	out := json.NewEncoder(w)
	start := time.Now()
	for {
		for i := range gpus {
			if err := out.Encode(gpus[i].sample(time.Now())); err != nil {
				return fmt.Errorf("writing a reading: %w", err)
			}
		}
		if once {
			return nil
		}
		next := start.Add((time.Since(start)/interval + 1) * interval)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(next)):
		}
	}
}
