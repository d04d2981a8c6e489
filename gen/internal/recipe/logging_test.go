package recipe

import (
	"reflect"
	"testing"

	"hpcbench/agent/workload"
)

func TestWhatBecomesOfLogs(t *testing.T) {
	usual := workload.Logs{JSONLines: true, FlushS: 2, Aggregation: "merged", Format: "text", SizeMB: 2000, Kernel: true}
	with := func(change func(l *workload.Logs)) workload.Logs {
		l := usual
		change(&l)
		return l
	}
	for text, want := range map[string]workload.Logs{
		"":                                   usual,
		", type: tailer, create_jsonl: true": usual,
		", create_jsonl: false":              with(func(l *workload.Logs) { l.JSONLines = false }),
		", outputs: [console], format: json": with(func(l *workload.Logs) { l.JSONLines, l.Console, l.Format = false, true, "json" }),
		", outputs: [file, console]":         with(func(l *workload.Logs) { l.Console = true }),
		", aggregation: true":                usual,
		", aggregation: false":               with(func(l *workload.Logs) { l.Aggregation = "none" }),
		", aggregation: per-node":            with(func(l *workload.Logs) { l.Aggregation = "per-node" }),
		", flush_interval: 500ms":            with(func(l *workload.Logs) { l.FlushS = 0.5 }),
		", categories: [application]":        with(func(l *workload.Logs) { l.Categories, l.Kernel = []string{"application"}, false }),
		", categories: [system, benchmark]":  with(func(l *workload.Logs) { l.Categories = []string{"system", "benchmark"} }),
		", retention: 7d":                    with(func(l *workload.Logs) { l.AgeS = 7 * 86400 }),
		", retention: {size_mb: 50}":         with(func(l *workload.Logs) { l.SizeMB = 50 }),
		", retention: {age: 1h, size_mb: 9}": with(func(l *workload.Logs) { l.AgeS, l.SizeMB = 3600, 9 }),
	} {
		got := only(t, localRecipe("concurrency: 1", "logging: {enabled: true"+text+"}"), nil).Logging
		if !got.Enabled || !reflect.DeepEqual(got.Logs, want) || got.Collects() != (want.JSONLines || want.Console) {
			t.Errorf("logging: {enabled: true%s} is %+v, want %+v", text, got, want)
		}
	}
	if l := only(t, localRecipe("concurrency: 1", "logging: {enabled: false}"), nil).Logging; l.Enabled || l.Kernel || l.Collects() {
		t.Errorf("what is not enabled is %+v", l)
	}
	if l := only(t, localRecipe("concurrency: 1"), nil).Logging; l.Enabled || l.Collects() {
		t.Errorf("without the section it is %+v", l)
	}
}
