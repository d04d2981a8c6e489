package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/prompt"
	"hpcbench/agent/workload"
)

// lengths is a flag's number of tokens, or the law that such numbers follow.
type lengths struct {
	mean int
	law  *workload.Length // nil: all are mean
}

func (l *lengths) String() string {
	if l.law == nil {
		return strconv.Itoa(l.mean)
	}
	return fmt.Sprintf("%s:%g,%g", l.law.Law, l.law.A, l.law.B)
}

func (l *lengths) Set(text string) error {
	name, rest, law := strings.Cut(text, ":")
	if !law {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return errors.New("want 1 or more, or a law such as uniform:820,1024")
		}
		l.mean, l.law = n, nil
		return nil
	}
	first, second, _ := strings.Cut(rest, ",")
	a, errA := strconv.ParseFloat(first, 64)
	b, errB := strconv.ParseFloat(second, 64)
	if errA != nil || errB != nil {
		return errors.New("want uniform:MIN,MAX, normal:MEAN,SD or lognormal:MEAN,SD")
	}
	l.law = &workload.Length{Law: name, A: a, B: b}
	if _, err := prompt.NewLength(l.law, 0); err != nil {
		return err
	}
	l.mean = max(1, int(math.Round(l.law.Mean())))
	return nil
}

// thinking is a flag's think time, or the law that it follows.
type thinking struct {
	mean time.Duration
	law  string // "": all are mean
}

func (t *thinking) String() string {
	mean := span(t.mean)
	if t.law == "" {
		return mean.String()
	}
	return t.law + ":" + mean.String()
}

func (t *thinking) Set(text string) error {
	name, rest, law := strings.Cut(text, ":")
	if !law {
		name, rest = "fixed", text
	}
	if known := []string{"fixed", "exponential"}; !slices.Contains(known, name) {
		return fmt.Errorf("unknown law %q%s (known: exponential, fixed)", name, guess(name, known))
	}
	var mean span
	if err := mean.Set(rest); err != nil {
		return err
	}
	t.mean, t.law = time.Duration(mean), strings.TrimPrefix(name, "fixed")
	return nil
}

// tokenIDs reads the ids that prompts are made of.
func (o *loadOptions) tokenIDs(text string) error {
	first, last, _ := strings.Cut(text, "-")
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(last)
	if errA != nil || errB != nil || a < 0 || b < a {
		return errors.New("want FIRST-LAST, both included, such as 1000-30000")
	}
	o.ids = &workload.IDs{First: a, Last: b}
	return nil
}

// beginning reads a prefix.
func (o *loadOptions) beginning(text string) error {
	p := workload.Prefix{Share: 1}
	for word := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "share":
			p.Share, err = strconv.ParseFloat(value, 64)
		case "tokens":
			p.Tokens, err = strconv.Atoi(value)
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return fmt.Errorf("%q: want share=S, from 0 to 1, and tokens=N", word)
		}
	}
	o.prefix = &p
	_, err := prompt.NewMade(workload.Workload{Prefix: &p})
	return err
}

// extraBody reads further fields of a body.
func (o *loadOptions) extraBody(text string) error {
	if err := json.Unmarshal([]byte(text), &o.extra); err != nil || o.extra == nil {
		return errors.New(`want a JSON object such as '{"top_k": 20}'`)
	}
	return nil
}
