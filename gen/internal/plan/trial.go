package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"hpcbench/agent/workload"
	"hpcbench/gen/internal/recipe"
)

// trials are those of one start of a server: all points in the first repetition, then all in the second, so that a slow
// drift of the machine falls on every point alike.
func (m *maker) trials(d *Deployment) []*Trial {
	var all []*Trial
	reps := 0
	for _, pt := range d.points {
		reps = max(reps, pt.Recipe.Repetitions)
	}
	for rep := 1; rep <= max(1, reps); rep++ {
		for _, pt := range d.points {
			if rep <= max(1, pt.Recipe.Repetitions) {
				all = append(all, m.trial(d, pt, rep))
			}
		}
	}
	d.Trials = len(all)
	d.Dialect = all[0].Workload.Dialect
	return all
}

func (m *maker) trial(d *Deployment, pt recipe.Point, rep int) *Trial {
	r := pt.Recipe
	point := map[string]any{}
	for _, v := range pt.Values {
		point[v.Path] = v.V
	}
	t := &Trial{Trial: workload.Trial{
		Schema: workload.Schema, Name: name(pt, m.load(r)), Scenario: r.Scenario, Deployment: d.ID, Point: point,
		Repetition: rep, Restart: d.Restart, Service: m.svc.Name, Workload: m.load(r),
	}}
	if r := m.svc.Reset; r.Path != "" {
		t.Reset = &workload.Reset{Method: r.Method, Path: r.Path}
	}
	t.Name += suffix("s", d.Restart, r.Restarts) + suffix("r", rep, r.Repetitions)
	again := max(0, d.Restart-1)*max(1, r.Repetitions) + rep // every measurement of a point is a sample of its own
	t.Workload.Seed = r.Seed + int64(again) - 1
	t.Workload.PromptSeed = promptSeed(r.Seed, pt.Values, again)
	t.Seconds = seconds(t.Workload)
	return t
}

// suffix is "-r2" for the second of several, and nothing for the only one.
func suffix(letter string, k, of int) string {
	if of <= 1 {
		return ""
	}
	return fmt.Sprintf("-%s%d", letter, k)
}

// load is the workload of a recipe, but for its seeds.
func (m *maker) load(r *recipe.Recipe) workload.Workload {
	w := r.Workload
	l := workload.Workload{
		Dialect: cmp.Or(w.Dialect, m.svc.Dialects[0]), Model: w.Model, Stream: w.Stream,
		Concurrency: r.InFlight(), Rate: w.TargetRPS, ThinkTimeS: w.ThinkTimeS, ThinkLaw: w.ThinkLaw,
		DrainS: w.TimeoutS, TimeoutS: w.TimeoutS,
		InputTokens: w.PromptLen, InputLaw: w.PromptLaw, MaxTokens: w.GenTokens, OutputLaw: w.GenLaw,
		Dataset: w.Dataset, Tokenizer: w.Tokenizer, TokenIDs: w.TokenIDs, Prefix: w.Prefix, IgnoreEOS: w.IgnoreEOS, Temperature: w.Temperature, CancelShare: w.CancelShare,
		ExtraBody: w.ExtraBody, Headers: w.Headers, APIKeyFile: w.APIKeyFile, SLO: w.SLO,
		ConnRequests: w.ConnRequests, KernelStamps: w.KernelStamps, Search: w.Search,
	}
	if w.Dataset != "" { // its prompts are as long as they are
		l.InputTokens, l.InputLaw, l.Prefix, l.TokenIDs = 0, nil, nil, nil
	}
	if w.Batch > 1 {
		l.Batch = w.Batch
	}
	if w.Turns > 1 {
		l.Turns = w.Turns
	}
	law(&l, w)
	if !l.Open() {
		l.RampUpS = w.RampUpS
	}
	window(&l, w)
	route(&l, r)
	return l
}

// law fills the law of an open loop.
func law(l *workload.Workload, w recipe.Workload) {
	if !w.Open() {
		return
	}
	l.Arrival = cmp.Or(w.RequestDistribution, "constant")
	switch l.Arrival { // a field of another law would be refused
	case "gamma":
		l.Burstiness = w.Burstiness
	case "burst":
		l.Burst = w.Burst
	case "ramp":
		l.Ramp = w.Ramp
	case "step":
		l.Steps = w.Steps
	case "sine":
		l.Sine = w.Sine
	case "replay":
		l.Trace = w.Trace
	}
}

// route fills which endpoint a request goes to, unless each gets its turn.
func route(l *workload.Workload, r *recipe.Recipe) {
	o := r.Orchestration
	if o.Distribution == "" || o.Distribution == "round-robin" {
		return
	}
	l.Routing = o.Distribution
	if o.Distribution != "static" {
		return
	}
	l.Routes = make([][]int, r.Orchestration.Senders())
	for _, t := range o.Mapping {
		for _, client := range t.Clients {
			if client < len(l.Routes) {
				l.Routes[client] = append(l.Routes[client], t.Endpoints...)
			}
		}
	}
}

// promptSeed is a hash of the seed, the point's swept workload values and the repetition: trials of one server never
// share a prompt, and two servers under comparison (which differ in values of the server) get the same.
func promptSeed(seed int64, values []recipe.Value, rep int) uint64 {
	var of []string
	for _, v := range values {
		if strings.HasPrefix(v.Path, "workload.") && !makesServer(v.Path) {
			of = append(of, v.Path+"="+text(v.V))
		}
	}
	slices.Sort(of)
	sum := sha256.Sum256([]byte(text([]any{seed, of, rep})))
	return binary.BigEndian.Uint64(sum[:])
}

// startS is the time to set a trial going, fetch its parts and write them down.
const startS = 3

// seconds a trial is expected to take. Its drain may take a request's whole timeout, and seldom does: a quarter of the
// window, from 2 s to 30 s, stands for the time that the last requests need. Of a search it is what it takes at most.
func seconds(w workload.Workload) int {
	drain := min(w.DrainS, max(2, min(30, w.DurationS/4)))
	return windows(w) * (int(math.Ceil(w.WarmupS+w.DurationS+w.CooldownS+drain)) + startS)
}

// windows counts how often a trial sends its load: once, but for a search, which tries so many rates at most.
func windows(w workload.Workload) int {
	if w.Search == nil {
		return 1
	}
	return w.Search.Probes
}
