package preflight

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"syscall"
	"time"
)

// disk is the size of a file system and what a user may still fill of it, in bytes.
func disk(path string) (size, free uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	unit := uint64(s.Bsize)
	return s.Blocks * unit, s.Bavail * unit, nil
}

// little is the free space below which a file system gets a warning.
const little = 1 << 30

// space tells whether there is room at path; less than need is a failure.
func space(check, path string, need uint64, what string) Row {
	size, free, err := disk(path)
	switch {
	case err != nil:
		return row(check, Fail, "%s can't be looked at: %v", path, err)
	case free < need:
		return row(check, Fail, "%s has %s free of %s: %s (make room)", path, bytes(free), bytes(size), what)
	case free < little:
		return row(check, Warn, "%s has only %s free of %s: %s", path, bytes(free), bytes(size), what)
	}
	return row(check, OK, "%s free of %s", bytes(free), bytes(size))
}

// Shared memory. A server on several GPUs passes tensors and NCCL's buffers through /dev/shm, which under Apptainer is the
// node's own; 64 MiB is what a container without --shm-size has, and too little for NCCL.
const (
	shmNeed  = 64 << 20
	shmWants = 1 << 30
	shmTiny  = 16 << 20 // for a server without a GPU
)

func shm(gpus int) Row {
	size, free, err := disk("/dev/shm")
	return judgeShm(gpus, size, free, err)
}

func judgeShm(gpus int, size, free uint64, err error) Row {
	const cure = "remove what a job left in /dev/shm, or ask the site"
	switch {
	case errors.Is(err, os.ErrNotExist), err != nil && gpus == 0:
		return row("shm", Warn, "/dev/shm can't be looked at: %v", err)
	case err != nil:
		return row("shm", Fail, "/dev/shm can't be looked at: %v (%s)", err, cure)
	case gpus > 1 && free <= shmNeed:
		return row("shm", Fail, "/dev/shm has %s free of %s, and several GPUs talk through it (%s)", bytes(free), bytes(size), cure)
	case gpus > 0 && free < shmWants, free < shmTiny:
		return row("shm", Warn, "/dev/shm has only %s free of %s (%s)", bytes(free), bytes(size), cure)
	}
	return row("shm", OK, "%s free of %s", bytes(free), bytes(size))
}

// quota asks for quotas where a command for that is found. Only what is over one is said; that nobody answers is no matter.
func (c Config) quota(ctx context.Context) []Row {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	me, err := user.Current()
	if err != nil {
		return nil
	}
	var rows []Row
	for _, asked := range [][]string{{"quota", "-q"}, {"lfs", "quota", "-q", "-u", me.Username, c.Results}} {
		cmd := exec.CommandContext(ctx, asked[0], asked[1:]...)
		cmd.WaitDelay = 100 * time.Millisecond
		text, err := cmd.Output() // quota's status is 1 where something is over it
		if errors.Is(err, exec.ErrNotFound) || ctx.Err() != nil || err != nil && asked[0] == "lfs" {
			continue // the directory is not Lustre's
		}
		rows = append(rows, over(asked[0], string(text)))
	}
	return rows
}

// over reads what a quota command says: `quota -q` prints only what is over a limit, `lfs quota` puts a star behind it.
func over(program, text string) Row {
	words := strings.Fields(text)
	bad := program == "quota" && len(words) > 0
	for _, w := range words {
		bad = bad || program == "lfs" && len(w) > 1 && strings.HasSuffix(w, "*")
	}
	if bad {
		return row("quota", Warn, "over quota: %s (make room before results are lost)", strings.Join(words, " "))
	}
	return row("quota", OK, "%s names nothing over its limit", program)
}
