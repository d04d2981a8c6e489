package load

import "hpcbench/agent/workload"

// Most is how many requests one client node of an assignment has in flight at most, a group that is one request to the
// server counted once; 0: there is no bound.
func Most(a workload.Assignment) int {
	w := a.Trial.Workload
	if w.Open() && w.Concurrency == 0 || a.Parts < 1 {
		return 0
	}
	most := dealt(slots(w), a.Part, min(a.Parts, slots(w)))
	if !w.Open() && w.Batch > 1 && !joins(w) {
		most *= w.Batch
	}
	return most
}
