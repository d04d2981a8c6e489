package load

import "time"

// outstanding counts requests that were sent and are not done, and integrates their number over the window. It knows nothing of
// records: what these make of it is checked against it (summary.Little).
type outstanding struct {
	sent  int64
	since time.Duration // when their number changed last
	held  int64         // request-ns within the window
}

// change says that there is one more, or one less, from now on.
func (f *outstanding) change(m *Machine, now time.Duration, by int64) {
	if within := min(now, m.live.Window.End()) - max(f.since, m.live.Window.Start()); within > 0 {
		f.held += f.sent * int64(within)
	}
	f.sent, f.since = f.sent+by, now
}

// Held is the number of this share's requests that were sent and not done, integrated over the window, in request-ns. It is
// exact to what other threads agreed on behind the last change here.
func (m *Machine) Held() int64 { return m.outside.held }
