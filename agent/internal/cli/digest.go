package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"hpcbench/agent/internal/registry"
)

var digest = command{
	name:     "digest",
	operands: "REMOTE",
	short:    "tell which content an image's name stands for in its registry now",
	long: `
A name such as docker://ollama/ollama:0.24.0 may stand for other content tomorrow; its digest may not. prefetch.sh pulls what
this names. Of a registry that wants a name and a password these are APPTAINER_DOCKER_USERNAME and APPTAINER_DOCKER_PASSWORD,
or the same with SINGULARITY. Proxies are those of the environment.`,
	example: "agent digest docker://ollama/ollama:0.24.0",
	declare: func(f *flags) action {
		plain := f.is("plain-http", "the registry speaks HTTP without TLS")
		within := f.time("timeout", time.Minute, "how long it may take")
		return func(ctx context.Context, c *call) error {
			if len(c.operands) != 1 {
				return usage("want one name, such as docker://HOST/NAME:TAG")
			}
			ctx, end := context.WithTimeout(ctx, *within)
			defer end()
			found, err := registry.Digest(ctx, registry.Ask{
				Remote: c.operands[0], PlainHTTP: *plain,
				User:     cmp.Or(os.Getenv("APPTAINER_DOCKER_USERNAME"), os.Getenv("SINGULARITY_DOCKER_USERNAME")),
				Password: cmp.Or(os.Getenv("APPTAINER_DOCKER_PASSWORD"), os.Getenv("SINGULARITY_DOCKER_PASSWORD")),
			})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.stdout, found)
			return err
		}
	},
}
