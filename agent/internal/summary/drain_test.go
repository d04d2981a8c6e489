package summary

import (
	"testing"

	"hpcbench/agent/internal/record"
)

func TestTheDrainIsStated(t *testing.T) {
	tr := trial()
	up := failed(4, record.Cancelled)
	up.GivenUp, up.FirstToken = true, 4.1
	late := failed(12.5, record.NotSent)
	late.Phase = record.Cooldown
	first := collect(tr, 0, 2, answer(3, 3, 0.1), up, failed(11, record.Cancelled), late)
	second := collect(tr, 1, 2, answer(3, 3, 0.1))
	first.Client, second.Client = &Client{WallS: 17, ClosedS: 12}, &Client{WallS: 12.5, ClosedS: 12}
	d := Merge(tr, []*Part{throughJSON(t, first), throughJSON(t, second)}).Drain
	if d.BoundS != 5 || d.TookS == nil || *d.TookS != 5 || d.Cut != 2 {
		t.Errorf("%+v, want 5 of 5 s, and two cut: what was given up on purpose was not", d)
	}
	second.Client = nil
	if d = Merge(tr, []*Part{first, second}).Drain; d.TookS != nil {
		t.Errorf("it took %v s, and a node does not tell", *d.TookS)
	}
}
