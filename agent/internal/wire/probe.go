package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"hpcbench/agent/workload"
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
	parts, err := d.body(workload.Workload{Model: model, MaxTokens: probeTokens})
	if err != nil {
		panic(err) // it is made of strings and numbers
	}
	for _, p := range parts {
		body = append(body, p.text...)
		switch p.then {
		case promptHole:
			body = append(body, "Say a word."...)
		case tokensHole:
			body = strconv.AppendInt(body, probeTokens, 10)
		}
	}
	return d.path(model, false), body
}

// ProbeURL is where a probe of an endpoint goes: its base URL with the path, whose first part, such as /v1, it may have
// already.
func ProbeURL(base, path string) (string, error) {
	u, err := Endpoint(base)
	if err != nil {
		return "", err
	}
	where, host, err := target(base, path)
	return u.Scheme + "://" + host + where, err
}

// Root is the base URL of an endpoint without the first part of a path, such as /v1: where its own pages lie.
func Root(base, path string) string {
	return strings.TrimSuffix(strings.TrimRight(base, "/"), first(path))
}

// Generated returns how many tokens the answer to a Probe holds: the server's count, or 1 where it has text and no
// count. The error tells, in the server's words if it had any, why there is no token.
func Generated(dialect string, body []byte) (tokens int, err error) {
	d, err := Lookup(dialect)
	if err != nil {
		return 0, err
	}
	f, ok := scan(body, d.fields, nil)
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
