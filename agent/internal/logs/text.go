package logs

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
	"time"
)

// consoleMark stands in a line that a collector writes to the job's own output, behind whose line it is.
const consoleMark = " │ "

// Text is an entry as a person reads it: time of day in a zone (with ~ where it is not the line's own), level, node, component,
// trial, message and place.
func (e Entry) Text(zone *time.Location) string { return e.text(zone, ": ") + " (" + e.place() + ")" }

// Console is the same for the job's own output, by a mark of which it is known there.
func (e Entry) Console(zone *time.Location) string { return e.text(zone, consoleMark) }

func (e Entry) text(zone *time.Location, mark string) string {
	about := " "
	if e.Clock != Own {
		about = "~"
	}
	whose := []string{e.Node, e.Component}
	if e.Name != "" {
		whose[1] += "." + e.Name
	}
	if about := cmp.Or(e.Request, e.Trial); about != "" { // a request's id begins with its trial
		whose = append(whose, about)
	}
	return about + e.Time.In(zone).Format("15:04:05.000") + " " + (string(e.Level) + "     ")[:5] + " " +
		strings.TrimSpace(strings.Join(whose, " ")) + mark + e.Message
}

func (e Entry) place() string {
	var b bytes.Buffer
	b.WriteString(e.File)
	b.WriteByte(':')
	b.WriteString(strconv.Itoa(e.Line))
	return b.String()
}

// isConsole tells whether a line of the job's output is one that a collector wrote there: text with its mark behind a time and a
// level, or JSON with a file and a line.
func isConsole(line []byte) bool {
	if bytes.HasPrefix(line, []byte(`{"time":"`)) {
		return bytes.Contains(line, []byte(`,"file":"`)) && bytes.Contains(line, []byte(`,"line":`))
	}
	if len(line) < 20 || line[0] != ' ' && line[0] != '~' || line[3] != ':' || line[6] != ':' || line[9] != '.' {
		return false
	}
	return bytes.Contains(line, []byte(consoleMark))
}
