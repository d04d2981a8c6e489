package service

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// with loads a service whose folder has these lines beside what each needs.
func with(lines string) (*Service, error) {
	text := "name: mine\ndialects: [openai-chat]\nhealth: {path: /health}\nargv: my-server\n" + lines
	return Load(fstest.MapFS{"mine/service.yaml": &fstest.MapFile{Data: []byte(text)}}, "mine")
}

func TestMetricsOfAService(t *testing.T) {
	s, err := with(`metrics:
  path: /metrics
  port_offset: 2
  map: {'x{model="a"}': running, y_total: gen_tokens}
  extra: [{name: depth, from: server, metric: q, unit: requests}, {name: fan, command: [read-fan, --all]}]
reset: {path: /forget}
proof: [{name: a, pattern: "x: [0-9]+"}]
`)
	if err != nil {
		t.Fatal(err)
	}
	if s.Metrics.PortOffset != 2 || s.Reset != (Reset{"POST", "/forget"}) || !slices.Equal(s.Metrics.Extra[1].Watched().Command, []string{"read-fan", "--all"}) {
		t.Errorf("got %+v, %+v", s.Metrics, s.Reset)
	}
}

func TestMetricsThatCouldNotBeRead(t *testing.T) {
	for lines, want := range map[string]string{
		"metrics: {path: metrics}":                                                 `metrics.path is "metrics", and must begin with /`,
		"metrics: {map: {x: running}}":                                             "metrics.path does not say where they are",
		"metrics: {path: /m, map: {x: speed}}":                                     `x is mapped to "speed"; there are running, waiting, kv_usage`,
		"metrics: {path: /m, map: {'x{a}': running}}":                              "its labels are not of the form",
		"metrics: {extra: [{name: q, metric: x}]}":                                 "q is of the server's page, and mine has none",
		"metrics: {extra: [{name: q}]}":                                            "q needs either metric",
		"metrics: {path: /m, extra: [{name: q, metric: x, command: [y]}]}":         "q needs either metric",
		"metrics: {path: /m, extra: [{name: mine_q, metric: x}]}":                  "mine_q begins with mine_",
		"metrics: {path: /m, extra: [{name: q, metric: x}, {name: q, metric: y}]}": `two metrics of the name "q"`,
		"metrics: {path: /m, extra: [{name: q, from: node, metric: x}]}":           `from is "node"`,
		"metrics: {port: 2}":                                                       "port",
		"reset: {path: forget}":                                                    `reset.path is "forget"`,
		"reset: {method: POST}":                                                    `reset.path is ""`,
		"proof: [{pattern: x}]":                                                    "needs a name and a pattern",
		`proof: [{name: a, pattern: "x\ty"}]`:                                      "without tabs and newlines",
	} {
		if _, err := with(lines + "\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", lines, err, want)
		}
	}
}
