//go:build !gpu || !cgo

// This is what agent-gpu is without cgo: a word on how to build it. The program itself is in main.go.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "agent-gpu was built without NVML; build it with a C compiler: "+
		"CGO_ENABLED=1 go build -tags gpu -o bin/agent-gpu ./agent/gpu")
	os.Exit(3) // as where there is no driver: the monitor goes on to nvidia-smi
}
