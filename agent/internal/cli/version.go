package cli

import (
	"context"
	"fmt"
	"runtime"
)

// Version is raised by hand with each release.
const Version = "0.1.0"

var version = command{
	name:    "version",
	short:   "tell the version",
	example: "agent version",
	declare: func(*flags) action {
		return func(_ context.Context, c *call) error {
			_, err := fmt.Fprintf(c.stdout, "hpcbench agent %s (%s %s/%s)\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}
	},
}
