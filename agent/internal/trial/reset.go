package trial

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"hpcbench/agent/internal/ask"
	"hpcbench/agent/internal/wire"
)

// resetTries is how often a server is asked to forget that refuses to, a Poll apart: SGLang does while it still ends requests of
// the load before.
const resetTries = 10

// final are the refusals that no second try changes: the server has no such page, or wants to know who asks.
var final = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}

// reset lets each server forget the load before, where the trial says how. One that does not is no reason to stop, and one to
// doubt the numbers.
func (c Config) reset(ctx context.Context) {
	r := c.Trial.Reset
	if r == nil {
		return
	}
	header := map[string]string{}
	for _, line := range c.headers {
		if name, value, ok := strings.Cut(line, ":"); ok {
			header[name] = strings.TrimSpace(value)
		}
	}
	path, _ := wire.Probe(c.Trial.Workload.Dialect, c.Trial.Workload.Model)
	for _, endpoint := range c.Endpoints {
		err := c.forget(ctx, ask.Request{Method: r.Method, URL: wire.Root(endpoint, path) + r.Path, Header: header, Timeout: c.ProbeTimeout})
		if err != nil {
			doubt := fmt.Sprintf("%s was not reset before the load, and may remember the one before: %s %s: %v", endpoint, r.Method, r.Path, err)
			c.Say("%s", doubt)
			*c.doubts = append(*c.doubts, doubt)
		}
	}
}

// forget asks one server until it does, or its refusal is final, or it has been asked often enough.
func (c Config) forget(ctx context.Context, r ask.Request) error {
	for try := 1; ; try++ {
		answer, err := ask.Send(ctx, r)
		switch {
		case err != nil:
			return err
		case answer.Status/100 == 2:
			return nil
		case try == resetTries || slices.Contains(final, answer.Status):
			return fmt.Errorf("HTTP %d", answer.Status)
		}
		select {
		case <-time.After(c.Poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
