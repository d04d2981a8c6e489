package live

import (
	"context"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hpcbench/agent/internal/executor"
	"hpcbench/agent/internal/secret"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
)

const (
	askedAtOnce = 16  // executors
	againS      = 30  // seconds of rows that are asked for again, for they grow while requests end
	askedAgainS = 110 // the most of them: slow requests reach further back
	pagesAtOnce = 20  // of rows, of one executor: more than a series has
)

// One that took longer than slow to fail is left alone for a while: the others are not to wait for it each second.
const (
	slow      = time.Second
	leftAlone = 10 * time.Second
)

// executorSeen is an executor as its latest answers tell.
type executorSeen struct {
	node string
	live share.Live
	runs bool // a trial has run there
	err  error
	next time.Time                // when it is asked again, after it was slow to fail
	rows map[int64]summary.Second // of the trial, by second
	news int64                    // the first row of the latest answer
}

// ask asks all executors that published their address how the trial goes, and adds up what they say. Over a job that has ended
// there is nobody to ask.
func (r *run) ask(ctx context.Context) {
	files, err := os.ReadDir(filepath.Join(r.dir, "executors"))
	if err != nil || r.over() { // before the first has published
		clear(r.executors)
		return
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, askedAtOnce)
	for _, file := range files {
		if strings.HasPrefix(file.Name(), ".") {
			continue // is being written
		}
		x := r.executors[file.Name()]
		if x == nil {
			x = &executorSeen{node: file.Name()}
			r.executors[file.Name()] = x
		}
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if began := time.Now(); !began.Before(x.next) {
				x.ask(ctx, filepath.Join(r.dir, "executors", x.node))
				if x.err != nil && time.Since(began) > slow {
					x.next = time.Now().Add(leftAlone)
				}
			}
		})
	}
	wg.Wait()
	r.addUp()
}

// ask asks an executor at the address that it published.
func (x *executorSeen) ask(ctx context.Context, file string) {
	address, err := secret.Address(file)
	if err != nil {
		x.err = err
		return
	}
	client := executor.Client{Node: x.node, URL: "http://" + address.String()}
	after := x.after()
	x.news = after + 1
	for range pagesAtOnce {
		live, runs, err := client.Live(ctx, after)
		x.runs, x.err = runs, err
		if err != nil || !runs {
			return
		}
		if x.of() != key(live) || x.live.StepS != live.StepS {
			x.rows, x.news = map[int64]summary.Second{}, 0
			if after >= 0 { // these rows are not the first of another trial, or of another length
				x.live, after = live, -1
				continue
			}
		}
		x.live = live
		for _, row := range live.Rows {
			x.rows[row.At] = row
		}
		if !live.More || len(live.Rows) == 0 {
			return
		}
		after = live.Rows[len(live.Rows)-1].At
	}
}

// after is from where on rows are asked for.
func (x *executorSeen) after() int64 {
	if len(x.rows) == 0 {
		return -1
	}
	back := min(max(againS, 2*x.live.Progress.E2ELP99S), askedAgainS) * float64(max(1, x.live.StepS))
	return max(-1, int64(x.live.Progress.ElapsedS-back))
}

// of is the trial that was seen last.
func (x *executorSeen) of() string { return key(x.live) }

// key names a trial, and a probe of a search.
func key(l share.Live) string { return l.Progress.Trial + "." + strconv.Itoa(l.Probe) }

// running are the executors that are at the trial which began last.
func (r *run) running() (all []*executorSeen) {
	latest := 0.0
	for _, x := range r.executors {
		if x.runs && x.err == nil {
			latest = max(latest, r.startOn(x))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.executors)) {
		if x := r.executors[name]; x.runs && x.err == nil && math.Abs(r.startOn(x)-latest) < 5 {
			all = append(all, x)
		}
	}
	return all
}

// startOn is the time zero of an executor's trial, by the clock of the job's first node.
func (r *run) startOn(x *executorSeen) float64 { return x.live.StartUnixS - r.lines.ahead(x.node) }

// addUp puts the rows of all executors together: counts add up, and the worse of two percentiles stands for both, as in
// share.Progress. Rows of a second that is not over yet are left out.
func (r *run) addUp() {
	all := r.running()
	if len(all) == 0 {
		return
	}
	first := all[0].live
	t := r.trial(first.Progress.Trial)
	if t.settled {
		return
	}
	if t.step != first.StepS && t.step != 0 { // its rows were joined
		t.curve.replace(r.count, nil)
	}
	t.start, t.step = r.startOn(all[0]), first.StepS
	news, end := int64(math.MaxInt64), math.Inf(1)
	flying := int64(0)
	for _, x := range all {
		news, flying = min(news, x.news), flying+x.live.Progress.InFlight
		if x.live.Progress.State == summary.Running {
			end = min(end, x.live.Progress.ElapsedS)
		}
	}
	seen := r.seenFlying(key(first))
	if !math.IsInf(end, 1) && end > 0 {
		seen[int64(end)/first.StepS*first.StepS] = flying
	}
	rows := map[int64]summary.Second{}
	for _, x := range all {
		for at, row := range x.rows {
			if at >= news && float64(at+first.StepS) <= end && x.live.StepS == first.StepS {
				rows[at] = plus(rows[at], row)
			}
		}
	}
	for at, row := range rows {
		if n, ok := seen[at]; ok {
			row.InFlight = float64(n)
		}
		t.curve.put(r.count, pointOf(t.start-r.start(), at, first.StepS, row))
	}
}

// seenFlying are the requests in flight as they were seen in each second of a trial: rows know of those alone that have ended.
func (r *run) seenFlying(key string) map[int64]int64 {
	if r.flying[key] == nil {
		clear(r.flying) // the trials before are over
		r.flying[key] = map[int64]int64{}
	}
	return r.flying[key]
}

// plus adds up a second of two client nodes.
func plus(a, b summary.Second) summary.Second {
	a.Due, a.Sent, a.OK, a.Failed, a.GivenUp = a.Due+b.Due, a.Sent+b.Sent, a.OK+b.OK, a.Failed+b.Failed, a.GivenUp+b.GivenUp
	a.Tokens, a.InFlight = a.Tokens+b.Tokens, a.InFlight+b.InFlight
	a.TTFT, a.TPOT, a.E2EL = worse(a.TTFT, b.TTFT), worse(a.TPOT, b.TPOT), worse(a.E2EL, b.E2EL)
	return a
}

func worse(a, b *summary.Spread3) *summary.Spread3 {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	return &summary.Spread3{P50: max(a.P50, b.P50), P95: max(a.P95, b.P95), P99: max(a.P99, b.P99)}
}

// pointOf is a row of a trial as a point, in the order of trialColumns.
func pointOf(start float64, at, length int64, row summary.Second) point {
	step := float64(length)
	p := point{start + float64(at) + step/2, step, float64(row.Due), float64(row.OK), float64(row.Failed), float64(row.Tokens), row.InFlight}
	for _, s := range []*summary.Spread3{row.TTFT, row.TPOT, row.E2EL} {
		if s == nil {
			s = &summary.Spread3{P50: math.NaN(), P95: math.NaN(), P99: math.NaN()}
		}
		p = append(p, s.P50, s.P95, s.P99)
	}
	return p
}
