package submit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// TableName is the file of a bundle that has its submissions, a row each.
const TableName = "results/submitted.tsv"

// Row is a job that was submitted. In the file an empty value is "-".
type Row struct {
	Nonce   string // of its submission, which may be of several jobs: results/submit.NONCE.out has what submit.sh said
	ID      string // of the job; without Slurm its directory below results/, such as local-1; "": it was about to be submitted, and whether it was is not known
	Script  string // job.sbatch
	Where   Where
	Process int    // of a job without Slurm; 0: none
	When    string // when it was submitted, in Slurm's words; "": not known
	Exit    string // its exit status; "": it was not seen to end, or its results are not fetched
}

// Open tells whether there is something to follow, or to fetch.
func (r Row) Open() bool { return r.Exit == "" }

// Last are the rows of the last submission.
func Last(rows []Row) []Row {
	if len(rows) == 0 {
		return nil
	}
	nonce := rows[len(rows)-1].Nonce
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Nonce != nonce })
}

// ReadTable reads the submissions of the bundle in dir, oldest first. None is no error.
func ReadTable(dir string) ([]Row, error) {
	name := filepath.Join(dir, TableName)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rows []Row
	for n, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		row, err := parseRow(strings.Split(line, "\t"))
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

const head = "# submission\tjob\tscript\twhere\tprocess\tsubmitted\texit\n"

func parseRow(c []string) (Row, error) {
	if len(c) != 7 {
		return Row{}, fmt.Errorf("%d columns, want 7", len(c))
	}
	for k := range c {
		if c[k] == "-" {
			c[k] = ""
		}
	}
	where, err := ParseWhere(c[3])
	if err != nil {
		return Row{}, err
	}
	row := Row{Nonce: c[0], ID: c[1], Script: c[2], Where: where, When: c[5], Exit: c[6]}
	if c[4] != "" {
		row.Process, err = strconv.Atoi(c[4])
	}
	return row, err
}

// WriteTable writes the submissions of the bundle in dir.
func WriteTable(dir string, rows []Row) error {
	var text strings.Builder
	text.WriteString(head)
	for _, r := range rows {
		process := ""
		if r.Process != 0 {
			process = strconv.Itoa(r.Process)
		}
		cells := []string{r.Nonce, r.ID, r.Script, r.Where.String(), process, r.When, r.Exit}
		for k := range cells {
			if cells[k] = plain(cells[k]); cells[k] == "" {
				cells[k] = "-"
			}
		}
		text.WriteString(strings.Join(cells, "\t") + "\n")
	}
	name := filepath.Join(dir, TableName)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name+".part", []byte(text.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}
