package cli

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/arrival"
	"hpcbench/agent/internal/trace"
	"hpcbench/agent/workload"
)

// lawOptions is what the command line says of an open loop's arrivals.
type lawOptions struct {
	rate       *float64
	arrival    *string
	burstiness *float64
	burst      *workload.Burst
	ramp       *workload.Ramp
	steps      []workload.Step
	sine       *workload.Sine
	trace      *string
}

// ownFlags are the flags that have a law of their own.
var ownFlags = []struct{ flag, law string }{
	{"burstiness", "gamma"}, {"burst", "burst"}, {"ramp", "ramp"}, {"steps", "step"}, {"sine", "sine"}, {"trace", "replay"},
}

func (o *lawOptions) declare(f *flags) {
	f.heading("Arrivals of an open loop:")
	o.rate = f.real("rate", "R", 0, "requests due per second, in the mean")
	o.arrival = f.text("arrival", "LAW", "constant", strings.Join(arrival.Laws(), ", ")+";\nthe flags below have a law of their own")
	o.burstiness = f.real("burstiness", "X", 0, "gamma: shape of the gaps' distribution; 1 is poisson, less comes in clumps")
	f.each("burst", "LIST", "burst: such as size=8 at one instant; on=5s,off=10s: only then; or both", o.setBurst)
	f.each("ramp", "LIST", "ramp: such as from=1,to=50, the rate at the window's begin and end", o.setRamp)
	f.each("steps", "LIST", "step: rates and how long each, such as 5x30s,10x30s; their sum is the default of --duration", o.setSteps)
	f.each("sine", "LIST", "sine: such as period=60s,swing=0.5: --rate swings by that share of it", o.setSine)
	o.trace = f.text("trace", "FILE", "", "replay: recorded times and lengths, as Mooncake's JSON lines or BurstGPT's CSV have them;\nwith --rate stretched to it; to its end without --duration and --requests")
}

