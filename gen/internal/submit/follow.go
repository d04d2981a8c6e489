package submit

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Follower makes sense of one look at a job after another. It has no clock: every time is the place's.
type Follower struct {
	Row   Row
	Total int // trials of the plan, until the job's own ledger is seen

	seen   int // events
	stamp  string
	now    float64
	state  string // Slurm's
	reason string
	starts string
	ended  string // STATE|status:signal
	out    string

	trials      []*trial // of the job's ledger, in its order
	deployments int      // of the ledger
	phase       string
	deployment  stretch
	startups    []float64 // seconds that deployments took to be ready
	begun       int       // deployments that were started
	current     *trial    // that runs
	line        progress
	exit        string // that the job noted
	quietSince  float64
	ran         bool
	over        bool
}

// trial is a row of the ledger and what became of it.
type trial struct {
	id, deployment, name string
	planned              float64 // seconds
	state                string  // missing, done:JOB; then start, complete, failed, stopped
	start, end           float64
}

type stretch struct {
	id    string
	start float64
}

// Over tells whether the job has ended and nothing more is to come.
func (f *Follower) Over() bool { return f.over }

// See takes a look in and gives what is new, a line each.
func (f *Follower) See(text string) []string {
	s := parse(text)
	f.now, f.out = cmp.Or(s.now, f.now), cmp.Or(s.lastOut, f.out)
	var news []string
	if s.stamp != "" {
		first := f.stamp == ""
		f.stamp = s.stamp
		if done := f.readLedger(s.ledger); first && done > 0 {
			news = append(news, fmt.Sprintf("%d of %d trials are done by earlier jobs", done, len(f.trials)))
		}
	}
	news = append(news, f.seeQueue(s)...)
	f.line = parseProgress(s.line)
	for _, e := range s.events {
		f.seen++
		if len(e) > 2 {
			news = append(news, f.event(seconds(e[0]), e[1], append(e[2:], "", ""), s)...)
		}
	}
	return append(news, f.conclude(s)...)
}

// Running tells whether the job has its nodes.
func (f *Follower) Running() bool { return f.state == "RUNNING" }

// ask are the words by which look.sh is told what was seen.
func (f *Follower) ask() []string {
	process := ""
	switch {
	case !f.Row.Open():
		process = "over"
	case f.Row.Process != 0:
		process = strconv.Itoa(f.Row.Process)
	}
	return script(f.Row.ID, process, strconv.Itoa(f.seen), f.stamp)
}

// readLedger takes the job's ledger in, which is written anew before each deployment, and counts what others have done.
func (f *Follower) readLedger(rows [][]string) (done int) {
	known := map[string]*trial{}
	for _, t := range f.trials {
		known[t.id] = t
	}
	f.trials, f.deployments = nil, 0
	last := ""
	for _, r := range rows {
		if len(r) != 5 {
			continue
		}
		t := &trial{id: r[0], deployment: r[1], planned: seconds(r[2]), state: r[3], name: r[4]}
		if old := known[t.id]; old != nil && old.start > 0 {
			t = old
		}
		if t.deployment != last {
			f.deployments++
		}
		if strings.HasPrefix(t.state, "done:") {
			done++
		}
		last = t.deployment
		f.trials = append(f.trials, t)
	}
	return done
}

// seeQueue takes Slurm's word in, and says what has changed of it.
func (f *Follower) seeQueue(s snapshot) []string {
	if !s.queued {
		return nil
	}
	columns := append(strings.SplitN(s.queue, "|", 3), "", "")
	state, reason, starts := columns[0], columns[1], columns[2]
	f.ended = s.ended
	if state == "" {
		state, _, _ = strings.Cut(s.ended, "|")
		state = strings.Fields(cmp.Or(state, "GONE"))[0] // accounting says "CANCELLED by 1000"
		reason, starts = "", ""
	}
	changed := state != f.state || state == "PENDING" && (reason != f.reason || starts != f.starts)
	f.state, f.reason, f.starts = state, reason, starts
	f.ran = f.ran || state == "RUNNING"
	if !changed || ended(state) || state == "COMPLETING" {
		return nil // its end is told when all is known of it
	}
	return []string{f.queueWords()}
}

// queueWords is the job's state for a person.
func (f *Follower) queueWords() string {
	if f.state != "PENDING" {
		return f.state
	}
	text := f.state
	if f.reason != "" && f.reason != "None" {
		text += " (" + f.reason + ")"
	}
	if f.starts != "" && f.starts != "N/A" {
		text += ", Slurm's estimate of the start is " + f.starts
	}
	return text
}

