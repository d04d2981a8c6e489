package job

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hpcbench/agent/internal/whole"
)

// events gives each row of events.tsv its sense.
func (j *Job) events(path string) error {
	f, err := whole.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for line := 1; lines.Scan(); line++ {
		if err := j.event(lines.Text()); err != nil {
			return fmt.Errorf("%s:%d: %w", path, line, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s can't be read to its end: %w", path, err)
	}
	return nil
}

// words is how many words each kind of row has at least, behind its time and kind. Text at a row's end may be absent.
var words = map[string]int{"phase": 2, "fact": 1, "image": 4, "deployment": 2, "trial": 2, "failure": 2, "held": 1, "edited": 1,
	"preflight": 3, "proof": 3, "exit": 1}

// event reads one row: seconds since 1970, a kind, and words.
func (j *Job) event(row string) error {
	columns := strings.Split(row, "\t")
	at, err := strconv.ParseFloat(columns[0], 64)
	if err != nil || len(columns) < 2 {
		return fmt.Errorf("not an event: %.80q", row)
	}
	kind, w := columns[1], columns[2:]
	need, known := words[kind]
	if !known {
		return fmt.Errorf("unknown event %q", kind)
	}
	if len(w) < need {
		return fmt.Errorf("a %s event needs %d words, got %q", kind, need, w)
	}
	w = append(w, "") // the text that may be absent
	switch kind {
	case "phase":
		j.phase(at, w[0], w[1])
	case "fact":
		j.Facts[w[0]] = w[1]
	case "image":
		return j.image(w)
	case "deployment":
		j.deployment(at, w[0], w[1], w[2])
	case "trial":
		j.trial(at, w[0], w[1], w[2])
	case "proof":
		j.proof(w)
	case "failure":
		return j.failure(at, w)
	case "held":
		return j.held(w[0])
	case "exit":
		return j.exit(w[0])
	case "edited":
		j.Edited = append(j.Edited, w[0])
	case "preflight":
		j.Preflight = append(j.Preflight, Check{Node: w[0], Check: w[1], State: w[2], Words: w[3]})
	}
	return nil
}

func (j *Job) phase(at float64, name, edge string) {
	if edge == "start" {
		j.Phases = append(j.Phases, Phase{Name: name, Start: at})
		return
	}
	for k := range slices.Backward(j.Phases) {
		if j.Phases[k].Name == name && j.Phases[k].End == 0 {
			j.Phases[k].End = at
			return
		}
	}
	j.Phases = append(j.Phases, Phase{Name: name, End: at})
}

func (j *Job) deployment(at float64, id, state, text string) {
	k := -1
	for back := range slices.Backward(j.Deployments) {
		if j.Deployments[back].ID == id {
			k = back
			break
		}
	}
	if k < 0 || state == "start" {
		j.Deployments = append(j.Deployments, Deployment{ID: id})
		k = len(j.Deployments) - 1
	}
	d := &j.Deployments[k]
	d.State, d.Text = state, text
	switch state {
	case "start":
		d.Start = at
	case "ready":
		d.Ready = at
	default:
		d.End = at
	}
}

// proof enters what the log of a deployment's latest start says.
func (j *Job) proof(w []string) {
	for k := range slices.Backward(j.Deployments) {
		if d := &j.Deployments[k]; d.ID == w[0] {
			d.Proof = append(d.Proof, Proof{Name: w[1], Value: w[2], Node: w[3]})
			return
		}
	}
}

// trial enters what became of a trial; the text of its start is its name.
func (j *Job) trial(at float64, id, state, text string) {
	k := slices.IndexFunc(j.Trials, func(t Trial) bool { return t.ID == id })
	if k < 0 {
		j.Trials = append(j.Trials, Trial{ID: id})
		k = len(j.Trials) - 1
	}
	t := &j.Trials[k]
	t.State = state
	if state == "start" {
		t.Start, t.Name = at, text
		return
	}
	t.End, t.Text = at, text
}

func (j *Job) image(w []string) error {
	size, err := strconv.ParseInt(w[2], 10, 64)
	if err != nil {
		return err
	}
	modified, err := strconv.ParseInt(w[3], 10, 64)
	if err != nil {
		return err
	}
	w = append(w, "", "") // what may be absent
	j.Images = append(j.Images, Image{Deployment: w[0], Path: w[1], Bytes: size, ModifiedAt: modified, Digest: w[4], Remote: w[5]})
	return nil
}

func (j *Job) failure(at float64, w []string) error {
	status, err := strconv.Atoi(w[1])
	if err != nil {
		return err
	}
	f := Failure{At: at, Component: w[0], Status: status, Message: w[2]}
	if len(w) > 5 { // where it is known
		f.Node, f.Rank, f.Log = w[3], w[4], w[5]
	}
	j.Failures = append(j.Failures, f)
	return nil
}

// held enters until when what failed is kept.
func (j *Job) held(word string) (err error) {
	j.HeldUntil, err = strconv.ParseFloat(word, 64)
	return err
}

func (j *Job) exit(word string) error {
	status, err := strconv.Atoi(word)
	if err != nil {
		return err
	}
	j.ExitStatus = &status
	return nil
}
