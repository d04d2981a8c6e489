package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"hpcbench/agent/internal/nodes"
	"hpcbench/agent/internal/ready"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

var readyVerb = command{
	name:  "ready",
	short: "wait until the servers of a deployment can work",
	long: `
Three stages, each with a budget of its own: every rank was placed on its node, every endpoint says that it is healthy, and
every endpoint has generated a token. With --pages, what the servers then tell of themselves is looked at: that a model is
where it should be. Exit status 1 names the stage, the endpoint and the reason in the last line. Endpoints are the rows of
nodes.tsv with role server and a port, and those with role endpoint, which have a base URL in place of an address. No proxy
is ever used.`,
	example: "agent ready --nodes nodes.tsv --placed-dir placed/d1 --ranks 2 --health /health --dialect openai-chat --model tiny",
	declare: func(f *flags) action {
		table := f.text("nodes", "FILE", "", "the job's nodes.tsv")
		dialect := f.text("dialect", "NAME", "", "dialect of the generation")
		model := f.text("model", "NAME", "", "name the server knows the model by")
		dir := f.text("placed-dir", "DIR", "", "where each rank leaves a file with its number; otherwise this stage is skipped")
		ranks := f.number("ranks", "N", 1, "how many ranks have to be placed")
		placed := f.time("placed-timeout", 300*time.Second, "how long all ranks may take to be placed")
		path := f.text("health", "PATH", "", "the health page, such as /health")
		none := f.is("no-health", "skip the health stage")
		health := f.time("health-timeout", 300*time.Second, "how long all endpoints may take to be healthy")
		interval := f.time("health-interval", 5*time.Second, "longest pause between two looks; the first follow each other quickly")
		generation := f.time("generation-timeout", 120*time.Second, "how long each endpoint may take to generate a token")
		short := f.is("no-generation", "skip the generation and what follows")
		pages := f.text("pages", "FILE", "", "what to look at then: the bundle's pages/DEPLOYMENT.json")
		proof := f.text("proof", "FILE", "", "where to write what the pages prove, a line each: name, value, and the endpoint where they differ")
		key := f.text("api-key-file", "FILE", "", "a file whose first line goes out as Authorization: Bearer")
		f.need("nodes", "dialect", "model")
		return func(ctx context.Context, call *call) error {
			if (*path == "") != *none {
				return usage("one of --health PATH and --no-health is needed")
			}
			if _, err := wire.Lookup(*dialect); err != nil {
				return usage("%w", err)
			}
			rows, err := nodes.Read(*table)
			if err != nil {
				return err
			}
			headers, err := wire.HeadersOf(workload.Workload{APIKeyFile: *key})
			if err != nil {
				return err
			}
			look, err := readPages(*pages)
			if err != nil {
				return err
			}
			if *short {
				*generation = 0
			}
			var proofs strings.Builder
			err = ready.Wait(ctx, ready.Config{
				Endpoints: rows.Endpoints(), PlacedDir: *dir, Ranks: *ranks, PlacedTimeout: *placed,
				HealthPath: *path, HealthTimeout: *health, HealthInterval: *interval,
				Dialect: *dialect, Model: *model, Headers: headers, GenerationTimeout: *generation,
				Pages: look, Prove: func(name, value, endpoint string) { fmt.Fprintf(&proofs, "%s\t%s\t%s\n", name, value, endpoint) },
				Say: func(format string, args ...any) { fmt.Fprintf(call.stderr, "ready: "+format+"\n", args...) },
			})
			if err != nil || *proof == "" {
				return err
			}
			return os.WriteFile(*proof, []byte(proofs.String()), 0o644)
		}
	},
}

// readPages reads a list of pages; "" is none.
func readPages(file string) (pages []workload.Page, err error) {
	if file == "" {
		return nil, nil
	}
	err = readStrictly(file, "", &pages)
	return pages, err
}
