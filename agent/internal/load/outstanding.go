package load

import "time"

// outstanding counts requests that were sent and are not done, and integrates their number over the window. It knows nothing of
// records: what these make of it is checked against it (summary.Little).
type outstanding struct {
	sent  int64
	since time.Duration // when their number changed last
	held  int64         // request-ns within the window
}

// change says that there is one more, or one less, from now on. Now may lie before the change that was told last, where the
// kernel says when a packet came: then what was counted since is put right.
func (o *outstanding) change(m *Machine, now time.Duration, by int64) {
	start, end := m.live.Window.Start(), m.live.Window.End()
	from, to, n := o.since, now, o.sent
	if now < o.since {
		from, to, n = now, o.since, by
	}
	if within := min(to, end) - max(from, start); within > 0 {
		o.held += n * int64(within)
	}
	o.sent, o.since = o.sent+by, max(o.since, now)
}

// Held is the number of this share's requests that were sent and not done, integrated over the window, in request-ns. It is
// exact to what other threads agreed on behind the last change here.
func (m *Machine) Held() int64 { return m.outside.held }
