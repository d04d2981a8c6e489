package truth

// Measured is what a client says of one request, in seconds. Nil: it does not say.
type Measured struct {
	ID     string // the X-Request-Id that it sent
	Number int64  // where it keeps no id: the number at the end of the answer's id
	TTFT   *float64
	E2EL   *float64
	Gaps   []float64
	TPOT   *float64 // the mean of the gaps, from clients that keep no more of them
}

// Errors are measured minus true values, in seconds, of requests that both sides know.
type Errors struct {
	Joined          int // requests that both know
	Lost            int // that only the client knows
	TTFT, E2EL, Gap []float64
	Means           bool // Gap has an error for each request's mean gap, not for each gap
}

// Hold joins the two sides by the id of the request, or by the number of the answer.
func Hold(measured []Measured, lines []Line) Errors {
	byID, byNumber := map[string]Line{}, map[int64]Line{}
	for _, l := range lines {
		if l.ID != "" {
			byID[l.ID] = l
		}
		byNumber[l.Number] = l
	}
	var e Errors
	for _, m := range measured {
		l, ok := byID[m.ID]
		if m.ID == "" {
			l, ok = byNumber[m.Number]
		}
		if !ok {
			e.Lost++
			continue
		}
		e.Joined++
		e.add(m, l)
	}
	return e
}

func (e *Errors) add(m Measured, l Line) {
	if m.TTFT != nil {
		e.TTFT = append(e.TTFT, *m.TTFT-l.TTFT())
	}
	if m.E2EL != nil {
		e.E2EL = append(e.E2EL, *m.E2EL-l.E2EL())
	}
	gaps := l.Gaps()
	if len(gaps) == 0 {
		return
	}
	if m.TPOT != nil {
		e.Means = true
		e.Gap = append(e.Gap, *m.TPOT-(l.E2EL()-l.TTFT())/float64(len(gaps)))
	}
	// A client may count what ends the stream as one more gap. Fewer than there were can't be told apart: none are taken.
	if m.TPOT == nil && len(m.Gaps) >= len(gaps) {
		for k, gap := range gaps {
			e.Gap = append(e.Gap, m.Gaps[k]-gap)
		}
	}
}
