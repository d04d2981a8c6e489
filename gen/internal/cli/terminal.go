package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// terminal tells whether a person is likely to be at the other end of a stream.
func terminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return errors.Is(err, fs.ErrNotExist) || !os.SameFile(info, null)
}

// width is how many columns the terminal behind w has; 0 where there is none, or nobody knows.
func width(w io.Writer) int {
	if !terminal(w) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return columnsOf(w.(*os.File))
}

// coloured tells whether to colour what goes to w: not without a terminal, and not for one who wants none (no-color.org).
func coloured(w io.Writer) bool { return terminal(w) && os.Getenv("NO_COLOR") == "" }
