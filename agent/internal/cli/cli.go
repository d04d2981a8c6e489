// Package cli is the agent's command line: a verb a file, and the one place that turns errors into exit statuses.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	drive "hpcbench/agent/internal/trial"
)

// The exit statuses (DESIGN §9).
const (
	done    = 0
	bad     = 1 // the input or the run was bad, and every reason is printed
	refused = 2 // wrong usage, or the machine refused: permission, full disk, no such file

	deaf = 3 // of trial alone: a client node answers no more, and so no server is to blame
)

// command is one verb.
type command struct {
	name     string
	operands string // as the usage line shows them
	short    string // one line, for the list of verbs
	long     string // paragraphs, for -h
	example  string
	declare  func(f *flags) action // declares its flags and returns what it does with them
}

// action does a verb's work. What it returns is printed behind the call's prefix and decides the exit status.
type action func(ctx context.Context, c *call) error

// call is one use of a verb.
type call struct {
	operands       []string
	stdin          io.Reader
	stdout, stderr io.Writer
	prefix         string // in front of an error: the verb, or what the verb was about
}

// commands are the verbs in the order of the help text.
var commands = []command{
	load, dummy, report, watchVerb, logsVerb, hdr,
	serve, trial, stop, readyVerb, monitor, boundVerb, address, free, own, preflightVerb, ledgerVerb, jobVerb, readingsVerb, digest, version,
}

// signalled is why a verb ends that a signal ends.
type signalled struct{ os.Signal }

func (s signalled) Error() string { return s.String() }

// Main runs the agent with args (without the program's name) and returns its exit status. INT, TERM and USR1 end the
// verb in good order; a second one ends it at once.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGUSR1)
	ctx, end := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer end(nil)
	wg.Go(func() {
		select {
		case s := <-signals:
			release(signals) // before anybody says that the first was heard
			end(signalled{s})
		case <-ctx.Done():
			signal.Stop(signals)
		}
	})
	return run(ctx, args, &call{stdin: stdin, stdout: stdout, stderr: stderr})
}

// release gives signals back their usual effect. One that came meanwhile has it too.
func release(signals chan os.Signal) {
	signal.Stop(signals)
	select {
	case s := <-signals:
		_ = syscall.Kill(syscall.Getpid(), s.(syscall.Signal)) // it can't fail: the process is this one
	default:
	}
}

func run(ctx context.Context, args []string, c *call) int {
	if len(args) == 0 {
		fmt.Fprint(c.stderr, overview())
		return refused
	}
	verb, rest := args[0], args[1:]
	if verb == "help" && len(rest) > 0 {
		verb, rest = rest[0], []string{"-h"}
	}
	if slices.Contains([]string{"help", "-h", "-help", "--help"}, verb) {
		fmt.Fprint(c.stdout, overview())
		return done
	}
	k := slices.IndexFunc(commands, func(cmd command) bool { return cmd.name == verb })
	if k < 0 {
		fmt.Fprintf(c.stderr, "agent: unknown command %q%s; agent -h lists them\n", verb, guess(verb, names()))
		return refused
	}
	return commands[k].run(ctx, rest, c)
}

// run parses the verb's flags, does its work and says what went wrong.
func (cmd command) run(ctx context.Context, args []string, c *call) int {
	f := newFlags(cmd.name)
	act := cmd.declare(f)
	operands, err := f.parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(c.stdout, cmd.help())
		return done
	}
	c.prefix = "agent " + cmd.name
	if err == nil && cmd.operands == "" && len(operands) > 0 {
		err = usage("unexpected %q: it takes flags only; agent %s -h lists them", operands[0], cmd.name)
	}
	if err == nil {
		c.prefix, c.operands = cmd.name, operands
		err = act(ctx, c)
	}
	for _, one := range split(err) {
		fmt.Fprintf(c.stderr, "%s: %v\n", c.prefix, one)
	}
	return status(err)
}

// split are the errors that were joined in one, each for a line of its own.
func split(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		all = append(all, split(one)...)
	}
	return all
}

// usageError is a wrong use of the command line.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// status is the exit status of an error.
func status(err error) int {
	if err == nil {
		return done
	}
	if errors.As(err, &usageError{}) {
		return refused
	}
	if drive.ClientLost(err) {
		return deaf
	}
	for _, machine := range []error{fs.ErrNotExist, fs.ErrPermission, syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EMFILE,
		syscall.ENOTDIR} {
		if errors.Is(err, machine) {
			return refused
		}
	}
	return bad
}

func names() []string {
	var all []string
	for _, cmd := range commands {
		all = append(all, cmd.name)
	}
	return all
}

func overview() string {
	var b strings.Builder
	b.WriteString("agent makes load, measures it and reports it.\n\nusage: agent COMMAND [flags]\n\n")
	for _, cmd := range commands {
		fmt.Fprintf(&b, "  %-9s %s\n", cmd.name, cmd.short)
	}
	b.WriteString("\nagent COMMAND -h explains a command. Exit status: 0 done; 1 the input or the run was bad;\n2 wrong usage, or the machine refused.\n")
	return b.String()
}

// help is the text of -h.
func (cmd command) help() string {
	f := newFlags(cmd.name)
	cmd.declare(f)
	var b strings.Builder
	fmt.Fprintf(&b, "agent %s: %s\n\nusage: %s\n", cmd.name, cmd.short, strings.Join(strings.Fields("agent "+cmd.name+" "+f.usage()+" "+cmd.operands), " "))
	if cmd.long != "" {
		b.WriteString("\n" + strings.TrimSpace(cmd.long) + "\n")
	}
	b.WriteString(f.help())
	b.WriteString("\nexample:\n")
	for line := range strings.Lines(strings.TrimSpace(cmd.example) + "\n") {
		b.WriteString("  " + line)
	}
	return b.String()
}
