package wire

import (
	"errors"
	"fmt"
)

// probeTokens is the length of a probe's answer: short, and long enough to hold a word.
const probeTokens = 2

// Probe returns the path and body of a small generation that is not streamed, for readiness and for finding hangs. An
// unknown dialect gives an empty path.
func Probe(dialect, model string) (path string, body []byte) {
	d, err := Lookup(dialect)
	if err != nil {
		return "", nil
	}
	head, tail := d.encode(Ask{Model: model, MaxTokens: probeTokens})
	return d.Path, []byte(head + "Say a word." + tail)
}

// Generated returns how many tokens the answer to a Probe holds: the server's count, or 1 where it has text and no
// count. The error tells, in the server's words if it had any, why there is no token.
func Generated(dialect string, body []byte) (tokens int, err error) {
	d, err := Lookup(dialect)
	if err != nil {
		return 0, err
	}
	f, ok := scan(body, d.fields)
	switch {
	case !ok:
		return 0, fmt.Errorf("not an answer in %s: %s", dialect, excerpt(body))
	case f.failed:
		return 0, errors.New(describe(body))
	case f.content:
		return max(1, f.output), nil
	case f.output > 0:
		return f.output, nil
	}
	return 0, fmt.Errorf("no token in the answer: %s", excerpt(body))
}
