// Gen compiles a recipe into a job directory: plain bash, settings and trials that sbatch runs.
package main

import (
	"os"

	"hpcbench/gen/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
