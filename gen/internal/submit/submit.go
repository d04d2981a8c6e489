package submit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Nonce is a word that names one submission and no other.
func Nonce() string { return strings.ToLower(rand.Text()[:8]) }

// Submit has the bundle in dir of a place submit itself, args going to sbatch; local: it runs there as a process. The rows
// are the jobs that now exist, even where there is an error, which says what submit.sh said. The rest of what it said is text.
func Submit(ctx context.Context, p Place, dir, nonce string, local bool, args []string) (rows []Row, text string, err error) {
	text, err = Ask(ctx, p, dir, starter(local), script(append([]string{nonce}, args...)...)...)
	rows, text = submissions(text)
	var refused *Refusal
	if errors.As(err, &refused) {
		what := "nothing was submitted"
		if len(rows) > 0 {
			what = "not all jobs were submitted"
		}
		return rows, "", fmt.Errorf("%s: %s", what, strings.TrimSpace(text))
	}
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("submit.sh names no job: %s", strings.TrimSpace(text))
	}
	return rows, text, err
}

func starter(local bool) string {
	if local {
		return startScript
	}
	return enterScript
}

// Adopt finds the jobs of a submission during which the connection was lost. None: it never reached submit.sh.
func Adopt(ctx context.Context, p Place, dir, nonce string) ([]Row, error) {
	text, err := Ask(ctx, p, dir, "", "cat", "results/submit."+nonce+".out")
	var refused *Refusal
	if errors.As(err, &refused) {
		return nil, nil
	}
	rows, _ := submissions(text)
	return rows, err
}

var (
	job     = regexp.MustCompile(`^(\S+): job (\S+)$`)
	process = regexp.MustCompile(`^process (\d+)$`)
	name    = regexp.MustCompile(`^[0-9:]+ job local-\d+: results in .*/results/((?:smoke/)?local-[0-9.]+)$`)
)

// submissions are the jobs that the output of submit.sh names, and its other lines.
func submissions(text string) (rows []Row, rest string) {
	number := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch m := job.FindStringSubmatch(line); {
		case m != nil:
			rows = append(rows, Row{ID: m[2], Script: m[1]})
		case process.MatchString(line) && number == 0:
			number, _ = strconv.Atoi(process.FindStringSubmatch(line)[1]) // digits; what is too large is no process
		case name.MatchString(line) && number != 0 && rows == nil:
			rows = append(rows, Row{ID: name.FindStringSubmatch(line)[1], Script: "job.sbatch", Process: number})
		default:
			rest += line + "\n"
		}
	}
	return rows, rest
}

// Dates enters when Slurm says that the jobs were submitted. What it does not say stays empty.
func Dates(ctx context.Context, p Place, dir string, rows []Row) {
	for k := range rows {
		if rows[k].Process != 0 {
			continue
		}
		if text, err := Ask(ctx, p, dir, "", "squeue", "--noheader", "--states=all", "--jobs="+rows[k].ID, "--format=%V"); err == nil {
			rows[k].When, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
		}
	}
}

// Cancel ends jobs at once.
func Cancel(ctx context.Context, p Place, dir string, rows []Row) error {
	return each(rows, func(r Row) error {
		words := []string{"scancel", r.ID}
		if r.Process != 0 {
			words = []string{"kill", "-TERM", strconv.Itoa(r.Process)}
		}
		_, err := Ask(ctx, p, dir, "", words...)
		return err
	})
}

// StopWell asks the running job to end its trial and stop in good order, after the others, which wait, are cancelled.
func StopWell(ctx context.Context, p Place, dir string, running Row, waiting []Row) error {
	if err := Cancel(ctx, p, dir, waiting); err != nil {
		return err
	}
	words := []string{"scancel", "--batch", "--signal=USR1", running.ID}
	if running.Process != 0 {
		words = []string{"kill", "-USR1", strconv.Itoa(running.Process)}
	}
	_, err := Ask(ctx, p, dir, "", words...)
	return err
}

func each(rows []Row, do func(Row) error) error {
	var errs []error
	for _, r := range rows {
		if err := do(r); err != nil {
			errs = append(errs, fmt.Errorf("job %s: %w", r.ID, err))
		}
	}
	return errors.Join(errs...)
}
