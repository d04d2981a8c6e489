package summary

import (
	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// Drain is the time in which what was in flight could end, after no more was sent.
type Drain struct {
	BoundS float64  `json:"bound_s"`          // how long it could be at most, in seconds
	TookS  *float64 `json:"took_s,omitempty"` // how long it was, on the client node where it was longest; absent: some node does not tell
	Cut    int64    `json:"cut"`              // requests of all phases that had not ended by then, or could never be sent
}

// drain is that of a trial.
func drain(w workload.Workload, parts []*Part) Drain {
	d := Drain{BoundS: w.DrainS}
	known, took := len(parts) > 0, 0.0
	for _, p := range parts {
		for _, n := range p.Phases {
			d.Cut += n.ByOutcome[record.Cancelled.String()] - n.GivenUp + n.ByOutcome[record.NotSent.String()]
		}
		if p.Client == nil || p.Client.ClosedS <= 0 {
			known = false
			continue
		}
		took = max(took, p.Client.WallS-p.Client.ClosedS)
	}
	if known {
		d.TookS = &took
	}
	return d
}
