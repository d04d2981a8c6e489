package logs

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Job is what a parser knows of the job beside the file: its times, and the names by which ids are known.
type Job struct {
	Zone   *time.Location           // of its nodes; nil: UTC
	Begin  time.Time                // nothing was written before; zero: not known
	End    time.Time                // nothing was written later; zero: it runs, or is not known
	Ahead  map[string]time.Duration // by how much a node's clock is ahead of the first node's
	Trials []Span                   // as far as they were begun, in the order of time
	Nodes  []string                 // client nodes, as they stand in request ids
}

// Span is when a trial was measured, and on which deployment; End is zero while it runs.
type Span struct {
	Trial, Deployment string
	Begin, End        time.Time
}

// Parser makes entries of one file's lines. It keeps the time and level that were told last.
type Parser struct {
	source   Source
	job      *Job
	calendar calendar
	ended    time.Time // when the file was written last, in a run that is over; zero: not known
	live     bool      // lines come as they are written: when they come tells their time
	now      func() time.Time
	last     time.Time // as the file has it, uncorrected
	level    Level
	number   int
}

// NewParser reads the lines of a source from its first on. begin is when its program was started, as far as the job knows. With
// now, a line of a file that has told no time yet is of when it came.
func NewParser(s Source, job *Job, begin time.Time, now func() time.Time) *Parser {
	p := &Parser{source: s, job: job, live: now != nil, now: now, level: Info}
	if begin.IsZero() {
		begin = job.Begin
	}
	p.calendar = calendar{zone: job.Zone, begin: begin, end: job.End}
	return p
}

// Entry is the next line, without its newline. More says what was cut from a line that was too long to keep.
func (p *Parser) Entry(text []byte, more string) Entry {
	p.number++
	own := read(clean(text))
	e := Entry{
		Level: own.level, Category: p.source.Category, Node: p.source.Node, Component: p.source.Component, Name: p.source.Name,
		Trial: p.source.Trial, Message: own.message + more, File: p.source.File, Line: p.number,
	}
	if p.source.Rank >= 0 {
		rank := p.source.Rank
		e.Rank = &rank
	}
	p.place(&e, own)
	p.date(&e, own.stamp)
	if e.Clock != Own && own.component == "slurm" && !p.live && p.ended.After(e.Time) {
		e.Time, e.Clock = p.ended, Ended
	}
	if e.Level == "" {
		e.Level = p.level
	} else {
		p.level = e.Level
	}
	if e.Request == "" {
		e.Request = p.job.requestIn(e.Message)
	}
	p.attribute(&e)
	e.disarm()
	return e
}

// place enters whose words the line says it is.
func (p *Parser) place(e *Entry, own line) {
	if own.component != "" {
		e.Component, e.Category, e.Name, e.Rank = own.component, own.category, "", nil
	}
	if own.json == nil {
		return
	}
	for at, told := range map[*string]string{&e.Node: own.json.Node, &e.Trial: own.json.Trial, &e.Request: own.json.Request} {
		if told != "" {
			*at = told
		}
	}
	if c := Category(own.json.Category); slices.Contains(Categories, c) {
		e.Category = c
	}
	if c := own.json.Component; c == "kernel" || c == "slurm" { // told by a monitor and by the collector
		e.Component = c
	}
}

// date enters the line's time, or the best that is known of it, corrected by its node's clock.
func (p *Parser) date(e *Entry, s stamp) {
	t, ahead := p.calendar.time(s, p.last), p.job.Ahead[e.Node]
	switch {
	case !t.IsZero():
		if s.kind == since { // its program's start is by the first node's clock, and not yet by its own
			t = t.Add(ahead)
		}
		p.last = t
	case !p.last.IsZero():
		t, e.Clock = p.last, Before
	case p.live:
		e.Time, e.Clock = p.now(), Arrived
		return
	default:
		t, e.Clock = p.calendar.begin, Began
	}
	if e.Clock == Began { // as the job's first node wrote it down
		e.Time = t.UTC()
		return
	}
	e.Time = t.Add(-ahead).UTC()
}

// attribute finds the trial of a line: that of its request, or the one that was measured meanwhile on its deployment.
func (p *Parser) attribute(e *Entry) {
	if e.Request != "" && e.Trial == "" {
		e.Trial, _, _ = strings.Cut(e.Request, "-")
		e.Trial, _, _ = strings.Cut(e.Trial, ".")
	}
	if e.Trial != "" || e.Clock == Began {
		return
	}
	if s, ok := p.job.trialAt(e.Time); ok && (p.source.Deployment == "" || s.Deployment == "" || s.Deployment == p.source.Deployment) {
		e.Trial = s.Trial
	}
}

// trialAt is the trial that was measured at a time.
func (j *Job) trialAt(t time.Time) (Span, bool) {
	for _, s := range slices.Backward(j.Trials) {
		if !t.Before(s.Begin) {
			return s, s.End.IsZero() || !t.After(s.End)
		}
	}
	return Span{}, false
}

// requestIn is the id of a request of the job that a line names, TRIAL-NODE-INDEX with .PROBE behind the trial of a search; ""
// where it names none. A server may put words in front and behind: chatcmpl-0001-mel2001-17-9f0c2ab1.
func (j *Job) requestIn(text string) string {
	for _, node := range j.Nodes {
		name := "-" + node + "-"
		for at := 0; ; {
			k := strings.Index(text[at:], name)
			if k < 0 {
				break
			}
			begin, end := trialBefore(text, at+k), at+k+len(name)
			at = end
			for end < len(text) && isDigit(text[end]) {
				end++
			}
			if begin >= 0 && end > at {
				return text[begin:end]
			}
		}
	}
	return ""
}

// trialBefore is where the id of a trial begins that ends here, of four digits or more; -1: there is none.
func trialBefore(text string, end int) int {
	k := end
	for k > 0 && (isDigit(text[k-1]) || text[k-1] == '.') {
		k--
	}
	id, _, _ := strings.Cut(text[k:end], ".")
	if len(id) < 4 || k > 0 && (text[k-1] >= 'a' && text[k-1] <= 'z' || text[k-1] >= 'A' && text[k-1] <= 'Z') {
		return -1
	}
	return k
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// clean makes a line fit to be shown: no bytes that are no text, none that command a terminal, and of a line that was drawn over
// itself, as progress bars are, the last state.
func clean(text []byte) string {
	s := strings.TrimRight(string(text), "\r")
	if k := strings.LastIndexByte(s, '\r'); k >= 0 {
		s = s[k+1:]
	}
	return disarmed(s)
}

// disarm does the same to what was told in quotes, where a byte that commands a terminal may be written as \u001b: a stranger's
// prompt that a server logs as JSON is not to draw on the screen of who reads it.
func (e *Entry) disarm() {
	for _, s := range []*string{&e.Node, &e.Component, &e.Name, &e.Trial, &e.Request, &e.Message, &e.File} {
		*s = disarmed(*s)
	}
}

var lineEnds = strings.NewReplacer("\r\n", " ⏎ ", "\n", " ⏎ ")

// disarmed is text of one line with nothing in it that commands a terminal.
func disarmed(s string) string {
	if plainText(s) {
		return s
	}
	s = lineEnds.Replace(strings.ToValidUTF8(colour.ReplaceAllString(s, ""), "�"))
	return strings.Map(func(r rune) rune {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return '�'
		}
		return r
	}, s)
}

var colour = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// plainText tells whether a line is printable ASCII, as nearly all are.
func plainText(s string) bool {
	for k := range len(s) {
		if c := s[k]; c >= utf8.RuneSelf || c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
