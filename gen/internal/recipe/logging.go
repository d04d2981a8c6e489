package recipe

import (
	"slices"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/diag"
)

// Logging says what becomes of the logs while a job runs.
type Logging struct {
	Enabled bool
	workload.Logs
}

// Collects tells whether a program is to read the logs while the job runs.
func (l Logging) Collects() bool { return l.Enabled && (l.JSONLines || l.Console) }

// What holds where a recipe that wants its logs collected is silent: a write each two seconds, and a size that a disk bears.
const (
	flushS = 2
	sizeMB = 2000
)

const loggingAt = "logging."

func (v *values) logging() Logging {
	l := Logging{Enabled: v.yes(loggingAt + "enabled"), Logs: workload.Logs{
		JSONLines: true, FlushS: flushS, Aggregation: "merged", Categories: v.list(loggingAt + "categories"), Format: "text", SizeMB: sizeMB,
	}}
	if n := v.node(loggingAt + "create_jsonl"); n != nil {
		l.JSONLines = n.value == true
	}
	if outputs := v.list(loggingAt + "outputs"); outputs != nil {
		l.JSONLines = l.JSONLines && slices.Contains(outputs, "file")
		l.Console = slices.Contains(outputs, "console")
	}
	if s := v.seconds(loggingAt + "flush_interval"); s > 0 {
		l.FlushS = s
	}
	if n := v.node(loggingAt + "aggregation"); n != nil {
		switch n.value {
		case true:
		case false:
			l.Aggregation = "none"
		default:
			l.Aggregation = n.word()
		}
	}
	if f := v.text(loggingAt + "format"); f != "" {
		l.Format = f
	}
	v.retention(&l.Logs)
	l.Kernel = l.Enabled && (len(l.Categories) == 0 || slices.Contains(l.Categories, "system"))
	return l
}

// retention is an age, or an age and a size.
func (v *values) retention(l *workload.Logs) {
	const at = loggingAt + "retention"
	if n := v.base[at]; n != nil && n.kind != mapping {
		l.AgeS = v.seconds(at)
		return
	}
	l.AgeS = v.seconds(at + ".age")
	if mb := v.whole(at + ".size_mb"); mb > 0 {
		l.SizeMB = mb
	}
}

// logs: what has no effect on them is told.
func (c *check) logs() {
	if !c.has("logging") {
		return
	}
	l := c.logging()
	idle := func(key, cure, why string) {
		if at := loggingAt + key; c.written(at) && !c.node(at).refused() {
			c.l.Hintf(c.keyAt(at), "no-effect", cure, "%s has no effect: %s", at, why)
			c.l.Fix(c.delete(at))
		}
	}
	if !c.has(loggingAt + "enabled") {
		c.l.Hintf(c.keyAt("logging"), "no-effect", "write logging.enabled: true, or delete it", "logging has no effect: it is not enabled")
		c.l.Fix(diag.Add(loggingAt+"enabled", "true").Asked())
		return
	}
	if !l.Enabled { // idle tells of each key
		return
	}
	if !l.JSONLines {
		idle("aggregation", "delete it", "no JSON lines are written")
	}
	if !l.Console {
		idle("format", "add console to logging.outputs, or delete it", "nothing goes to the console")
	}
	if !l.Collects() {
		for _, key := range []string{"flush_interval", "categories"} {
			idle(key, "delete it", "no line is collected")
		}
	}
	if c.good(loggingAt+"flush_interval") && c.seconds(loggingAt+"flush_interval") < 0.1 {
		c.l.Errorf(c.at(loggingAt+"flush_interval"), "out-of-range", "write 100ms or more", "logging.flush_interval is %g s", c.seconds(loggingAt+"flush_interval"))
	}
}
