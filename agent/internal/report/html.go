package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/summary"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is report.html ready to print.
type page struct {
	Style          template.CSS
	Title, Finding string
	Edited         string
	Validity       string
	Chips          []chip
	Troubles       []trouble
	Notes          []string
	NumbersTitle   string
	WordHeads      []string // of the table of points
	swept          int      // how many of them are swept values
	NumberHeads    []string
	Points         []pointRow
	Legend         string
	Galleries      []gallery
	TrialHeads     []string
	TrialRows      [][]string
	OneByOne       []trialView
	OneByOneNote   string
	Jobs           []jobView
}

// pointRow is a point of the sweep.
type pointRow struct {
	Words   []string
	Numbers []cell
}

// chip is a count of trials of one class.
type chip struct {
	Class Class
	N     int
	Word  string
}

// jobView is what is known of a job, as rows of name and text.
type jobView struct {
	ID, Account string
	Quote       []string // of the log, about what failed first
	Facts       [][2]string
}

// HTML is report.html: one file that loads nothing, with its plots as SVG.
func (r *Report) HTML() (string, error) {
	p := page{
		Style: template.CSS(pageStyle), Title: r.title(), Finding: r.finding(), Validity: r.validity(), Edited: r.edited(),
		NumbersTitle: r.numbersTitle(), Legend: r.legend(),
		Troubles: r.troubles(), Notes: slices.Clone(r.notes),
	}
	p.WordHeads, p.NumberHeads = r.pointHeads()
	p.swept = len(r.keys)
	for _, at := range r.points {
		p.Points = append(p.Points, pointRow{r.words(at), r.numbers(at)})
	}
	p.TrialHeads, p.TrialRows = r.trialTable()
	for _, c := range classes {
		if n := r.count(c); n > 0 || c != Earlier {
			p.Chips = append(p.Chips, chip{c, n, classWord(c)})
		}
	}
	for _, job := range r.accounted() {
		p.Jobs = append(p.Jobs, job.view())
	}
	nodes, notes := r.nodeCharts()
	p.Notes = append(p.Notes, notes...)
	p.Galleries = []gallery{r.sweepCharts(), r.spreadCharts(), nodes}
	p.OneByOne, p.OneByOneNote, notes = r.oneByOne()
	p.Notes = append(p.Notes, notes...)
	var b strings.Builder
	err := pageTemplate.Execute(&b, p)
	return b.String(), err
}

// trialTable has a row for each complete trial.
func (r *Report) trialTable() ([]string, [][]string) {
	shown := r.shown()
	heads := []string{"trial", "name", "job", "validity"}
	for _, k := range r.keys {
		heads = append(heads, k.label)
	}
	heads = append(heads, "ok", "failed")
	for _, c := range shown {
		if c.kind != share {
			heads = append(heads, c.heading(r.unitOf(c)))
		}
	}
	heads = append(heads, "lateness p99 ms", "read lag p99 ms", "client CPU %", "waited for a core %")
	var rows [][]string
	for _, t := range r.complete() {
		rows = append(rows, r.trialRow(t, shown))
	}
	return heads, rows
}

func (r *Report) trialRow(t *Trial, shown []column) []string {
	s := t.Summary
	row := []string{t.ID, t.Name, t.Job, string(t.Class)}
	for _, k := range r.keys {
		row = append(row, say(s.Point[k.path]))
	}
	row = append(row, strconv.FormatInt(s.Requests.OK, 10), strconv.FormatInt(s.Requests.Failed, 10))
	for _, c := range shown {
		if c.kind != share {
			row = append(row, (&point{trials: []*Trial{t}}).of(c).cell(r.unitOf(c)).Text)
		}
	}
	lag := s.Client.ReadLagP99S
	if exact := s.Client.KernelLagP99S; exact != nil {
		lag = exact
	}
	return append(row, scaled(s.Client.LatenessP99S, 1e3), scaled(lag, 1e3), scaled(s.Client.CPU, 100), scaled(s.Client.RunDelay, 100))
}

