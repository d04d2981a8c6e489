//go:build linux || darwin

package cli

import (
	"os"
	"syscall"
	"unsafe"
)

// columnsOf asks the terminal for its width; 0 where it does not say.
func columnsOf(file *os.File) int {
	var size struct{ rows, columns, x, y uint16 } // man 2 ioctl_tty, TIOCGWINSZ
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		return 0
	}
	return int(size.columns)
}
