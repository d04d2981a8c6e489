package recipe

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"hpcbench/gen/internal/diag"

	"hpcbench/agent/workload"
)

// load: how much load there is, when it comes, and of what.
func (c *check) load() {
	c.counts()
	c.arrival()
	c.sought()
	c.closed()
	c.tokens()
	c.named()
	c.window()
	c.unstreamed()
	c.asked()
}

// unstreamed: an answer in one piece has no first token of its own.
func (c *check) unstreamed() {
	if c.Workload.Stream || c.node("workload.stream").refused() {
		return
	}
	for _, key := range []string{"workload.slo.ttft", "workload.slo.tpot", "workload.slo.itl"} {
		if c.written(key) && c.seconds(key) > 0 {
			c.l.Hintf(c.keyAt(key), "no-effect", "delete it, or write stream: true", "%s has no effect without streaming: there is no first token", key)
			c.l.Fix(c.delete(key))
		}
	}
}

// counts: which of the values that say how much load there is counts.
func (c *check) counts() {
	w := c.Workload
	perNode := c.good("workload.clients_per_node")
	switch {
	case !perNode:
	case c.Workload.Open():
		c.l.Hintf(c.at("workload.clients_per_node"), "no-effect", "delete it; concurrency would cap what is in flight", "clients_per_node has no effect with %s", c.openBy())
		c.l.Fix(c.delete("workload.clients_per_node"))
	case c.good("workload.concurrency"):
		c.l.Hintf(c.at("workload.clients_per_node"), "concurrency-wins", "delete the one that is not meant",
			"clients_per_node has no effect: concurrency on line %d wins over it", c.file.Pos("workload.concurrency").Line)
		c.l.Fix(c.delete("workload.clients_per_node"))
	}
	if nodes := c.Orchestration.Nodes.Clients; w.Concurrency > 0 && w.Concurrency < nodes && w.Suite == "" {
		c.l.Warnf(c.at("workload.concurrency"), "idle-clients", fmt.Sprintf("write at least %d, or fewer client nodes", nodes),
			"%d in flight over %d client nodes leaves some without work", w.Concurrency, nodes)
	}
	nodes := c.Orchestration.Senders()
	if rate := w.fastest(); rate > float64(manyRequests*nodes) {
		c.l.Warnf(c.at(c.rateKey()), "large-rate", "is it meant? more client nodes share it", "%g requests/s over %s is more than a client node was seen to send", rate, diag.Several(nodes, "client node"))
	}
	if c.InFlight() > manyStreams*nodes {
		c.l.Warnf(c.at("workload.concurrency"), "large-concurrency", "is it meant? more client nodes share it", "%d in flight over %s is more than most systems let a process have open", c.InFlight(), diag.Several(nodes, "client node"))
	}
}

const (
	manyRequests = 20_000 // a second, of one client node
	manyStreams  = 15_000 // of one client node: the usual limit of open files is 20,000 or less
	manyPoints   = 1_000
)

// fastest is the highest mean rate that a load is asked for.
func (w Workload) fastest() float64 {
	if w.Search != nil {
		return max(w.Search.Low, w.Search.High)
	}
	return w.TargetRPS
}

// openBy is the key that makes the load an open loop.
func (c *check) openBy() string {
	switch {
	case c.Workload.Search != nil:
		return "search"
	case c.good("workload.target_rps") || c.Workload.RequestDistribution == "replay":
		return "target_rps"
	}
	return strings.TrimPrefix(c.rateKey(), "workload.")
}

// rateKey is the key that says the rate.
func (c *check) rateKey() string {
	if s := c.Workload.Search; s != nil {
		if s.High > s.Low {
			return "workload.search.high"
		}
		return "workload.search.low"
	}
	switch c.Workload.RequestDistribution {
	case "ramp":
		return "workload.ramp.to"
	case "step":
		return "workload.steps"
	}
	return "workload.target_rps"
}

// arrival: the law of an open loop and the keys that it has.
func (c *check) arrival() {
	w, at := c.Workload, "workload.request_distribution"
	if c.node(at).refused() {
		return
	}
	for _, l := range laws {
		switch {
		case c.node(l.key).refused():
		case c.has(l.key) && l.law != w.RequestDistribution:
			c.l.Errorf(c.keyAt(l.key), "conflict", fmt.Sprintf("write request_distribution: %s, or delete it", l.law),
				"%s is of the law %s, and the requests follow %s", l.key, l.law, w.RequestDistribution)
			if c.written(at) {
				c.l.Fix(c.write(at, l.law).Asked())
			}
		case !c.has(l.key) && l.law == w.RequestDistribution:
			c.l.Errorf(c.lawAt(), "missing-field", fmt.Sprintf("write %s, or another law", l.key), "%s needs %s", l.law, l.key)
		}
	}
	switch w.RequestDistribution {
	case "gamma", "burst", "sine":
		if w.TargetRPS == 0 && w.Search == nil && !c.node("workload.target_rps").refused() {
			c.l.Errorf(c.lawAt(), "missing-field", `write, for example, "target_rps: 20"`, "%s needs workload.target_rps, its mean", w.RequestDistribution)
		}
		c.burst()
		c.sine()
	case "ramp":
		c.mean("workload.ramp", w.TargetRPS)
		if c.brought("workload.ramp") && (!c.good("workload.ramp.from") || !c.good("workload.ramp.to")) && !c.refusedAny("workload.ramp.from", "workload.ramp.to") {
			c.l.Errorf(c.keyAt("workload.ramp"), "missing-field", "write ramp: {from: 1, to: 20}", "workload.ramp needs from and to")
		}
	case "step":
		c.mean("workload.steps", w.TargetRPS)
		c.stepTimes(w.Steps)
	case "poisson":
		if w.TargetRPS == 0 && w.Search == nil && c.good(at) {
			c.l.Hintf(c.at(at), "no-effect", "write target_rps for an open loop", "request_distribution has no effect without target_rps")
		}
	}
}

