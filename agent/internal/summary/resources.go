package summary

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Resources are what the job's nodes had to do over the window, by their monitors' readings. Readings are instants or means of the
// time since the one before, each a value; nothing is made up between them.
type Resources struct {
	Began  float64    `json:"began"`  // when the trial's load did, in seconds since 1970 by the clock of the job's first node
	Window [2]float64 `json:"window"` // when the window began and ended, likewise
	Nodes  []NodeUse  `json:"by_node"`
	Late   bool       `json:"late,omitempty"` // the files of some nodes do not reach the window's end yet; the job's end looks again
}

// NodeUse is one node's. What it has no reading of is absent.
type NodeUse struct {
	Node     string  `json:"node"`
	Role     string  `json:"role,omitempty"` // server, client, both as "server, client", monitor, idle
	Readings int64   `json:"readings"`       // in the window
	GapS     float64 `json:"gap_s"`          // seconds of the window that the node was not watched: its monitor had ended, or was held up

	CPU    *Level `json:"cpu,omitempty"`          // busy share of all CPUs, 0 to 1
	Memory *Level `json:"memory_bytes,omitempty"` // that a new process could not have

	GPUs []GPUUse `json:"gpus,omitempty"`
}

// GPUUse is one GPU's.
type GPUUse struct {
	GPU         int    `json:"gpu"`                    // the driver's index
	Utilization *Level `json:"utilization,omitempty"`  // share of the time with a kernel running, 0 to 1
	Memory      *Level `json:"memory_bytes,omitempty"` // in use
	Power       *Level `json:"power_watts,omitempty"`
}

// Energy is what the GPUs of the servers' nodes took over the window, those among them that did nothing included.
type Energy struct {
	Joules         *float64    `json:"joules,omitempty"`        // of all of them; absent: that of one is not known, and Why says of which
	PerRequest     *float64    `json:"per_request_j,omitempty"` // by the requests that ended ok in the window
	PerOutputToken *float64    `json:"per_output_token_j,omitempty"`
	Source         string      `json:"source,omitempty"`      // counter, power, or both as "counter, power"
	Sensor         string      `json:"sensor,omitempty"`      // of power: what the samples are worth
	IdleWatts      *float64    `json:"idle_watts,omitempty"`  // what all of them draw with the server up and no request in flight
	IdleJoules     *float64    `json:"idle_joules,omitempty"` // what that comes to over the window: the part of Joules that no request made
	IdleS          float64     `json:"idle_s,omitempty"`      // how long IdleWatts was looked at, before and between trials
	Why            string      `json:"why,omitempty"`         // there is no Joules
	GPUs           []GPUEnergy `json:"by_gpu"`
}

// GPUEnergy is one GPU's.
type GPUEnergy struct {
	Node      string   `json:"node"`
	GPU       int      `json:"gpu"`
	Joules    *float64 `json:"joules,omitempty"`
	Source    string   `json:"source,omitempty"` // counter: the GPU's own; power: samples, a straight line from one to the next
	GapS      float64  `json:"gap_s"`            // seconds of the window without a reading. A counter counts in them; power is taken to be the mean of the rest
	IdleWatts *float64 `json:"idle_watts,omitempty"`
}

// The sources of an energy.
const (
	ByCounter = "counter"
	ByPower   = "power"
)

// PowerSensor is what power samples are worth: Yang, Adamek and Armour measured that the sensor of an A100 or H100 looks at a
// quarter of the time ("Part-time Power Measurements: nvidia-smi's Lack of Attention", arXiv:2312.02741, 2023).
const PowerSensor = "power samples: the sensor of an A100 or H100 sees about 25 % of the time (arXiv:2312.02741)"

// Span is the trial's window in seconds from its start: from the first node's begin, as long as it came out. False where no node
// had requests.
func Span(parts []*Part, length float64) (from, to float64, known bool) {
	for _, p := range parts {
		if len(p.Phases) > 0 && (!known || p.Window.StartS < from) {
			from, known = p.Window.StartS, true
		}
	}
	return from, from + length, known && length > 0
}

// Share fills in the energy by request and by token of the trial's window.
func (s *Summary) Share() {
	if s.Energy == nil || s.Energy.Joules == nil {
		return
	}
	per := func(rate *float64) *float64 {
		if rate == nil || *rate <= 0 || s.DurationS <= 0 {
			return nil
		}
		return new(*s.Energy.Joules / (*rate * s.DurationS))
	}
	s.Energy.PerRequest, s.Energy.PerOutputToken = per(s.Throughput.RequestsPerS), per(s.Throughput.OutputTokensPerS)
}

// String is the nodes in words: the first four by themselves.
func (r *Resources) String() string {
	var words []string
	for i, n := range r.Nodes {
		if i == named {
			words = append(words, fmt.Sprintf("and %d more", len(r.Nodes)-named))
			break
		}
		words = append(words, n.String())
	}
	return strings.Join(words, "; ")
}

// named is how many nodes or GPUs are told one by one.
const named = 4

