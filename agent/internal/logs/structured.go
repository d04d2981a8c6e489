package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields are what a JSON line of ours says beside time, level and message: whose it is.
type fields struct {
	Node, Component, Trial, Category, Request string
}

// structured reads lines that have names for their fields: JSON, ours or another program's, and Go's slog text (Ollama's, Prometheus's; go-kit's of an older
// Pushgateway).
func structured(text string) (line, bool) {
	switch {
	case strings.HasPrefix(text, "{"):
		return jsonLine(text)
	case strings.HasPrefix(text, "time="), strings.HasPrefix(text, "ts="):
		return slogLine(text)
	}
	return line{}, false
}

// jsonLine reads {"time":…,"level":…,"message":…}, where other names that programs use do as well. What else the object has
// stands behind the message as name=value.
func jsonLine(text string) (line, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	object, names, err := ordered(d)
	if err != nil {
		return line{}, false
	}
	l := line{json: new(fields)}
	var rest []string
	for _, name := range names {
		value := object[name]
		if !l.take(name, value) {
			rest = append(rest, name+"="+shown(value))
		}
	}
	if l.message == "" && l.level == "" && l.stamp.kind == noStamp {
		return line{}, false // JSON, and no log line
	}
	l.message = strings.TrimSpace(strings.Join(append([]string{l.message}, rest...), " "))
	return l, true
}

// take enters a field that has a place of its own.
func (l *line) take(name string, value any) bool {
	text, isText := value.(string)
	switch name {
	case "time", "timestamp", "ts", "asctime", "@timestamp":
		return l.timed(value)
	case "level", "levelname", "severity", "lvl":
		l.level = level(shown(value))
		return l.level != ""
	case "message", "msg":
		l.message = text
		return isText
	case "node":
		l.json.Node = text
	case "component":
		l.json.Component = text
	case "trial":
		l.json.Trial = text
	case "category":
		l.json.Category = text
		return slices.Contains(Categories, Category(text)) // a finer word of ours is worth to be read
	case "request_id":
		l.json.Request = text
	default:
		return false
	}
	return isText
}

// timed reads a time in words or in seconds since 1970.
func (l *line) timed(value any) bool {
	var ok bool
	switch v := value.(type) {
	case string:
		if l.stamp, ok = zoned(v); ok {
			return true
		}
		if m := datedForm.FindStringSubmatch(v + " "); m != nil {
			var own line
			own, ok = dated(m)
			l.stamp = own.stamp
		}
	case json.Number:
		seconds, err := v.Float64()
		if ok = err == nil && seconds > 1e8 && seconds < 1e11; ok {
			l.stamp = stamp{kind: absolute, at: time.Unix(0, int64(seconds*1e9)).UTC()}
		}
	}
	return ok
}

var errNoObject = errors.New("no JSON object, or more than one")

// ordered reads one object, with the order of its names; more than one value is an error.
func ordered(d *json.Decoder) (map[string]any, []string, error) {
	object, names := map[string]any{}, []string(nil)
	open, err := d.Token()
	if err != nil || open != json.Delim('{') {
		return nil, nil, errNoObject
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, nil, err
		}
		key := name.(string) // an object's names are strings, or Token fails
		if _, twice := object[key]; !twice {
			names = append(names, key)
		}
		object[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	if d.More() {
		return nil, nil, errNoObject
	}
	return object, names, nil
}

// shown is a value as a person reads it.
func shown(value any) string {
	switch v := value.(type) {
	case string:
		if v == "" || strings.ContainsAny(v, " \"=") {
			return strconv.Quote(v)
		}
		return v
	case json.Number:
		return v.String()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // it came out of JSON
	return strings.TrimSpace(b.String())
}

var slogText = regexp.MustCompile(`^(?:time|ts)=("[^"]*"|\S+) (?:caller=\S+ )?level=(\w+)(?:[+-]\d+)? (?:source=(\S+) )?msg=("(?:[^"\\]|\\.)*"|\S*)(.*)$`)

// slogLine reads time=2026-11-26T07:50:34.583Z level=INFO source=routes.go:1802 msg="server config" env=…
func slogLine(text string) (l line, ok bool) {
	m := slogText.FindStringSubmatch(text)
	if m == nil {
		return l, false
	}
	if l.stamp, ok = zoned(strings.Trim(m[1], `"`)); !ok {
		return l, false
	}
	message := m[4]
	if plain, err := strconv.Unquote(message); err == nil {
		message = plain
	}
	l.level, l.message = level(m[2]), message+m[5]
	return l, true
}
