package plan

import (
	"math"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/recipe"
)

// spread counts the requests that a closed loop keeps in flight, by client node and by endpoint. Slots are dealt as
// agent/workload.Owner deals them; a slot of a batch has its whole group in flight.
func spread(w workload.Workload, nodes, endpoints int) (byNode, byEndpoint []int) {
	batch := max(1, w.Batch)
	slots := max(1, w.Concurrency/batch)
	byNode, byEndpoint = make([]int, nodes), make([]int, endpoints)
	for i := range slots {
		part, endpoint := workload.Owner(i, min(nodes, slots), endpoints)
		byNode[part] += batch
		byEndpoint[endpoint] += batch
	}
	return byNode, byEndpoint
}

// Without a cap nobody knows how many requests an open loop keeps in flight: rate × time in the server (Little's law),
// for which this stands. Beyond the most, a server would spend its memory on places that a queue does as well.
const (
	openS    = 10
	openMost = 256
	replayed = 32 // where the rate is not known either
)

// inFlight is the most requests in flight at one endpoint.
func inFlight(w workload.Workload, nodes, endpoints int) int {
	switch {
	case !w.Open():
		_, byEndpoint := spread(w, nodes, endpoints)
		most := 0
		for _, n := range byEndpoint {
			most = max(most, n)
		}
		return most
	case w.Concurrency > 0:
		return (w.Concurrency + endpoints - 1) / endpoints
	case w.Search != nil && w.Search.High == 0:
		return openMost
	case w.Search != nil:
		return arriving(max(w.Search.Low, w.Search.High), endpoints)
	case w.Sine != nil:
		return arriving(w.Rate*(1+w.Sine.Swing), endpoints)
	case w.Rate == 0: // a trace at its own pace, which gen does not read
		return replayed
	}
	return arriving(w.Rate, endpoints)
}

// arriving is what is in flight at one endpoint where requests come at a rate, as far as gen can guess.
func arriving(rate float64, endpoints int) int {
	return max(1, min(openMost, int(math.Ceil(rate*openS/float64(endpoints)))))
}

// context is how many tokens of prompt and answer a request needs room for: half as many again for what a chat template
// adds and a tokenizer counts differently, as a power of two from 2048.
func context(w recipe.Workload) int {
	need, room := (w.PromptLen+w.GenTokens)*3/2, 2048
	for room < need {
		room *= 2
	}
	return room
}
