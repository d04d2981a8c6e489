package load

import (
	"fmt"

	"hpcbench/agent/internal/draw"
	"hpcbench/agent/workload"
)

// route says which endpoint a request goes to. Endpoints are indices into the assignment's.
type route struct {
	routing   string
	parts     int
	endpoints []int  // that take turns; nil: all
	n         int    // how many take turns
	seed      uint64 // of random
}

// endpoint is where a request goes: the one with this id, of the slot or arrival with index i over all parts, in which
// it is the k-th.
func (r *route) endpoint(id int64, i, k int) int {
	turn := i / r.parts
	switch r.routing {
	case "random":
		return int(draw.Bits(r.seed, id) % uint64(r.n))
	case "all-to-all":
		turn += k
	}
	if r.endpoints != nil {
		return r.endpoints[turn%r.n]
	}
	return turn % r.n
}

// routeSalt keeps the draw of a request's endpoint apart from every other draw with the workload's seed.
const routeSalt = 0x726f757465

// newRoute finds the routing of a client node, whose slots or arrivals are dealt to so many parts.
func newRoute(a workload.Assignment, parts int) (route, error) {
	w := a.Trial.Workload
	r := route{routing: w.Routing, parts: parts, n: len(a.Endpoints), seed: uint64(w.Seed) ^ routeSalt}
	switch w.Routing {
	case "", "round-robin", "random", "all-to-all":
		if w.Routes != nil {
			return r, fmt.Errorf("routes with routing %q: only static has them", w.Routing)
		}
		return r, nil
	case "static":
	default:
		return r, fmt.Errorf("unknown routing %q (known: round-robin, random, all-to-all, static)", w.Routing)
	}
	if len(w.Routes) != a.Parts {
		return r, fmt.Errorf("routes for %d client nodes: there are %d", len(w.Routes), a.Parts)
	}
	for node, list := range w.Routes {
		if len(list) == 0 {
			return r, fmt.Errorf("routes of client node %d (from 0): no endpoint", node)
		}
		for _, k := range list {
			if k < 0 || k >= len(a.Endpoints) {
				return r, fmt.Errorf("routes of client node %d (from 0): endpoint %d, there are 0 to %d", node, k, len(a.Endpoints)-1)
			}
		}
	}
	r.endpoints = w.Routes[a.Part]
	r.n = len(r.endpoints)
	return r, nil
}
