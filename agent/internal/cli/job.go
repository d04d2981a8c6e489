package cli

import (
	"context"
	"path/filepath"

	"hpcbench/agent/internal/job"
	"hpcbench/agent/internal/logs"
	"hpcbench/agent/internal/whole"
)

var jobVerb = command{
	name:    "job",
	short:   "make job.json out of what the job script noted",
	long:    "Reads events.tsv and, where they are there, ledger.tsv and nodes.tsv of a job's results, and writes job.json beside them.",
	example: "agent job --dir results/4711",
	declare: func(f *flags) action {
		dir := f.text("dir", "DIR", "", "the job's results: results/<jobid>")
		f.need("dir")
		return func(context.Context, *call) error {
			path, err := filepath.Abs(*dir)
			if err != nil {
				return err
			}
			j, err := job.Read(path)
			if err != nil {
				return err
			}
			for k := range j.Failures { // the cause is the first of them
				j.Failures[k].Lines = logs.Quote(path, j.Failures[k].Log)
			}
			return whole.WriteJSON(filepath.Join(path, "job.json"), j)
		}
	},
}
