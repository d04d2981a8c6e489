package recipe

// The parts of docs/recipe.md that no schema has.

const referenceHead = `# The recipe

<!-- Made from schemas/recipe-format.yaml by go test ./gen/internal/cli -update. Edit that file, or gen/internal/recipe/reftext.go. -->

A recipe is one YAML file: a service, where it runs, the load it gets. ` + "`gen check`" + ` tells of every mistake in it with its
place and what to write instead; ` + "`recipe.resolved.yaml`" + ` in the bundle has every default spelled out, and
trials/ the lengths that follow from each trial's load.

**Durations** are ` + "`90s`, `15m`, `2h`, `1h30m`, `500ms`" + ` or a number of seconds.

**Load.** concurrency counts requests in flight over all client nodes together. Without it there are clients_per_node on
each client node; with neither, one request. target_rps makes an open loop: requests fall due whether or not earlier ones
are done, and concurrency, if given, caps what is in flight.

**Needed** with Slurm means: not in ` + "`mode: local`" + `, which wants scenario, orchestration.mode and workload.service only. Servers
that run already (` + "`workload.endpoints`" + `) need neither nodes nor resources.

## Sweeps

Any single value may be a list instead, and the recipe then has a point for every combination, the last list changing
fastest. A key marked *one value* can't be a list; modules and binds are lists by nature. ` + "`sweep`" + ` says what a product can't:

` + "```yaml" + `
sweep:
  mode: zip                # the lists go together: the first value of each, then the second, …; product is the default
  points:                  # further points, each laid over the recipe; with mode: list they are all there are
    - {workload.concurrency: 64, servers.service_config.max_num_seqs: 64}
  exclude:                 # points that are left out: those that have all of these values
    - {workload.concurrency: 256, resources.servers.gpus: 1}
` + "```" + `

A point that says nothing of a key has the recipe's own value; beside a product it must say one of every list. Keys are dotted, or in
sections as the recipe has them. ` + "`workload.benchmark_suite`" + ` is a sweep, too: each of its entries is a point with its name.

## Loads

Without target_rps and the like each request follows the end of another (a closed loop): concurrency, think_time, ramp_up, batch,
turns. In an open loop requests come when they are due, by one of these laws. The key of a law is enough to choose it.

| request_distribution | Its key | Requests come | target_rps |
|---|---|---|---|
| ` + "`constant`" + ` | | evenly | their rate |
| ` + "`poisson`" + ` | | by chance | their mean |
| ` + "`gamma`" + ` | ` + "`burstiness: 0.5`" + ` | by chance, in clumps (below 1) or nearly evenly (above) | their mean |
| ` + "`burst`" + ` | ` + "`burst: {on: 5s, off: 20s, size: 10}`" + ` | size at one instant, evenly while on, none while off | their mean over on and off |
| ` + "`ramp`" + ` | ` + "`ramp: {from: 1, to: 20}`" + ` | ever faster or slower over the window | follows: the mean of both |
| ` + "`step`" + ` | ` + "`steps: [{rate: 5, duration: 1m}, …]`" + ` | at one rate after the other; the window is as long as they are | follows: their mean over time |
| ` + "`sine`" + ` | ` + "`sine: {period: 60s, swing: 0.5}`" + ` | in waves, from the mean up first | their mean |
| ` + "`replay`" + ` | ` + "`trace: mooncake.jsonl`" + ` | as they were recorded | stretches them to that mean |

` + "`search: {low: 1, high: 64}`" + ` in the place of target_rps finds the highest rate that holds the limits of ` + "`slo`" + `. It doubles
the rate until one fails (and halves the first, should that fail), and then halves the gap, by the ratio, until it is no wider than
` + "`precision`" + `. A rate holds when an exact binomial test says with ` + "`confidence`" + ` that at least ` + "`attain`" + ` of the requests keep every
limit, failed requests counting as misses; it fails when the test says the opposite, or when requests pile up. With the defaults that
takes 368 requests without a miss, so a low rate needs a long window. A search ends early where the client itself becomes the limit. Each
probe has the whole warm-up, window and drain of a trial, and the plan counts all that are allowed. The trial's numbers are those of the
highest rate that held, and summary.json lists the probes.

A pause of users is ` + "`think_time: 2s`" + `, always as long, or ` + "`think_time: {exponential: 2s}`" + `: most of them short, a few long, that being the mean.

prompt_len and gen_tokens are numbers or distributions: ` + "`{uniform: [820, 1024]}`, `{normal: [512, 128]}`, `{lognormal: [512, 128]}`" + `
(mean and standard deviation of the tokens). A sweep may have both: ` + "`prompt_len: [128, {uniform: [820, 1024]}]`" + `. Without more, prompts are
words of about a token each, and the answer's usage says what they came to. They are exactly as long as asked with the model's own
` + "`tokenizer`" + `, or, at /v1/completions, made of ` + "`token_ids`" + `.

**Shares** are numbers from 0 to 1, or such as ` + "`5%`" + `.

## Recipes that stand on others

` + "`extends: ../site/base.yaml`" + ` lays this recipe over that one: sections merge, a scalar or a list replaces the other's, ` + "`key: null`" + `
deletes it. A relative path is beside the file that it stands in. What is wrong in the other file is told with its name. The bundle
carries both, in inputs/extends/; dataset, trace and tokenizer files that lie beside a recipe go to data/ (64 MB each at most), and an absolute
path of theirs is one on the cluster.

## Older names

Recipes and command lines of the older toolkit are understood: job_config at the top level; ` + "`server-port`, `client-port`" + ` and
` + "`timeout`" + ` at the top level for servers.port, clients.port and servers.health_check.timeout; monitoring.monitor_interval and
monitoring.prometheus_push_interval for interval and push_interval; artifacts.dataset for workload.dataset. A hint says where each
belongs.
`

