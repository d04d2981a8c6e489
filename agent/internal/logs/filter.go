package logs

import (
	"fmt"
	"strings"
	"time"
)

// Filter is which entries are wanted. The zero value wants all.
type Filter struct {
	Trial     string // its number; leading zeros may be left out
	Node      string
	Component string // with or without which of a kind: server, server.d1, server.d1.1
	Category  Category
	Level     Level     // this or a higher one
	From, To  time.Time // zero: no bound
	Request   *Request
}

// Wants tells whether an entry passes.
func (f Filter) Wants(e Entry) bool {
	switch {
	case f.Trial != "" && strings.TrimLeft(f.Trial, "0") != strings.TrimLeft(e.Trial, "0"),
		f.Node != "" && f.Node != e.Node,
		f.Component != "" && !f.component(e),
		f.Category != "" && f.Category != e.Category,
		f.Level != "" && !e.Level.AtLeast(f.Level),
		!f.From.IsZero() && e.Time.Before(f.From),
		!f.To.IsZero() && e.Time.After(f.To),
		f.Request != nil && !f.Request.is(e.Request):
		return false
	}
	return true
}

func (f Filter) component(e Entry) bool {
	whole := e.Component + "." + e.Name
	return e.Component == f.Component || whole == f.Component || strings.HasPrefix(whole, f.Component+".")
}

// Request is one request of a run, as a person names it: trial and index, with the client node between them or without.
type Request struct{ Trial, Probe, Node, Index string }

// ParseRequest reads 0003-17, 3-17 or 0003-mel2001-17; 0003.2-17 is of the second probe of a search.
func ParseRequest(text string) (*Request, error) {
	trial, rest, ok := strings.Cut(text, "-")
	r := &Request{Index: rest}
	if k := strings.LastIndexByte(rest, '-'); k >= 0 {
		r.Node, r.Index = rest[:k], rest[k+1:]
	}
	r.Trial, r.Probe, _ = strings.Cut(trial, ".")
	if !ok || number(r.Trial) < 0 || number(r.Index) < 0 || r.Probe != "" && number(r.Probe) < 0 {
		return nil, fmt.Errorf("%q is no request: want trial and index, such as 0003-17, or an id as it was sent, such as 0003-mel2001-17", text)
	}
	return r, nil
}

// is tells whether an id, as it was sent, is that request's.
func (r *Request) is(id string) bool {
	own, err := ParseRequest(id)
	return err == nil && number(own.Trial) == number(r.Trial) && number(own.Index) == number(r.Index) && own.Probe == r.Probe &&
		(r.Node == "" || r.Node == own.Node)
}

// Around is the time of a run that a person means: a time of day, of the day that is nearest to the run's; a date and time in
// the zone of its nodes; or a time with a zone of its own.
func (j *Job) Around(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	c := calendar{zone: j.Zone, begin: j.Begin, known: true}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, j.Zone); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		near := j.Begin
		if !j.End.IsZero() {
			near = j.Begin.Add(j.End.Sub(j.Begin) / 2)
		}
		if near.IsZero() {
			near = time.Now()
		}
		return c.in(stamp{kind: daytime, at: t}, near), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: want 12:03:04, 2026-01-31 12:03:04 or 2026-01-31T12:03:04+01:00", text)
}