func scaled(v *float64, factor float64) string {
	if v == nil {
		return "–"
	}
	return number(*v * factor)
}

// view is the job's facts in the order of reading.
func (r *run) view() jobView {
	j, v := r.job, jobView{ID: r.id, Account: r.account(), Quote: r.quote()}
	add := func(name, text string) {
		if text != "" {
			v.Facts = append(v.Facts, [2]string{name, text})
		}
	}
	add("directory", r.dir)
	add("plan", j.Plan)
	if r.start > 0 {
		add("began", time.Unix(int64(r.start), 0).UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	var phases []string
	for _, p := range j.Phases {
		if p.Start > 0 && p.End > p.Start {
			phases = append(phases, p.Name+" "+clock(p.End-p.Start))
		}
	}
	add("phases", strings.Join(phases, " · "))
	for _, n := range j.Nodes {
		address := n.IP
		if n.Port != 0 {
			address = n.Address()
		}
		add(n.Role+" node", n.Name+" "+address)
	}
	for _, d := range j.Deployments {
		text := d.State
		if d.Ready > d.Start && d.Start > 0 {
			text += ", ready after " + clock(d.Ready-d.Start)
		}
		add("deployment "+d.ID, joined(text, d.Text))
	}
	for _, i := range j.Images {
		add("image of "+i.Deployment, joined(fmt.Sprintf("%s (%.1f MB, %s)", i.Path, float64(i.Bytes)/1e6, time.Unix(i.ModifiedAt, 0).UTC().Format("2006-01-02 15:04:05 UTC")),
			strings.TrimSpace(i.Remote+" "+i.Digest)))
	}
	for _, row := range r.proofs() {
		add("proof of "+row[0], row[1])
	}
	told := r.added()
	for _, row := range told.rows {
		add(row[0]+" (added)", row[1])
	}
	for _, note := range told.notes {
		add("added metrics", note)
	}
	for _, name := range slices.Sorted(maps.Keys(j.Facts)) {
		add(name, j.Facts[name])
	}
	for _, f := range j.Failures {
		add("failure", fmt.Sprintf("%s (%d): %s", f.Component, f.Status, f.Message))
	}
	return v
}

// Quantity says whether a column of the trial table holds numbers, which stand to the right: those behind the trial's
// name, job, validity and swept values.
func (p page) Quantity(column int) bool { return column >= 4+p.swept }

// Metrics are the definitions that the page explains.
func (page) Metrics() [][2]string {
	return [][2]string{
		{"TTFT (" + summary.TTFT.String() + ")", "first token − sent"},
		{"TPOT (" + summary.TPOT.String() + ")", "(last token − first token) / (n − 1), of answers with n > 1 tokens"},
		{"ITL (" + summary.ITL.String() + ")", "each gap between token events, pooled over requests"},
		{"E2EL (" + summary.E2EL.String() + ")", "last token − sent; done − sent where answers were not streamed"},
		{"lateness (" + summary.Lateness.String() + ")", "sent − scheduled"},
		{"requests/s, tokens/s", "completions whose end lies in the window, by its length; tokens are those of the answers"},
		{"latencies", "over requests due in the window that ended ok, without cold starts; percentiles by nearest rank"},
		{"from due", "the same latency from when the request was due, and not from when it was sent"},
		{"interval within the run", "95 %, of a percentile, by order statistics: what more requests under this load on this start of the server would give"},
		{"between repetitions, between starts", "95 % t-intervals of the mean: what further repetitions, or further starts of the server, would give; a start counts as one value"},
		{"in flight", "requests that are sent and not done, in the mean over the window; by Little's law it is rate × latency"},
		{"server queue, KV cache, prefix hits", "as the servers tell of themselves at their metrics pages, over the window of the first client node: server.csv"},
		{"GPU busy, J/token", "of the GPUs of the servers' nodes over the window, by the readings of their monitors; energy by the GPU's own counter, else by samples of its power"},
		{"steady state", "by MSER-5 over rate and E2EL; nothing is left out of the numbers"},
	}
}
