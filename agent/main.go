// Agent makes load, measures it and reports it; and it does for the job script what shell can't do well.
package main

import (
	"os"

	"hpcbench/agent/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
