package cli

import (
	"fmt"
	"runtime"
)

// Version of gen. It is raised by hand: goldens carry it, so a build must not change it.
const Version = "0.1.0"

var versionCommand = command{"version", "print the version", `usage: gen version

Prints gen's version, which every MANIFEST names, and what gen was built with.

example:
  $ gen version
  gen 0.1.0 go1.26.8 linux/amd64
`, runVersion}

func runVersion(e env, args []string) error {
	operands, err := parse(newFlags("version"), args)
	if err != nil {
		return err
	}
	if len(operands) > 0 {
		return usagef("version takes no arguments")
	}
	_, err = fmt.Fprintf(e.stdout, "gen %s %s %s/%s\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
