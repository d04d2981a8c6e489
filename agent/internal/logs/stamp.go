package logs

import (
	"strconv"
	"time"
)

// stamp is a time as a line has it, before it is known which day or zone it is of.
type stamp struct {
	kind  stampKind
	at    time.Time     // absolute; of local, yearless and daytime its fields, read as UTC
	since time.Duration // since the program's start
}

type stampKind uint8

const (
	noStamp  stampKind = iota
	absolute           // with its zone
	local              // a date and a time
	yearless           // a month, a day and a time
	daytime            // a time of day
	since              // a time since the program's start
)

// calendar reads the times of one file: in which zone they are and which day they are of.
type calendar struct {
	zone  *time.Location // of the job's nodes
	begin time.Time      // when the program was started; zero: not known
	end   time.Time      // nothing was written later; zero: not known
	utc   bool           // its times are UTC's though the nodes' are not, as in a container with a zone of its own
	known bool           // utc is settled
}

// time is when a stamp was, last being the time of the line before it; the zero time where that can't be said.
func (c *calendar) time(s stamp, last time.Time) time.Time {
	switch s.kind {
	case absolute:
		return s.at
	case since:
		if c.begin.IsZero() {
			return time.Time{}
		}
		return c.begin.Add(s.since)
	case local, yearless, daytime:
		return c.settled(s, last)
	}
	return time.Time{}
}

// settled reads a stamp without a zone. The first one of a file tells whether it is the nodes' zone or UTC: what was written
// before the program began, or after all was over, or is not yet, was not.
func (c *calendar) settled(s stamp, last time.Time) time.Time {
	if !c.known {
		c.known = true
		here := c.in(s, last)
		c.utc = true
		if there := c.in(s, last); c.within(here) || !c.within(there) {
			c.utc = false
		}
	}
	return c.in(s, last)
}

// slack is how far a clock or a note of the job may be off without a zone being suspected: zones are a quarter of an hour apart
// at the least, and nearly all of them an hour.
const slack = 7 * time.Minute

func (c *calendar) within(t time.Time) bool {
	end := c.end
	if end.IsZero() {
		end = time.Now()
	}
	return (c.begin.IsZero() || !t.Before(c.begin.Add(-slack))) && !t.After(end.Add(slack))
}

// in reads a stamp's fields in the file's zone, near the time that is known.
func (c *calendar) in(s stamp, last time.Time) time.Time {
	zone := c.zone
	if c.utc || zone == nil {
		zone = time.UTC
	}
	near := last
	if near.IsZero() {
		near = c.begin
	}
	if near.IsZero() {
		near = c.end
	}
	near = near.In(zone)
	y, m, d := s.at.Date()
	switch {
	case s.kind == local:
	case near.IsZero():
		if s.kind == daytime {
			return time.Time{}
		}
	case s.kind == yearless:
		y = nearest(near.Year(), func(y int) time.Time { return time.Date(y, m, d, 12, 0, 0, 0, zone) }, near)
	default:
		y, m, d = near.Date()
		day := nearest(d, func(d int) time.Time { return clockOn(s.at, y, m, d, zone) }, near)
		d = day
	}
	return clockOn(s.at, y, m, d, zone)
}

// nearest is which of n-1, n and n+1 makes a time that is nearest to t.
func nearest(n int, make func(int) time.Time, t time.Time) int {
	best := n
	for _, k := range []int{n - 1, n + 1} {
		if make(k).Sub(t).Abs() < make(best).Sub(t).Abs() {
			best = k
		}
	}
	return best
}

func clockOn(at time.Time, y int, m time.Month, d int, zone *time.Location) time.Time {
	return time.Date(y, m, d, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), zone)
}

// ParseZone reads a zone as date +%z writes it, such as +0130. UTC where it is none.
func ParseZone(text string) *time.Location {
	if len(text) != 5 || text[0] != '+' && text[0] != '-' {
		return time.UTC
	}
	hours, err := strconv.Atoi(text[1:3])
	minutes, err2 := strconv.Atoi(text[3:])
	if err != nil || err2 != nil || hours > 14 || minutes > 59 {
		return time.UTC
	}
	seconds := hours*3600 + minutes*60
	if text[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone(text, seconds)
}
