package cli

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"hpcbench/agent/internal/listener"
)

var own = command{
	name:     "own",
	operands: "IP:PORT",
	short:    "wait until somebody listens at an address, and tell whether it is this user",
	long: `
For a server that binds its port only when it has loaded: who is there first is asked instead. Exit status 0 when it is this
user, or when the process of --while ended before anybody was there; 1 when it is somebody else, who is named; 2
when the kernel does not tell.`,
	example: "agent own --while 4711 10.0.0.12:20100",
	declare: func(f *flags) action {
		process := f.number("while", "PID", 0, "the process that is to listen, and whose end is the end of the wait")
		every := f.time("poll", time.Second, "pause between two looks")
		f.need("while")
		return func(ctx context.Context, c *call) error {
			if len(c.operands) != 1 {
				return usage("want one IP:PORT")
			}
			at, err := netip.ParseAddrPort(c.operands[0])
			if err != nil || *every <= 0 || *process <= 0 {
				return usage("want IP:PORT, a process, and a pause of more than 0")
			}
			for alive(*process) {
				uid, ok, err := listener.Owner(at)
				switch {
				case err != nil:
					return usageError{err} // 2: the server is not ended for what can't be told
				case ok && uid != os.Getuid():
					return fmt.Errorf("%s can't be bound: address already in use, by %s", at, userName(uid))
				case ok:
					return nil
				}
				select {
				case <-time.After(*every):
				case <-ctx.Done():
					return nil
				}
			}
			return nil
		}
	},
}

// alive tells whether there is such a process, whoever's.
func alive(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }

// userName is a user's name, or the number where it has none here.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user %d", uid)
}