const referenceTail = `
## Ports

Each job has a block of a hundred ports, 20000 + ((job id + 37·try) mod 120)·100, so that jobs on one node do not meet; a port that a
recipe writes is used as written.

| Port | Of | Customary | Say it with |
|---|---|---|---|
| block + 0 | the service | 11434 Ollama, 8000 vLLM, 8080 llama.cpp, 5000 dummy | ` + "`servers.port`" + ` |
| block + 6 | the executor on a client node: its control, /metrics/prometheus | 6000 | ` + "`clients.port`" + ` |
| block + 7 | the master of a server over several nodes | 29500 | |
| block + 8 | a node's monitor: /metrics/prometheus | | ` + "`monitoring.exporter`" + ` has it, without a number |
| block + 9 | the job's own Pushgateway | 9091 | ` + "`monitoring.pushgateway`" + ` has it, without a number |
| block + 10 to 18 | Ray's own: head, object manager, node manager, agents | 6379, 8076, 8077 | ` + "`distributed.ray.{object_manager_port, node_manager_port}`" + ` |
| | Ray's dashboard, which runs only where it is asked for | 8265 | ` + "`distributed.ray.dashboard_port`" + ` |
| block + 30 to 89 | Ray's workers | 10002 to 19999 | |
| block + 90 | the job's own Prometheus | 9090 | ` + "`monitoring.prometheus`" + ` has it, without a number |
| block + 92 to 95 | monitors whose port another program has | | |
| block + 96 to 99 | executors whose port another program has | | |
| as the URL says | Pushgateway | 9091 | ` + "`monitoring.pushgateway_url`" + ` |
| 25000 and on, on your own machine | monitoring/tunnel.sh: a way to each node | 25000 | its ` + "`--first`" + ` |
| on your own machine | Prometheus | 9092 | |
| on your own machine | Grafana | 3001 | |

In local mode node k adds 10·k to the first two, and jobs count from their number instead.

## Environment variables

| Variable | Read by | Meaning | Without it |
|---|---|---|---|
| ` + "`MLUX_USER`" + ` | gen run | user name on the cluster, over ssh | ssh's own configuration |
| ` + "`MLUX_ACCOUNT`" + ` | gen run | account that pays, where the recipe names none | the recipe's |
| ` + "`MLUX_KEY`" + ` | gen run | file of the ssh key | ssh's own; the older toolkit took ~/.ssh/id_ed25519_mlux |
| ` + "`NO_COLOR`" + ` | gen, agent | no colour and no progress line, whatever its value | colour on a terminal |
| ` + "`SBATCH_*`" + ` | submit.sh | cleared, so that no habit of a shell changes a job; give options to submit.sh itself | |
| ` + "`HF_TOKEN`" + ` and the like | servers | come by ` + "`secrets`" + `, from files on the cluster | |
| ` + "`PYTHONPATH`" + ` | nobody | the older toolkit needed it; there is no Python here | |
`
