package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// pty opens a terminal of so many columns and gives its two ends: a person's and a program's (man 7 pty).
func pty(t *testing.T, columns uint16) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminals here: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	control := func(request uintptr, value unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(value)); errno != 0 {
			t.Fatalf("ioctl %#x: %v", request, errno)
		}
	}
	var locked, number int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{40, columns}
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// onTerminal runs gen with a terminal for all its streams, whose person types lines, and gives all that stood on it.
func onTerminal(t *testing.T, columns uint16, lines []string, args ...string) (int, string) {
	t.Helper()
	person, program := pty(t, columns)
	shown := make(chan string)
	go func() {
		text, _ := io.ReadAll(person) // it ends with EIO when the program's end is closed
		shown <- strings.ReplaceAll(string(text), "\r\n", "\n")
	}()
	typed := make(chan error)
	go func() {
		_, err := io.WriteString(person, strings.Join(append(lines, ""), "\n"))
		typed <- err
	}()
	status := Main(args, program, program, program)
	if err := <-typed; err != nil {
		t.Error(err)
	}
	program.Close()
	return status, <-shown
}

func TestCaretOnATerminal(t *testing.T) {
	file := write(t, "bad.yaml", demo+"\tx: 1\n")
	t.Setenv("NO_COLOR", "1")
	text := "scenario: x  # 日本\norchestration: {mode: local}\nworkload: {model: 日本語, service: dumy, duration: 1m} # " + strings.Repeat("long ", 30) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	status, shown := onTerminal(t, 72, nil, "check", file)
	want := file + `:3:33: error: unknown service "dumy" (did you mean "dummy"?)
    workload: {model: 日本語, service: dumy, duration: 1m} # long long…
                                       ^
` + file + ": 1 error\n"
	if status != 1 || shown != want {
		t.Errorf("status %d, got\n%s\nwant\n%s", status, shown, want)
	}
	t.Setenv("NO_COLOR", "")
	if _, shown := onTerminal(t, 72, nil, "check", file); !strings.Contains(shown, "\x1b[31merror:\x1b[0m") || !strings.Contains(shown, "\x1b[31m^\x1b[0m") {
		t.Errorf("no colours:\n%q", shown)
	}
	if _, _, stderr := gen("", "check", file); strings.Contains(stderr, "\x1b") || strings.Contains(stderr, "^") {
		t.Errorf("a pipe gets what a terminal gets:\n%s", stderr)
	}
}

func TestListFitsATerminal(t *testing.T) {
	_, shown := onTerminal(t, 60, nil, "list", "--dir", "../../../recipes")
	for _, line := range strings.Split(shown, "\n") {
		if len([]rune(line)) > 60 {
			t.Errorf("too long: %q", line)
		}
	}
	if !strings.Contains(shown, "…") {
		t.Errorf("nothing was cut:\n%s", shown)
	}
}

func TestMendOnATerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	file := write(t, "bad.yaml", strings.Replace(demo, "dummy", "dumy", 1))
	status, shown := onTerminal(t, 100, []string{""}, "check", "-i", file)
	if status != 0 || !strings.Contains(shown, "mend it? [Y/n/e/q/?]") || !strings.HasSuffix(shown, ": ok, 1 trial\n"+file+": 1 mended\n") {
		t.Errorf("status %d\n%s", status, shown)
	}
}

// The six steps on a terminal, for each of the specification's three services, and what they make compiles.
func TestCreateOnATerminal(t *testing.T) {
	agents(t, "agent")
	for name, lines := range map[string][]string{
		"ollama":           {"meluxina", "ollama", "", "", "p200981"},
		"vllm":             {"meluxina", "vllm", "", "gpu", "p200981", "short", "?", "02:00:00", "1"},
		"vllm-distributed": {"meluxina", "vllm", "", "", "p200981", "", "", "3", "<", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			status, shown := onTerminal(t, 100, append(lines, make([]string, 40)...), "create", "-o", name+".yaml")
			if status != 0 || !strings.Contains(shown, "6 of 6  Containers and binds") || !strings.Contains(shown, name+".yaml is written") {
				t.Fatalf("status %d\n%s", status, shown)
			}
			if status, stdout, stderr := gen("", name+".yaml"); status != 0 {
				t.Errorf("status %d\n%s%s", status, stdout, stderr)
			}
			text, err := os.ReadFile(name + ".yaml")
			if err != nil {
				t.Fatal(err)
			}
			if distributed := strings.Contains(string(text), "distributed: {enabled: true"); distributed != (name == "vllm-distributed") {
				t.Errorf("distributed is %v:\n%s", distributed, text)
			}
		})
	}
}

func TestCreateWritesOverNothingUnasked(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("x.yaml", []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	given := []string{"create", "-o", "x.yaml", "--cluster", "local", "--service", "dummy"}
	answers := make([]string, 14)
	status, shown := onTerminal(t, 100, append(answers, "n", "other.yaml"), given...)
	if status != 0 || !strings.Contains(shown, "x.yaml is there. Write over it?") || !strings.Contains(shown, "other.yaml is written") {
		t.Fatalf("status %d\n%s", status, shown)
	}
	if text, err := os.ReadFile("x.yaml"); err != nil || string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
	if status, shown := onTerminal(t, 100, append(answers, "\x04"), given...); status != 1 || !strings.HasSuffix(shown, "nothing was written\n") {
		t.Errorf("status %d\n%s", status, shown)
	}
	if files, err := filepath.Glob("*"); err != nil || len(files) != 2 {
		t.Errorf("there are %v, %v", files, err)
	}
}