// String is a node in words, as "cn02 (server): CPU 12.0 % (max 40.1), memory 3.1 GB (max 3.2), 2 GPUs 80.0 % (max 99.0)".
func (n NodeUse) String() string {
	name := n.Node
	if n.Role != "" {
		name += " (" + n.Role + ")"
	}
	var words []string
	level := func(what string, l *Level, factor float64, unit string) {
		if l != nil {
			words = append(words, fmt.Sprintf("%s %s %s (max %s)", what, short(factor*l.Mean), unit, short(factor*l.Max)))
		}
	}
	level("CPU", n.CPU, 100, "%")
	level("memory", n.Memory, 1e-9, "GB")
	gpus, memory, power := "GPU", "its memory", "its power"
	if len(n.GPUs) > 1 {
		gpus, memory, power = fmt.Sprintf("%d GPUs", len(n.GPUs)), "memory of each", "power of each"
	}
	level(gpus, n.over(func(g GPUUse) *Level { return g.Utilization }), 100, "%")
	level(memory, n.over(func(g GPUUse) *Level { return g.Memory }), 1e-9, "GB")
	level(power, n.over(func(g GPUUse) *Level { return g.Power }), 1, "W")
	if n.Readings == 0 {
		words = append(words, "no readings")
	}
	if n.GapS > 0 && n.Readings > 0 {
		words = append(words, "no readings for "+short(n.GapS)+" s of it")
	}
	return name + ": " + strings.Join(words, ", ")
}

// over is a level over the node's GPUs: the mean of their means, and the highest max.
func (n NodeUse) over(of func(GPUUse) *Level) *Level {
	var sum Level
	k := 0
	for _, g := range n.GPUs {
		if l := of(g); l != nil {
			sum, k = Level{sum.Mean + l.Mean, max(sum.Max, l.Max)}, k+1
		}
	}
	if k == 0 {
		return nil
	}
	return &Level{sum.Mean / float64(k), sum.Max}
}

// Use is a level over the nodes with servers: the mean of their means, and the highest max.
func (r *Resources) Use(of func(NodeUse) *Level) *Level {
	var all NodeUse // as if they were GPUs of one
	for _, n := range r.Nodes {
		if l := of(n); l != nil && strings.Contains(n.Role, "server") {
			all.GPUs = append(all.GPUs, GPUUse{Utilization: l})
		}
	}
	return all.over(func(g GPUUse) *Level { return g.Utilization })
}

// The numbers of a node for Use.
var (
	CPUOf       = func(n NodeUse) *Level { return n.CPU }
	MemoryOf    = func(n NodeUse) *Level { return n.Memory }
	GPUOf       = func(n NodeUse) *Level { return n.over(func(g GPUUse) *Level { return g.Utilization }) }
	GPUMemoryOf = func(n NodeUse) *Level { return n.over(func(g GPUUse) *Level { return g.Memory }) }
	GPUPowerOf  = func(n NodeUse) *Level { return n.over(func(g GPUUse) *Level { return g.Power }) }
)

// Gaps are the nodes that were not watched all of the window, in words; empty where all were.
func (r *Resources) Gaps() string {
	var words []string
	for _, n := range r.Nodes {
		if n.GapS > 0 {
			words = append(words, fmt.Sprintf("%s for %s s", n.Node, short(n.GapS)))
		}
	}
	if len(words) > named {
		words = append(slices.Clone(words[:named]), fmt.Sprintf("and %d more nodes", len(words)-named))
	}
	return strings.Join(words, ", ")
}

// MostGap is the longest time that any node was not watched, in seconds.
func (r *Resources) MostGap() float64 {
	most := 0.0
	for _, n := range r.Nodes {
		most = max(most, n.GapS)
	}
	return most
}

// String is the energy in words.
func (e *Energy) String() string {
	if e.Joules == nil {
		return "not known: " + cmp.Or(e.Why, "no GPU has readings")
	}
	text := short(*e.Joules) + " J of " + fmt.Sprintf("%d GPUs", len(e.GPUs))
	if len(e.GPUs) == 1 {
		text = short(*e.Joules) + " J of a GPU"
	}
	if e.PerOutputToken != nil {
		text += ", " + short(*e.PerOutputToken) + " J an output token"
	}
	if e.PerRequest != nil {
		text += ", " + short(*e.PerRequest) + " J a request"
	}
	if e.IdleJoules != nil {
		text += fmt.Sprintf("; idle they would have taken %s J of it (%s W, looked at for %s s)", short(*e.IdleJoules), short(*e.IdleWatts), short(e.IdleS))
	} else {
		text += "; what they take idle is not known"
	}
	if gap := e.mostGap(); gap > 0 {
		text += fmt.Sprintf("; up to %s s without readings of one", short(gap))
	}
	text += " (" + map[string]string{ByCounter: "their own counters"}[e.Source]
	if e.Source != ByCounter {
		text += e.Sensor
	}
	return text + ")"
}

func (e *Energy) mostGap() float64 {
	most := 0.0
	for _, g := range e.GPUs {
		most = max(most, g.GapS)
	}
	return most
}
