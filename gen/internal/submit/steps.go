package submit

import (
	"context"
	"os/exec"
	"strings"

	"hpcbench/gen/internal/shell"
)

// Step is a command that would be run, and what for.
type Step struct {
	What  string
	Words []string
	Input string // name of what its standard input would be, "" for nothing
}

// Steps are the commands by which the bundle in dir is submitted in at of a place, followed and fetched; rows: those jobs
// are gone on with, and nothing is submitted.
func Steps(p Place, dir, at string, local bool, rows []Row, args []string) []Step {
	ctx := context.Background()
	var all []Step
	add := func(what string, c *exec.Cmd, input string) { all = append(all, Step{what, c.Args, input}) }
	far, isSSH := p.(*SSH)
	if rows == nil {
		if isSSH {
			add("what is there", p.Command(ctx, "", script(far.Dir)...), "receive.sh")
			add("copy", far.copier(ctx, dir), far.copied())
		}
		add("submit", p.Command(ctx, at, script(append([]string{"NONCE"}, args...)...)...), starterName(local))
		rows = []Row{{ID: "JOB"}}
	}
	for _, r := range rows {
		f := Follower{Row: r}
		add("follow, again and again", p.Command(ctx, at, f.ask()...), "look.sh")
	}
	if isSSH {
		add("fetch", far.fetcher(ctx, dir), "")
	}
	return all
}

func starterName(local bool) string {
	if local {
		return "start.sh"
	}
	return "enter.sh"
}

// copier is rsync, or the tar that stands in where the other side has none.
func (s *SSH) copier(ctx context.Context, dir string) *exec.Cmd {
	if s.rsyncs() {
		return s.sendCommand(ctx, dir)
	}
	return s.unpack(ctx)
}

// copied is what copier reads.
func (s *SSH) copied() string {
	if s.rsyncs() {
		return ""
	}
	return "BUNDLE.tar.gz"
}

func (s *SSH) fetcher(ctx context.Context, dir string) *exec.Cmd {
	if s.rsyncs() {
		return s.fetchCommand(ctx, dir)
	}
	return s.pack(ctx)
}

// String is the step as a shell would read it, below a comment.
func (s Step) String() string {
	text := "# " + s.What + "\n" + shell.Shown(s.Words)
	if s.Input != "" {
		text += " <" + s.Input
	}
	return strings.TrimSuffix(text, "\n")
}
