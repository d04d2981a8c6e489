package logs

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// The words of messages are those of Linux and of NVIDIA's driver.
func TestKernelMessages(t *testing.T) {
	for text, want := range map[string]string{
		"4,1184,99087123456,-;NVRM: Xid (PCI:0000:07:00): 79, pid=1234, name=vllm, GPU has fallen off the bus.\n SUBSYSTEM=pci\n DEVICE=+pci:0000:07:00.0\n": "WARN NVRM: Xid (PCI:0000:07:00): 79, pid=1234, name=vllm, GPU has fallen off the bus.",
		"3,1,2,-;Out of memory: Killed process 4711 (vllm) total-vm:1kB\n":                                                                                   "ERROR Out of memory: Killed process 4711 (vllm) total-vm:1kB",
		"30,339,5140900,-;systemd[1]: Started x.\n":                                                                                                          "INFO systemd[1]: Started x.",
	} {
		level, words, ok := kernelMessage(text)
		if got := level.String() + " " + words; !ok || got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"", "no record", "x,1;words"} {
		if _, _, ok := kernelMessage(text); ok {
			t.Errorf("%q is a message", text)
		}
	}
}

func TestKernelMessagesThatCantBeReadAreOneLine(t *testing.T) {
	var log bytes.Buffer
	Kernel(t.Context(), "/nowhere/kmsg", slog.New(slog.NewJSONHandler(&log, nil)))
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `"reason":"open /nowhere/kmsg: no such file or directory"`) {
		t.Error(text)
	}
}