// lawAt is the place that says the law.
func (c *check) lawAt() diag.Pos {
	if c.written("workload.request_distribution") {
		return c.at("workload.request_distribution")
	}
	for _, l := range laws {
		if l.law == c.Workload.RequestDistribution && c.has(l.key) {
			return c.keyAt(l.key)
		}
	}
	return c.at("workload.request_distribution")
}

// burst: groups, or times of load and of none.
func (c *check) burst() {
	b := c.Workload.Burst
	if b == nil || !c.has("workload.burst") || c.refusedAny("workload.burst.on", "workload.burst.off", "workload.burst.size") {
		return
	}
	switch {
	case b.OffS > 0 && b.OnS == 0:
		c.l.Errorf(c.keyAt("workload.burst"), "missing-field", "write burst: {on: 5s, off: 10s}", "burst has off without on")
	case b.OffS == 0 && b.Size < 2:
		c.l.Hintf(c.keyAt("workload.burst"), "no-effect", "write off, or a size above 1", "burst without off and size is constant")
	}
}

// sine: a wave has a length.
func (c *check) sine() {
	const at = "workload.sine.period"
	if c.Workload.Sine != nil && c.good(at) && c.Workload.Sine.PeriodS == 0 {
		c.l.Errorf(c.at(at), "out-of-range", "write a duration above 0", "%s is 0", at)
	}
}

// mean: a law that has its own rates needs no other.
func (c *check) mean(key string, mean float64) {
	if !c.has(key) || c.node(key).refused() || slices.ContainsFunc(c.base[key].items, func(step *node) bool {
		return step.bad || step.get("rate") == nil || step.get("duration") == nil
	}) {
		return
	}
	if mean == 0 {
		c.l.Errorf(c.keyAt(key), "out-of-range", "write a rate above 0", "%s has no request at all", key)
		return
	}
	const at = "workload.target_rps"
	if given := c.num(at); c.good(at) && given != mean {
		c.l.Errorf(c.at(at), "conflict", "delete it", "target_rps is %g, and the mean of %s is %g", given, key, mean)
		c.l.Fix(c.delete(at))
	}
}

// stepTimes: the window should have room for all steps.
func (c *check) stepTimes(steps []workload.Step) {
	sum := 0.0
	for i, s := range steps {
		if n := c.node("workload.steps").items[i].get("duration"); s.DurationS == 0 && n != nil && !n.bad {
			c.l.Errorf(n.pos, "out-of-range", "write a duration above 0", "a step of no length has no requests")
		}
		sum += s.DurationS
	}
	if given := c.seconds("workload.duration"); c.good("workload.duration") && given < sum {
		c.l.Warnf(c.at("workload.duration"), "short-window", fmt.Sprintf("delete it, or write %gs", sum), "the window of %g s ends before the steps do, which take %g s", given, sum)
		c.l.Fix(c.delete("workload.duration"))
	}
}

// slotted: how the requests in flight of a closed loop begin, and in which groups.
func (c *check) slotted() {
	w := c.Workload
	if ramp := "workload.ramp_up"; w.WarmupS >= 0 && w.RampUpS > w.WarmupS && c.good(ramp, "workload.warmup") {
		c.l.Warnf(c.at(ramp), "ramp-up", fmt.Sprintf("write warmup: %gs or more", w.RampUpS), "ramp_up takes %g s and the warm-up %g s: the window begins before all requests are in flight", w.RampUpS, w.WarmupS)
	}
	if n := c.InFlight(); w.Batch > 1 && n%w.Batch != 0 && c.written("workload.batch") && !c.node("workload.concurrency").refused() {
		c.l.Hintf(c.at("workload.batch"), "groups", fmt.Sprintf("make concurrency a multiple of batch, such as %d", (n+w.Batch-1)/w.Batch*w.Batch),
			"%d in flight in groups of %d are %d", n, w.Batch, max(1, n/w.Batch)*w.Batch)
	}
}

