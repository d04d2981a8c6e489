package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// kernelMost is how many of the kernel's messages of one minute are written down: a broken device may have thousands.
const kernelMost = 1000

// Kernel writes the messages of a node's kernel into a log as they come, until ctx ends: an Xid of a GPU, a link that went down, a
// process that was killed for want of memory. The device is /dev/kmsg; where it can't be read, as on most shared systems, the log
// says so in one line.
func Kernel(ctx context.Context, device string, log *slog.Logger) {
	f, err := os.OpenFile(device, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		log.Info("the kernel's messages are not read", "reason", err.Error())
		return
	}
	defer f.Close()
	if _, err := f.Seek(0, io.SeekEnd); err != nil { // what was before the job is not its affair
		log.Info("the kernel's messages are not read", "reason", err.Error())
		return
	}
	defer context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })()
	k := kernel{log: log}
	for {
		b := make([]byte, 8192) // a read gives one message
		n, err := f.Read(b)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, syscall.EPIPE): // messages were overwritten before they were read
			log.Warn("some of the kernel's messages were lost")
		case err != nil:
			log.Info("the kernel's messages are no longer read", "reason", err.Error())
			return
		default:
			k.message(ctx, string(b[:n]))
		}
	}
}

// kernel counts what it writes.
type kernel struct {
	log    *slog.Logger
	minute int64
	count  int
}

// message writes "6,1234,567890,-;words" down, of which the first number has the level in its last three bits
// (Documentation/ABI/testing/dev-kmsg of Linux).
func (k *kernel) message(ctx context.Context, text string) {
	if minute := time.Now().Unix() / 60; minute != k.minute {
		k.minute, k.count = minute, 0
	}
	if k.count++; k.count > kernelMost {
		if k.count == kernelMost+1 {
			k.log.Warn(fmt.Sprintf("more than %d of the kernel's messages in a minute: the others are left out", kernelMost))
		}
		return
	}
	if level, words, ok := kernelMessage(text); ok {
		k.log.Log(ctx, level, words)
	}
}

// kernelMessage reads a record of /dev/kmsg.
func kernelMessage(text string) (slog.Level, string, bool) {
	head, words, ok := strings.Cut(text, ";")
	priority, _, _ := strings.Cut(head, ",")
	n, err := strconv.Atoi(priority)
	if !ok || err != nil {
		return 0, "", false
	}
	words, _, _ = strings.Cut(words, "\n") // what follows are names of devices
	switch n & 7 {
	case 0, 1, 2, 3:
		return slog.LevelError, words, true
	case 4:
		return slog.LevelWarn, words, true
	case 7:
		return slog.LevelDebug, words, true
	}
	return slog.LevelInfo, words, true
}