// ended tells whether a job in this state is over.
func ended(state string) bool {
	switch state {
	case "", "PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESIZING",
		"SIGNALING", "STAGE_OUT", "STOPPED", "RESV_DEL_HOLD", "SPECIAL_EXIT":
		return false
	}
	return true
}

// event takes a row of events.tsv in.
func (f *Follower) event(at float64, kind string, w []string, s snapshot) []string {
	switch kind {
	case "phase":
		if w[1] == "start" && w[0] != f.phase {
			f.phase = w[0]
			if f.phase != "execute" && f.phase != "deploy" { // those are said with what they are about
				return []string{f.phase}
			}
		}
	case "deployment":
		return f.deploymentEvent(at, w[0], w[1], w[2])
	case "trial":
		return f.trialEvent(at, w[0], w[1], w[2], s)
	case "failure":
		return []string{"FAILED: " + plain(w[2])}
	case "exit":
		f.exit = w[0]
	}
	return nil
}

func (f *Follower) deploymentEvent(at float64, id, state, text string) []string {
	switch state {
	case "start":
		f.begun++
		f.deployment = stretch{id, at}
		return []string{fmt.Sprintf("deploy %s%s", id, f.of())}
	case "ready":
		f.startups = append(f.startups, at-f.deployment.start)
		return []string{fmt.Sprintf("%s is ready after %s", id, span(at-f.deployment.start))}
	case "failed":
		if strings.HasPrefix(text, id) { // the line of its failure has just said this
			return []string{id + " failed"}
		}
		return []string{fmt.Sprintf("%s failed: %s", id, plain(text))}
	}
	return nil
}

// of is which deployment it is, where there are several and none was started twice.
func (f *Follower) of() string {
	if f.deployments < 2 || f.begun > f.deployments {
		return ""
	}
	return fmt.Sprintf(" (%d of %d)", f.begun, f.deployments)
}

func (f *Follower) trialEvent(at float64, id, state, text string, s snapshot) []string {
	t := f.find(id)
	if state == "start" {
		t.state, t.start, t.name, f.current = state, at, plain(text), t
		return []string{fmt.Sprintf("trial %s%s", f.place(t), f.left())}
	}
	t.state, t.end, f.current = state, at, nil
	words := plain(text)
	if state == "complete" {
		words = s.told[id]
	}
	return []string{strings.TrimSuffix(fmt.Sprintf("%s %s %s: %s", t.id, t.name, state, words), ": ")}
}

// find is a trial by its id; one that no ledger has yet is made.
func (f *Follower) find(id string) *trial {
	for _, t := range f.trials {
		if t.id == id {
			return t
		}
	}
	t := &trial{id: id, name: id, state: "missing"}
	f.trials = append(f.trials, t)
	return t
}

// place is a trial's name and which of how many it is: those that earlier jobs did count.
func (f *Follower) place(t *trial) string {
	k := 1
	for _, other := range f.trials {
		if other != t && other.state != "missing" {
			k++
		}
	}
	return fmt.Sprintf("%d of %d, %s", k, len(f.trials), t.name)
}

// grace is how long a network's file system may show a login node the past, seconds.
const grace = 30

// conclude decides whether the job is over, and says how it ended.
func (f *Follower) conclude(s snapshot) []string {
	if !s.queued || !ended(f.state) {
		f.quietSince = 0
		return nil
	}
	if f.quietSince == 0 {
		f.quietSince = f.now
	}
	patience := float64(grace)
	if !f.Row.Open() {
		patience = 0
	} else if f.Row.Process != 0 || !f.ran && f.seen == 0 && f.state == "CANCELLED" {
		patience = 1
	}
	if f.over || f.exit == "" && f.now-f.quietSince < patience {
		return nil
	}
	f.over, f.current = true, nil
	text := fmt.Sprintf("%s, exit status %d", f.state, f.Exit())
	if f.exit == "" && f.out != "" {
		text += ": " + f.out
	}
	return []string{text}
}

// Exit is the exit status of a job that is over: that which it noted, else what Slurm knows.
func (f *Follower) Exit() int {
	for _, word := range []string{f.exit, f.Row.Exit} {
		if n, err := strconv.Atoi(word); err == nil {
			return n
		}
	}
	_, code, _ := strings.Cut(f.ended, "|")
	status, signal, _ := strings.Cut(code, ":")
	n, err := strconv.Atoi(status)
	switch {
	case f.state == "CANCELLED":
		return 143
	case err == nil && n != 0:
		return n
	case f.state == "COMPLETED" && err == nil:
		return 0
	}
	if n, err := strconv.Atoi(signal); err == nil && n != 0 {
		return 128 + n
	}
	return 1
}
