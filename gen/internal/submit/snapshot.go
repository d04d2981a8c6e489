package submit

import (
	"regexp"
	"strconv"
	"strings"
)

// snapshot is what one look at a job brought, by the words of its rows.
type snapshot struct {
	now     float64 // the place's clock, seconds since 1970
	queue   string  // STATE|reason|start, empty when the queue does not have the job
	queued  bool    // the queue was asked, and answered
	deaf    string  // why Slurm did not answer
	ended   string  // STATE|status:signal of a job that is not in the queue or is over there
	events  [][]string
	ledger  [][]string // nil when it is as before
	stamp   string
	line    string            // the last line of the running trial's log
	told    map[string]string // the last line of the logs of trials that were completed
	lastOut string            // the last line of the job's output, where it has no results
}

// parse reads rows of a word, a tab and text. Rows that it does not know are login scripts' or a later version's.
func parse(text string) snapshot {
	s := snapshot{told: map[string]string{}}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		switch word {
		case "now":
			s.now = seconds(rest)
		case "queue":
			s.queue, s.queued = rest, true
		case "deaf":
			s.deaf = plain(rest)
		case "ended":
			s.ended = rest
		case "event":
			s.events = append(s.events, strings.Split(rest, "\t"))
		case "stamp":
			s.stamp = rest
		case "ledger":
			s.ledger = append(s.ledger, strings.Split(rest, "\t"))
		case "progress":
			s.line = plain(rest)
		case "told":
			trial, line, _ := strings.Cut(rest, "\t")
			s.told[trial] = plain(line)
		case "out":
			s.lastOut = plain(rest)
		}
	}
	return s
}

// seconds is a number, 0 where there is none.
func seconds(text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return n
}

// progress is what a line of agent trial says of the trial that runs: "12:03:16 trial 0003: measure at 12 s: 98 sent, …, 8.2/s, p50 95 ms".
type progress struct{ trial, phase, rate, p50 string }

var (
	told  = regexp.MustCompile(`^\S+ trial (\S+): (?:probe \d+ at \S+: )?(\w+) at (-?\d+) s: `)
	rates = regexp.MustCompile(`, ([0-9.]+)/s, p50 (\d+) ms$`)
)

// parseProgress reads such a line; of another it knows nothing.
func parseProgress(line string) progress {
	m := told.FindStringSubmatch(line)
	if m == nil {
		return progress{}
	}
	p := progress{trial: m[1], phase: m[2]}
	if m := rates.FindStringSubmatch(line); m != nil {
		p.rate, p.p50 = m[1], m[2]
	}
	return p
}
