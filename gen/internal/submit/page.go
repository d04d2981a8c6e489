package submit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Bundle is the directory of a place from which a job was submitted, by Slurm's word.
func Bundle(ctx context.Context, p Place, id string) (string, error) {
	text, err := Ask(ctx, p, ".", findScript, script(id)...)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		switch word {
		case "bundle":
			return rest, nil
		case "none":
			return "", fmt.Errorf("where job %s is from Slurm does not say (%s): name its job directory instead", id, plain(rest))
		}
	}
	return "", fmt.Errorf("where job %s is from was not to be found out", id)
}

// Begun are the directories of jobs, from their bundle's in dir of a place, that have begun to leave results.
func Begun(ctx context.Context, p Place, dir string, ids []string) (runs []string, err error) {
	text, err := Ask(ctx, p, dir, begunScript, script(ids...)...)
	for line := range strings.Lines(text) {
		if word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); word == "run" {
			runs = append(runs, rest)
		}
	}
	return runs, err
}

// Look takes one look at the job, and gives what is new.
func (f *Follower) Look(ctx context.Context, p Place, dir string) ([]string, error) {
	text, err := Look(ctx, p, dir, f.ask())
	if err != nil {
		return nil, err
	}
	return f.See(text), nil
}

// Page is the page of a run, served by the agent of a place for as long as its standard input is open: with the connection it
// ends, too.
type Page struct {
	URL   *url.URL // with the place's own address
	place Place
	cmd   *exec.Cmd
	stdin io.Closer
	said  tail
	over  chan error
}

// watch has the bundle in dir show results, a directory from there.
func (p *Page) watch(ctx context.Context, dir, results string) error {
	p.cmd = p.place.Command(ctx, dir, "./bin/agent", "watch", results, "--until-eof")
	p.cmd.Stderr = &p.said
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.stdin = stdin
	p.cmd.Cancel = func() error { _ = stdin.Close(); return nil } // in good order; WaitDelay is for one that does not listen
	if err := p.cmd.Start(); err != nil {
		return err
	}
	line, err := firstLine(out)
	if err == nil {
		p.URL, err = url.Parse(line)
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		p.over <- p.cmd.Wait()
	}()
	if err != nil {
		return p.explain(p.Close())
	}
	return nil
}

// Open has the bundle in dir of a place show results, a directory from there, as a page.
func Open(ctx context.Context, place Place, dir, results string) (*Page, error) {
	p := &Page{place: place, over: make(chan error, 1)}
	return p, p.watch(ctx, dir, results)
}

// firstLine is the first line that a command writes itself.
func firstLine(out io.Reader) (string, error) {
	out, err := own(out)
	if err != nil {
		return "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	return strings.TrimSpace(line), err
}

// explain says why the page ended.
func (p *Page) explain(err error) error {
	switch {
	case err != nil && p.place.Lost(err):
		return fmt.Errorf("%w: %s", ErrLost, p.said.words("ssh gave no reason"))
	default:
		return errors.New(p.said.words("the agent showed no page and gave no reason"))
	}
}

// Wait returns when the page has ended by itself, and why.
func (p *Page) Wait(ctx context.Context) error {
	select {
	case err := <-p.over:
		p.over <- err
		return p.explain(err)
	case <-ctx.Done():
		return nil
	}
}

// closing is how long the agent may take to end.
const closing = 5 * time.Second

// Close ends the page.
func (p *Page) Close() error {
	_ = p.stdin.Close() // which is what ends it
	select {
	case err := <-p.over:
		p.over <- err
		return err
	case <-time.After(closing):
		return p.cmd.Process.Kill()
	}
}

// Forward makes a port of this machine lead to one of the machine that s reaches, over the connection that is open; local 0: a
// free one.
func (s *SSH) Forward(ctx context.Context, local, remote int) (int, error) {
	for try := 0; ; try++ {
		port, err := free(local)
		if err != nil {
			return 0, err
		}
		words, err := s.forward(ctx, "forward", port, remote).CombinedOutput()
		if err == nil {
			return port, nil
		}
		if local != 0 || try == 3 { // else somebody took it meanwhile
			return 0, fmt.Errorf("forwarding port %d over ssh: %s", port, plain(string(words)))
		}
	}
}

// Unforward gives a forwarded port of this machine back.
func (s *SSH) Unforward(ctx context.Context, local, remote int) {
	_ = s.forward(ctx, "cancel", local, remote).Run() // who wants the port finds it taken
}

// free is a port of this machine's loopback that nobody has: the one that is asked for, or any.
func free(port int) (int, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("port %d of this machine is taken: choose another --local-port, or none", port)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// forward asks for a forwarding, or for its end, of the open connection alone: a user's configuration may have forwardings of its own.
func (s *SSH) forward(ctx context.Context, what string, local, remote int) *exec.Cmd {
	loopback := "127.0.0.1:"
	return apart(exec.CommandContext(ctx, "ssh", "-F", "none", "-S", strings.ReplaceAll(s.control, "%", "%%"), "-O", what,
		"-L", loopback+strconv.Itoa(local)+":"+loopback+strconv.Itoa(remote), "--", s.Host))
}