// words are the parts of a list such as on=5s,off=10s, each given to the function of its name.
func words(list string, known map[string]func(string) error) error {
	for word := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(word, "=")
		set := known[name]
		if set == nil {
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name+"=…")
			}
			slices.Sort(names)
			return fmt.Errorf("%q: want %s", word, strings.Join(names, ", "))
		}
		if err := set(value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// number reads a number that is not below 0.
func number(into *float64) func(string) error {
	return func(text string) (err error) {
		if *into, err = strconv.ParseFloat(text, 64); err != nil || !(*into >= 0) || math.IsInf(*into, 0) {
			return fmt.Errorf("%q is no number of 0 or more", text)
		}
		return nil
	}
}

// lasting reads a time with its unit, into seconds.
func lasting(into *float64) func(string) error {
	return func(text string) error {
		var s span
		err := s.Set(text)
		*into = time.Duration(s).Seconds()
		return err
	}
}

func (o *lawOptions) setBurst(list string) error {
	o.burst = &workload.Burst{}
	if err := words(list, map[string]func(string) error{
		"on": lasting(&o.burst.OnS), "off": lasting(&o.burst.OffS),
		"size": func(text string) (err error) {
			if o.burst.Size, err = strconv.Atoi(text); err != nil || o.burst.Size < 1 {
				return fmt.Errorf("%q is no whole number of 1 or more", text)
			}
			return nil
		},
	}); err != nil {
		return err
	}
	if (o.burst.OnS > 0) != (o.burst.OffS > 0) || o.burst.OnS == 0 && o.burst.Size == 0 {
		return fmt.Errorf("want a size such as size=8, both of on=5s,off=10s, or all three")
	}
	return nil
}

func (o *lawOptions) setRamp(list string) error {
	o.ramp = &workload.Ramp{From: math.NaN(), To: math.NaN()}
	if err := words(list, map[string]func(string) error{"from": number(&o.ramp.From), "to": number(&o.ramp.To)}); err != nil {
		return err
	}
	if math.IsNaN(o.ramp.From + o.ramp.To) {
		return fmt.Errorf("want both, such as from=1,to=50")
	}
	return sensible(max(o.ramp.From, o.ramp.To))
}

func (o *lawOptions) setSine(list string) error {
	o.sine = &workload.Sine{}
	if err := words(list, map[string]func(string) error{"period": lasting(&o.sine.PeriodS), "swing": number(&o.sine.Swing)}); err != nil {
		return err
	}
	if o.sine.PeriodS == 0 || o.sine.Swing == 0 || o.sine.Swing > 1 {
		return fmt.Errorf("want both, such as period=60s,swing=0.5, the swing above 0 and up to 1")
	}
	return nil
}

func (o *lawOptions) setSteps(list string) error {
	o.steps = nil
	for word := range strings.SplitSeq(list, ",") {
		rate, length, _ := strings.Cut(word, "x")
		var s workload.Step
		if err := cmp.Or(number(&s.Rate)(rate), lasting(&s.DurationS)(length)); err != nil {
			return fmt.Errorf("%q: want a rate and how long, such as 5x30s: %w", word, err)
		}
		if s.DurationS == 0 {
			return fmt.Errorf("%q: a step of no length", word)
		}
		o.steps = append(o.steps, s)
	}
	return sensible(slices.MaxFunc(o.steps, func(a, b workload.Step) int { return cmp.Compare(a.Rate, b.Rate) }).Rate)
}

// sensible says what is wrong with the highest rate of a law.
func sensible(highest float64) error {
	if highest == 0 || highest > fastest {
		return fmt.Errorf("its highest rate is %v: want more than 0, and %g at most", highest, fastest)
	}
	return nil
}

// open reports whether the command line asks for an open loop.
func (o *lawOptions) open() bool {
	return *o.rate > 0 || o.ramp != nil || o.steps != nil || *o.trace != ""
}

// conflicts says what is wrong with the flags of the law, or between them.
func (o *lawOptions) conflicts(f *flags, p *problems) {
	law, by := *o.arrival, ""
	for _, own := range ownFlags {
		switch {
		case !f.given(own.flag):
		case by != "":
			p.note(true, "--%s and --%s exclude each other: each is a law", by, own.flag)
		case f.given("arrival") && law != own.law:
			p.note(true, "--%s is of the law %s, and --arrival says %s", own.flag, own.law, law)
			by = own.flag
		default:
			law, by = own.law, own.flag
		}
	}
	needs := slices.IndexFunc(ownFlags, func(own struct{ flag, law string }) bool { return own.law == law })
	switch {
	case !slices.Contains(arrival.Laws(), law) && needs < 0:
		p.note(true, "--arrival: unknown law %q%s (known: %s)", law, guess(law, arrival.Laws()), strings.Join(arrival.Laws(), ", "))
	case needs >= 0 && by == "":
		p.note(true, "--arrival %s needs --%s", law, ownFlags[needs].flag)
	case by != "" && !o.open() && !f.given("rate"):
		p.note(true, "--%s needs --rate", by)
	case f.given("arrival") && !o.open() && !f.given("rate"):
		p.note(true, "--arrival is the law of an open loop: it needs --rate")
	}
	p.note(f.given("rate") && !(*o.rate > 0 && *o.rate <= fastest), "--rate %v: want more than 0, and %g at most", *o.rate, fastest)
	p.note(f.given("rate") && (by == "ramp" || by == "steps"), "--rate and --%s exclude each other: --%s has its rates", by, by)
	*o.arrival = law
}

// fill writes the law into a workload, and what of it follows from the law.
func (o *lawOptions) fill(w *workload.Workload) error {
	if !o.open() {
		return nil
	}
	w.Rate, w.Arrival, w.Burstiness, w.Burst, w.Ramp, w.Steps, w.Sine, w.Trace = *o.rate, *o.arrival, *o.burstiness, o.burst, o.ramp, o.steps, o.sine, *o.trace
	switch w.Arrival {
	case "ramp":
		w.Rate = (w.Ramp.From + w.Ramp.To) / 2
	case "step":
		requests, length := 0.0, 0.0
		for _, s := range w.Steps {
			requests, length = requests+s.Rate*s.DurationS, length+s.DurationS
		}
		w.Rate = requests / length
		if w.DurationS == 0 && w.Requests == 0 {
			w.DurationS = length
		}
	case "replay":
		t, err := trace.Open(w.Trace)
		if err != nil {
			return err
		}
		in, out := t.MeanLengths()
		w.InputTokens, w.MaxTokens = int(math.Round(in)), int(math.Round(out)) // as a law's mean; each request has its own
	}
	return nil
}

// law is the arrivals in words.
func law(w workload.Workload) string {
	switch w.Arrival {
	case "gamma":
		return fmt.Sprintf("%g requests/s, gamma of shape %g", w.Rate, w.Burstiness)
	case "burst":
		var how []string
		if w.Burst.Size > 1 {
			how = append(how, fmt.Sprintf("%d at once", w.Burst.Size))
		}
		if w.Burst.OffS > 0 {
			how = append(how, fmt.Sprintf("%g s on, %g s off", w.Burst.OnS, w.Burst.OffS))
		}
		return fmt.Sprintf("%g requests/s, burst (%s)", w.Rate, strings.Join(how, ", "))
	case "ramp":
		return fmt.Sprintf("from %g to %g requests/s", w.Ramp.From, w.Ramp.To)
	case "step":
		var rates []string
		for _, s := range w.Steps {
			rates = append(rates, fmt.Sprintf("%g for %g s", s.Rate, s.DurationS))
		}
		return "requests/s " + strings.Join(rates, ", ")
	case "sine":
		return fmt.Sprintf("%g requests/s, swinging by %g %% in %g s", w.Rate, 100*w.Sine.Swing, w.Sine.PeriodS)
	case "replay":
		if w.Rate > 0 {
			return fmt.Sprintf("replay of %s at %g requests/s", w.Trace, w.Rate)
		}
		return "replay of " + w.Trace
	}
	return fmt.Sprintf("%g requests/s, %s", w.Rate, w.Arrival)
}