// closed: what only a closed loop, or only an open one, knows.
func (c *check) closed() {
	if !c.Workload.Open() {
		c.slotted()
		return
	}
	for _, key := range []string{"think_time", "ramp_up"} {
		s := map[string]float64{"think_time": c.Workload.ThinkTimeS, "ramp_up": c.Workload.RampUpS}[key]
		if at := "workload." + key; s > 0 && (key == "ramp_up" || c.Workload.Turns < 2) && c.has(at) && !c.node(at).refused() {
			c.l.Hintf(c.at(at), "no-effect", "delete it", "%s has no effect in an open loop", key)
			c.l.Fix(c.delete(at))
		}
	}
	if c.Workload.Batch > 1 && c.good("workload.batch") {
		c.l.Errorf(c.at("workload.batch"), "conflict", "write burst: {size: N} for groups at one instant, or delete target_rps",
			"batch is of a closed loop: its next group follows when the last is done, and target_rps says when requests come")
	}
}

// tokens: the lengths of prompts and answers.
func (c *check) tokens() {
	w := c.Workload
	for _, l := range []struct {
		key string
		law *workload.Length
	}{{"workload.prompt_len", w.PromptLaw}, {"workload.gen_tokens", w.GenLaw}} {
		switch {
		case l.law == nil || c.node(l.key).refused():
		case l.law.Law == "uniform" && l.law.A > l.law.B:
			c.l.Errorf(c.at(l.key), "bad-value", fmt.Sprintf("write [%g, %g]", l.law.B, l.law.A), "%s runs from %g down to %g", l.key, l.law.A, l.law.B)
		case l.law.Law != "uniform" && l.law.A < 1:
			c.l.Errorf(c.at(l.key), "out-of-range", "write a mean of 1 or more", "the mean of %s is %g tokens", l.key, l.law.A)
		}
	}
	if p := w.Prefix; p != nil && p.Tokens >= w.PromptLen && w.Dataset == "" && w.PromptLen > 0 && !c.refusedAny("workload.prefix.tokens", "workload.prompt_len") {
		c.l.Errorf(c.at("workload.prefix.tokens"), "prefix", fmt.Sprintf("write less than %d, or longer prompts", w.PromptLen), "prompts of %d tokens can't share their first %d", w.PromptLen, p.Tokens)
	}
	if w.Dataset == "" {
		return
	}
	for _, key := range []string{"workload.prompt_len", "workload.prefix.share", "workload.token_ids.first"} {
		if c.written(key) {
			section := strings.TrimSuffix(strings.TrimSuffix(key, ".share"), ".first")
			c.l.Hintf(c.keyAt(key), "no-effect", "delete it", "%s has no effect: prompts come from the dataset", section)
			c.l.Fix(c.delete(section))
		}
	}
}

// named: an entry of benchmark_suite stands in the place of what it says.
func (c *check) named() {
	if c.Workload.Suite == "" {
		return
	}
	e := c.node(suite)
	for _, key := range []string{"target_rps", "ramp", "steps", "trace", "search", "concurrency", "clients_per_node", "think_time"} {
		other := map[string]string{"concurrency": "num_threads", "clients_per_node": "num_threads", "think_time": "sleep_seconds"}[key]
		if at := "workload." + key; c.written(at) && c.has(at) && (other == "" || e.get(other) != nil) && !c.node(at).is(wrap("0s")) {
			c.l.Errorf(c.keyAt(at), "conflict", fmt.Sprintf("delete %s here, or benchmark_suite", key), "the entry %q of benchmark_suite says its load in a closed loop, and %s another", clip(c.Workload.Suite), key)
			c.l.Fix(c.delete(at))
		}
	}
	if e.get("duration") != nil && c.written("workload.duration") {
		c.l.Errorf(c.keyAt("workload.duration"), "conflict", "delete it here, or in every entry of benchmark_suite", "the entry %q of benchmark_suite has a duration, too", clip(c.Workload.Suite))
		c.l.Fix(c.delete("workload.duration"))
	}
}

// window: it should hold many requests one after the other, where it is known how long one takes.
func (c *check) window() {
	slo := c.Workload.SLO
	for _, metric := range []string{"ttft", "tpot", "itl"} {
		if at := "workload.slo." + metric; slo[metric] >= 20 && c.good(at) && c.node(at).plain && c.node(at).word() == fmt.Sprint(slo[metric]) {
			c.l.Warnf(c.at(at), "slow-slo", fmt.Sprintf("write %gms, if that is meant", slo[metric]), "slo.%s is %g, a number of seconds", metric, slo[metric])
			c.l.Fix(c.write(at, fmt.Sprintf("%gms", slo[metric])).Asked())
		}
	}
	expected := slo["e2el"]
	if expected == 0 && slo["tpot"] > 0 {
		expected = slo["ttft"] + slo["tpot"]*float64(c.Workload.GenTokens)
	}
	if d := c.Workload.DurationS; d > 0 && expected > 0 && d < 10*expected && c.good("workload.duration") {
		c.l.Warnf(c.at("workload.duration"), "short-window", fmt.Sprintf("write at least %.0fs", math.Ceil(10*expected)),
			"a request may take %.3g s by the SLO, and a window of %g s holds fewer than ten one after the other", expected, d)
		c.l.Fix(c.write("workload.duration", fmt.Sprintf("%.0fs", math.Ceil(10*expected))))
	}
}
