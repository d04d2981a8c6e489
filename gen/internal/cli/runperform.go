package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"hpcbench/gen/internal/shell"
	"hpcbench/gen/internal/submit"
)

// perform submits where nothing is to be gone on with, follows, fetches and reports.
func (r *run) perform() error {
	if r.goesOn() {
		if err := r.adopt(); err != nil {
			return err
		}
	}
	if !r.goesOn() {
		if err := r.submit(); err != nil {
			return err
		}
	}
	jobs, err := r.followers()
	if err != nil {
		return err
	}
	if r.screen.rewrite && jobs[0].Row.Open() {
		r.screen.say("gen watch " + shell.Shown([]string{r.shown()}) + " shows it in a browser")
	}
	if err := r.follow(jobs); err != nil {
		return err
	}
	if err := r.collect(jobs); err != nil {
		return err
	}
	return r.report(jobs)
}

// adopt finds out what became of a submission during which gen, or the connection, ended. One that never began is made anew.
func (r *run) adopt() error {
	last := r.rows[len(r.rows)-1]
	if last.ID != "" {
		return nil
	}
	var found []submit.Row
	err := r.interruptible(func(ctx context.Context) (err error) {
		found, err = submit.Adopt(ctx, r.place, r.at, last.Nonce)
		return err
	})
	if err != nil {
		return r.explain(err)
	}
	r.rows = r.rows[:len(r.rows)-1]
	if len(found) == 0 {
		r.screen.say("the last submission never began: submitting")
		r.again = true
	}
	return r.enter(found, last)
}

// submit copies the bundle where it has to be, and submits it. From when submit.sh runs nothing interrupts until the jobs'
// ids are on disk; should the machine fail just then, the row of the submission says where they are to be found.
func (r *run) submit() error {
	if r.facts.local && len(r.sbatch) > 0 {
		return usagef("arguments behind -- are sbatch's, and this job runs without Slurm")
	}
	if err := r.send(); err != nil {
		return err
	}
	row := submit.Row{Nonce: submit.Nonce()}
	if r.ssh != nil {
		row.Where = r.ssh.Where
	}
	r.rows = append(r.rows, row)
	if err := submit.WriteTable(r.dir, r.rows); err != nil {
		return err
	}
	jobs, text, err := submit.Submit(context.Background(), r.place, r.at, row.Nonce, r.facts.local, r.arguments())
	if errors.Is(err, submit.ErrLost) {
		return fmt.Errorf("%w, while it was submitted: %s finds out whether it was", err, r.pickup())
	}
	r.rows, r.again = r.rows[:len(r.rows)-1], false
	if entered := r.enter(jobs, row); err == nil {
		err = entered
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "edited since") {
			r.screen.say(strings.TrimSpace(line))
		}
	}
	return err
}

// send copies the bundle to the other machine.
func (r *run) send() error {
	if r.ssh == nil {
		return nil
	}
	r.screen.say("copying to " + r.ssh.Name())
	return r.explain(r.interruptible(func(ctx context.Context) error { return r.ssh.Send(ctx, r.dir, r.force) }))
}

// enter writes the rows of a submission's jobs down and says them.
func (r *run) enter(jobs []submit.Row, of submit.Row) error {
	submit.Dates(context.Background(), r.place, r.at, jobs)
	for _, job := range jobs {
		job.Nonce, job.Where = of.Nonce, of.Where
		r.rows = append(r.rows, job)
		r.screen.say(fmt.Sprintf("job %s: %s of %s submitted %s", job.ID, job.Script, r.shown(), r.hostName()))
	}
	return submit.WriteTable(r.dir, r.rows)
}

// followers are the jobs of the last submission.
func (r *run) followers() ([]*submit.Follower, error) {
	total, err := trials(r.dir)
	var all []*submit.Follower
	for _, row := range submit.Last(r.rows) {
		all = append(all, &submit.Follower{Row: row, Total: total})
	}
	return all, err
}

// trials is how many the plan has.
func trials(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "trials/index.tsv"))
	n := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n, err
}

// collect fetches the results, and notes how the jobs ended: from then on they are done with.
func (r *run) collect(jobs []*submit.Follower) error {
	if r.ssh != nil && submit.Last(r.rows)[0].Open() {
		r.screen.show("fetching the results")
		err := r.interruptible(func(ctx context.Context) error {
			return submit.Retry(func() error { return r.ssh.Fetch(ctx, r.dir) }, r.screen.say, pauseIn(ctx))
		})
		if err != nil {
			return fmt.Errorf("fetching the results: %w (%s tries again)", r.explain(err), r.pickup())
		}
	}
	last := len(r.rows) - len(jobs)
	for k, job := range jobs {
		r.rows[last+k].Exit = strconv.Itoa(job.Exit())
	}
	return submit.WriteTable(r.dir, r.rows)
}

// report prints what the jobs wrote over all results, and ends with their status.
func (r *run) report(jobs []*submit.Follower) error {
	r.screen.clear()
	dir := r.reported(jobs)
	text, err := os.ReadFile(filepath.Join(r.dir, dir, "report.txt"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.screen.say("there is no report: no job came so far")
	case err != nil:
		return err
	default:
		if _, err := r.stdout.Write(text); err != nil {
			return err
		}
		r.screen.say("report: " + filepath.Join(r.shown(), dir, "report.html"))
	}
	status := submit.Verdict(jobs)
	if status == 75 {
		r.screen.say("not all trials have run: " + r.pickup() + " --again runs the rest")
	}
	if status != 0 {
		return exitStatus(status)
	}
	return nil
}

// reported is where the report is: that over all jobs, or that of a job which only tried (--smoke).
func (r *run) reported(jobs []*submit.Follower) string {
	id := jobs[len(jobs)-1].Row.ID
	for _, dir := range []string{"results/" + id, "results/smoke/" + id} {
		if _, err := os.Stat(filepath.Join(r.dir, dir)); err == nil && strings.HasPrefix(dir, "results/smoke/") {
			return dir
		} else if err == nil {
			break
		}
	}
	return "results"
}

// shown is the job directory as short as it can be said here.
func (r *run) shown() string {
	wd, err := os.Getwd()
	if err != nil {
		return r.dir
	}
	if short, err := filepath.Rel(wd, r.dir); err == nil && !strings.HasPrefix(short, "..") {
		return short
	}
	return r.dir
}

// pickup is the command that goes on with this bundle's jobs.
func (r *run) pickup() string {
	words := []string{"gen", "run", r.shown()}
	if r.key != "" {
		words = append(words, "--key", r.key)
	}
	return shell.Shown(words)
}
