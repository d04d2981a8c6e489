package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
	"unsafe"

	mock "hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/workload"
)

// TestMain lets a test run the whole agent as a process of its own: this binary, with AGENT_MAIN set.
func TestMain(m *testing.M) {
	if os.Getenv("AGENT_MAIN") != "" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// pty is a terminal of so many columns: what is written to the first file is typed, what comes from it is shown.
func pty(t *testing.T, columns uint16) (keyboard, screen *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	var unlock, number int32
	size := struct{ rows, columns, x, y uint16 }{24, columns, 0, 0}
	for _, call := range []struct {
		request uintptr
		value   unsafe.Pointer
	}{{syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)}, {syscall.TIOCGPTN, unsafe.Pointer(&number)}, {syscall.TIOCSWINSZ, unsafe.Pointer(&size)}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), call.request, uintptr(call.value)); errno != 0 {
			t.Skip("no terminals here: ", errno)
		}
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// session is the agent at a terminal.
type session struct {
	*testing.T
	command  *exec.Cmd
	keyboard *os.File
	shown    bytes.Buffer // on the terminal, which has stderr
	stdout   bytes.Buffer
}

func begin(t *testing.T, columns uint16, args ...string) *session {
	t.Helper()
	keyboard, screen := pty(t, columns)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // it should never take so long; but if it hangs, the test should not
	t.Cleanup(cancel)
	s := &session{T: t, keyboard: keyboard, command: exec.CommandContext(ctx, os.Args[0], args...)}
	s.command.Env = append(os.Environ(), "AGENT_MAIN=1", "NO_COLOR=")
	s.command.Stdin, s.command.Stdout, s.command.Stderr = screen, &s.stdout, screen
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.command.Process.Kill() })
	_ = screen.Close()
	return s
}

// shows waits for words on the terminal.
func (s *session) shows(words string) {
	s.Helper()
	buf := make([]byte, 4096)
	for !strings.Contains(s.shown.String(), words) {
		n, err := s.keyboard.Read(buf)
		s.shown.Write(buf[:n])
		if err != nil {
			s.Fatalf("%q was not shown, but %q (%v)", words, s.shown.String(), err)
		}
	}
}

func (s *session) interrupt() {
	if _, err := s.keyboard.Write([]byte{3}); err != nil {
		s.Fatal(err)
	}
}

func TestInterruptAtATerminalDrainsAndReports(t *testing.T) {
	out := t.TempDir()
	s := begin(t, 60, "load", "--url", server(t, mock.Config{ITL: 20 * time.Millisecond}), "--model", "tiny", "--concurrency", "4", "--duration", "1h",
		"--max-tokens", "20", "--out", out)
	s.shows("0 failed")
	s.interrupt()
	s.shows("no more is sent")
	err := s.command.Wait()
	s.shows("load: stopped: interrupt")
	if status := new(exec.ExitError); !errors.As(err, &status) || status.ExitCode() != bad {
		t.Errorf("status %v", err)
	}
	if text := s.stdout.String(); !strings.Contains(text, " ok, 0 failed\n") || !strings.Contains(text, "stopped before its end") || strings.Contains(text, "\033") {
		t.Errorf("stdout:\n%s", text)
	}
	if records := content(t, out+"/records.jsonl"); strings.Contains(records, "cancelled") || strings.Count(records, `"ok"`) < 4 {
		t.Errorf("records:\n%s", records)
	}
	for line := range strings.SplitSeq(s.shown.String(), "\r") {
		if text, cleared := strings.CutSuffix(line, "\033[K"); cleared && utf8.RuneCountInString(text) >= 60 {
			t.Errorf("a line of progress has %d columns of 60: %q", utf8.RuneCountInString(text), text)
		}
	}
}

func TestSecondInterruptLeavesAtOnce(t *testing.T) {
	s := begin(t, 100, "load", "--url", server(t, mock.Config{TTFT: time.Hour}), "--model", "tiny", "--duration", "1h", "--timeout", "1h")
	s.shows("1 in flight")
	s.interrupt()
	s.shows("what is in flight (1) has up to 1h0m0s to end")
	s.interrupt()
	err := s.command.Wait()
	if status := new(exec.ExitError); !errors.As(err, &status) || status.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		t.Errorf("ended with %v", err)
	}
}

func TestTermWaitsForNothing(t *testing.T) {
	s := begin(t, 100, "load", "--url", server(t, mock.Config{TTFT: time.Hour}), "--model", "tiny", "--duration", "1h", "--timeout", "1h")
	s.shows("1 in flight")
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = s.command.Wait()
	s.shows("load: stopped: terminated")
	if !strings.Contains(s.stdout.String(), "1 due in the window, 0 ok, 1 failed: 1 cancelled") {
		t.Errorf("stdout:\n%s", s.stdout.String())
	}
}

func TestLookOfProgress(t *testing.T) {
	for _, c := range []struct {
		past, now share.Progress
		load      workload.Workload
		title     string
		want      string
	}{
		{
			now:  share.Progress{Phase: "warmup", ElapsedS: 2, InFlight: 3},
			load: workload.Workload{WarmupS: 5, DurationS: 30},
			want: "warmup 2 s, 33s left · 3 in flight · 0 failed",
		},
		{
			past: share.Progress{ElapsedS: 10, OK: 40}, now: share.Progress{Phase: "measure", ElapsedS: 12, OK: 50, Done: 52, Failed: 2, InFlight: 38, TTFTP50S: 0.21, TTFTP99S: 0.48, E2ELP50S: 1},
			load: workload.Workload{WarmupS: 5, DurationS: 30, CooldownS: 5}, title: "4 requests/s",
			want: "4 requests/s measure 12 s, 28s left · 5.00/s · 38 in flight · 2 failed · TTFT p50 210, p99 480 ms",
		},
		{
			past: share.Progress{ElapsedS: 5, OK: 50}, now: share.Progress{Phase: "measure", ElapsedS: 10, OK: 100, Done: 100, InFlight: 8, E2ELP50S: 0.5, E2ELP99S: 0.9},
			load: workload.Workload{Requests: 400},
			want: "measure 10 s, 30s left · 10.0/s · 8 in flight · 0 failed · E2EL p50 500, p99 900 ms",
		},
		{
			now:  share.Progress{Phase: "drain", ElapsedS: 31, InFlight: 2},
			load: workload.Workload{DurationS: 30},
			want: "drain 31 s · 2 in flight · 0 failed",
		},
	} {
		f := follower{load: c.load, title: c.title}
		if c.past.ElapsedS > 0 {
			f.look(c.past)
		}
		if got := f.look(c.now); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
	if got := fit("drain · 31 s", 8); got != "drain …" {
		t.Errorf("%q", got)
	}
}
