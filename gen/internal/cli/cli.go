// Package cli is gen's command line: the one place that knows of files, arguments and the terminal.
//
// A command is a value in commands and a file of its own. It returns an error and never ends the program. Exit status: 0
// done; 1 the input was bad, and every reason is printed; 2 wrong usage, or the machine refused.
package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"hpcbench/gen/internal/diag"
)

// command is one verb of gen. Usage is its whole help text; run gets what stands behind the verb.
type command struct {
	name, short, usage string
	run                func(env, []string) error
}

// commands are the verbs in the order of the help text. The first is the default.
func commands() []command {
	return []command{compileCommand, runCommand, watchCommand, checkCommand, createCommand, planCommand, diffCommand, verifyCommand, whyCommand, listCommand, probeCommand, schemaCommand, versionCommand}
}

// env is what a command talks to.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// errFailed ends a command with status 1 after it has printed every reason itself.
var errFailed = errors.New("failed")

// usageError is a command line that can't be understood: status 2, and a pointer to the help text.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

const topUsage = `gen compiles a recipe into a job directory that sbatch runs.

usage: gen [compile] RECIPE... [flags]
       gen COMMAND [arguments]

commands:
%s
Flags stand before or after operands; -- ends them. gen COMMAND -h tells more.

example:
  gen recipes/demo.yaml            writes out/demo/ and prints the plan
  out/demo/submit.sh               runs it
  gen run recipes/demo.yaml        does both, follows it and prints the report
  gen check recipes/*.yaml         only looks for mistakes
`

// Main runs gen with the arguments behind the program's name and returns its exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := env{stdin, stdout, stderr}
	cmd, rest, err := choose(args)
	if err == nil && cmd.run == nil {
		_, err = io.WriteString(stdout, help())
	} else if err == nil {
		err = cmd.run(e, rest)
	}
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, cmd.usage)
	}
	return e.status(cmd.name, err)
}

// choose finds the verb. Without one it is compile, if the first word can be a recipe or a flag.
func choose(args []string) (command, []string, error) {
	all := commands()
	if len(args) == 0 {
		return command{}, nil, usagef("no recipe and no command")
	}
	first := args[0]
	if i := slices.IndexFunc(all, func(c command) bool { return c.name == first }); i >= 0 {
		return all[i], args[1:], nil
	}
	switch {
	case slices.Contains([]string{"-h", "-help", "--help", "help"}, first):
		if len(args) > 1 && first == "help" {
			return choose([]string{args[1], "-h"})
		}
		return command{}, nil, nil
	case slices.Contains([]string{"-version", "--version"}, first):
		return versionCommand, nil, nil
	case strings.HasPrefix(first, "-") || strings.ContainsAny(first, "./"):
		return all[0], args, nil
	}
	if _, err := os.Stat(first); err == nil {
		return all[0], args, nil
	}
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	return command{}, nil, usageError{afterCure(fmt.Sprintf("no command and no file %q", first), diag.DidYouMean(first, names))}
}

// help is the top help text.
func help() string {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-9s %s\n", c.name, c.short)
	}
	return fmt.Sprintf(topUsage, b.String())
}

// status prints an error as the program's last words and gives the exit status for it.
func (e env) status(cmd string, err error) int {
	var usage usageError
	var refused *fs.PathError
	var exit exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case errors.Is(err, errFailed):
		return 1
	case errors.As(err, &usage):
		fmt.Fprintf(e.stderr, "gen: error: %s (%s)\n", usage.text, strings.Join(strings.Fields("gen "+cmd+" -h tells more"), " "))
		return 2
	}
	fmt.Fprintf(e.stderr, "gen: error: %v\n", err)
	if errors.As(err, &refused) {
		return 2
	}
	return 1
}

// newFlags is a flag set that prints nothing itself.
func newFlags(cmd string) *flag.FlagSet {
	f := flag.NewFlagSet(cmd, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// parse reads flags before, between and behind operands, and returns the operands. Everything behind -- is one.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var operands []string
	for len(args) > 0 {
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, usageError{flagWords(f, err)}
		}
		rest := f.Args()
		if read := len(args) - len(rest); read > 0 && args[read-1] == "--" {
			return append(operands, rest...), nil
		}
		if len(rest) == 0 {
			break
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
	return operands, nil
}

// flagWords says in our words what the flag package found wrong.
func flagWords(f *flag.FlagSet, err error) string {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		f.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
		return afterCure("unknown flag --"+name, diag.DidYouMean("--"+name, names))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return "--" + name + " needs a value"
	}
	return text
}

// afterCure is a complaint with its cure, where there is one.
func afterCure(text, cure string) string {
	if cure == "" {
		return text
	}
	return text + ": " + cure
}

// many collects a flag that may be given several times.
type many []string

// String is the value as the flag package shows it.
func (m *many) String() string { return strings.Join(*m, ",") }

// Set adds one value.
func (m *many) Set(value string) error {
	*m = append(*m, value)
	return nil
}
