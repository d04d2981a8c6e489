package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"hpcbench/gen/internal/diag"
	"hpcbench/schemas"
)

// plainRecipe has each section, and values that most keys can be added to.
const plainImage = "artifacts: {containers_dir: /images, service: {path: some.sif}}\n"

const plainRecipe = `scenario: effects
cluster: meluxina
partition: gpu
account: p200981
qos: default
orchestration:
  total_nodes: 6
  node_allocation:
    servers: {nodes: 2}
    clients: {nodes: 2}
resources:
  servers: {gpus: 4}
  clients: {cpus_per_task: 4}
workload: {component: inference, service: dummy, model: tiny, concurrency: 8, duration: 60s, warmup: 5s}
` + plainImage

// changes are the settings that show what a key does: "other", and what both recipes have beside it, in "both", where -TEXT stands for the plain recipe without it. Keys that are
// not named are tried with a value that their schema suggests.
var changes = map[string]struct{ both, other []string }{
	"cluster": {other: []string{"cluster=leonardo", "partition=boost_usr_prod"}},
	"modules": {other: []string{"modules=[Apptainer/1.3.1]"}}, "binds": {other: []string{"binds=['/a:/b']"}},
	"environment": {other: []string{"environment.A=b"}}, "secrets": {other: []string{"secrets.HF_TOKEN=/home/me/token"}},
	"metadata.seed":             {other: []string{"metadata.seed=9"}},
	"sweep.mode":                {both: []string{"workload.concurrency=[1, 2]", "workload.prompt_len=[8, 9]"}, other: []string{"sweep.mode=zip"}},
	"sweep.points":              {other: []string{"sweep.points=[{workload.concurrency: 9}]"}},
	"sweep.exclude":             {both: []string{"workload.concurrency=[2, 4]"}, other: []string{"sweep.exclude=[{workload.concurrency: 4}]"}},
	"orchestration.mode":        {other: []string{"orchestration.mode=local", "cluster=local"}},
	"orchestration.total_nodes": {other: []string{"orchestration.total_nodes=7"}},
	"orchestration.node_allocation.clients.partition": {both: []string{"orchestration.node_allocation.clients.placement=het"},
		other: []string{"orchestration.node_allocation.clients.partition=largemem"}},
	"orchestration.node_allocation.servers.node_range":            {other: []string{"orchestration.node_allocation.servers.node_range=4-5"}},
	"orchestration.node_allocation.clients.node_range":            {other: []string{"orchestration.node_allocation.clients.node_range=4-5"}},
	"orchestration.node_allocation.monitors.node_range":           {both: []string{"orchestration.node_allocation.monitors.nodes=1"}, other: []string{"orchestration.node_allocation.monitors.node_range=5"}},
	"orchestration.node_allocation.clients.placement":             {other: []string{"orchestration.node_allocation.clients.placement=same-node"}},
	"orchestration.node_allocation.clients.clients_per_node":      {both: []string{"-concurrency: 8, "}, other: []string{"orchestration.node_allocation.clients.clients_per_node=3"}},
	"orchestration.node_allocation.clients.distribution_strategy": {other: []string{"orchestration.node_allocation.clients.distribution_strategy=random"}},
	"orchestration.node_allocation.clients.target_mapping[].client_group": {
		both:  []string{"orchestration.node_allocation.clients.target_mapping=[{client_group: 0, server_endpoints: 0}, {client_group: 1, server_endpoints: 1}]"},
		other: []string{"orchestration.node_allocation.clients.target_mapping=[{client_group: 1, server_endpoints: 0}, {client_group: 0, server_endpoints: 1}]"}},
	"orchestration.node_allocation.clients.target_mapping[].server_endpoints": {
		both:  []string{"orchestration.node_allocation.clients.target_mapping=[{client_group: 0-1, server_endpoints: 0}]"},
		other: []string{"orchestration.node_allocation.clients.target_mapping=[{client_group: 0-1, server_endpoints: [0, 1]}]"}},
	"orchestration.job_config.sbatch":     {other: []string{"orchestration.job_config.sbatch=[--constraint=a100]"}},
	"job_config.sbatch":                   {other: []string{"job_config.sbatch=[--constraint=a100]"}},
	"orchestration.job_config.time_limit": {other: []string{"orchestration.job_config.time_limit=3h"}},
	"job_config.time_limit":               {other: []string{"job_config.time_limit=3h"}},
	"resources.monitors.gpus":             {both: []string{"orchestration.node_allocation.monitors.nodes=1", "resources.servers.gpus=0"}, other: []string{"resources.monitors.gpus=1"}},
	"resources.clients.gpus":              {both: []string{"resources.servers.gpus=0"}, other: []string{"resources.clients.gpus=1"}},
	"resources.servers.mem_gb":            {both: []string{"-cluster: meluxina\n", "-qos: default\n"}, other: []string{"resources.servers.mem_gb=40"}},
	"resources.clients.mem_gb":            {both: []string{"-cluster: meluxina\n", "-qos: default\n", "resources.servers.mem_gb=10"}, other: []string{"resources.clients.mem_gb=40"}},
	"resources.monitors.cpus_per_task":    {both: []string{"orchestration.node_allocation.monitors.nodes=1"}, other: []string{"resources.monitors.cpus_per_task=40"}},
	"resources.monitors.mem_gb":           {both: []string{"-cluster: meluxina\n", "-qos: default\n", "orchestration.node_allocation.monitors.nodes=1"}, other: []string{"resources.monitors.mem_gb=40"}},
	"workload.service":                    {other: []string{"workload.service=ollama"}},
	"workload.dialect":                    {other: []string{"workload.dialect=ollama-chat"}},
	"account":                             {other: []string{"account=p9"}}, "partition": {other: []string{"partition=cpu"}}, "qos": {other: []string{"qos=short"}},
	"orchestration.node_allocation.servers.nodes": {other: []string{"orchestration.node_allocation.servers.nodes=3"}},
	"workload.seed":      {other: []string{"workload.seed=9"}},
	"workload.endpoints": {both: []string{"workload.service=external", "workload.endpoints=['http://a:1']"}, other: []string{"workload.endpoints=['http://a:2']"}},
	"workload.warmup":    {other: []string{"workload.warmup=7s"}}, "workload.duration": {other: []string{"workload.duration=70s"}},
	"workload.clients_per_node":       {both: []string{"-concurrency: 8, "}, other: []string{"workload.clients_per_node=3"}},
	"workload.request_distribution":   {both: []string{"workload.target_rps=5"}, other: []string{"workload.request_distribution=poisson"}},
	"workload.burstiness":             {both: []string{"workload.target_rps=5", "workload.request_distribution=gamma", "workload.burstiness=1"}, other: []string{"workload.burstiness=2"}},
	"workload.burst.on":               {both: []string{"workload.target_rps=5", "workload.burst={on: 1s, off: 1s}"}, other: []string{"workload.burst.on=2s"}},
	"workload.burst.off":              {both: []string{"workload.target_rps=5", "workload.burst={on: 1s, size: 2}"}, other: []string{"workload.burst.off=2s"}},
	"workload.burst.size":             {both: []string{"workload.target_rps=5", "workload.burst={on: 1s, off: 1s}"}, other: []string{"workload.burst.size=2"}},
	"workload.ramp.from":              {both: []string{"workload.ramp={from: 1, to: 5}"}, other: []string{"workload.ramp.from=2"}},
	"workload.ramp.to":                {both: []string{"workload.ramp={from: 1, to: 5}"}, other: []string{"workload.ramp.to=6"}},
	"workload.steps[].rate":           {both: []string{"-duration: 60s, ", "workload.steps=[{rate: 1, duration: 30s}]"}, other: []string{"workload.steps=[{rate: 2, duration: 30s}]"}},
	"workload.steps[].duration":       {both: []string{"-duration: 60s, ", "workload.steps=[{rate: 1, duration: 30s}]"}, other: []string{"workload.steps=[{rate: 1, duration: 40s}]"}},
	"workload.sine.period":            {both: []string{"workload.target_rps=5", "workload.sine={period: 20s, swing: 0.5}"}, other: []string{"workload.sine.period=30s"}},
	"workload.sine.swing":             {both: []string{"workload.target_rps=5", "workload.sine={period: 20s, swing: 0.5}"}, other: []string{"workload.sine.swing=40%"}},
	"workload.search.low":             {both: []string{"workload.slo={ttft: 1s}", "-duration: 60s, ", "workload.duration=600s", "workload.search={low: 2}"}, other: []string{"workload.search.low=3"}},
	"workload.search.high":            {both: []string{"workload.slo={ttft: 1s}", "-duration: 60s, ", "workload.duration=600s", "workload.search={low: 2}"}, other: []string{"workload.search.high=64"}},
	"workload.search.precision":       {both: []string{"workload.slo={ttft: 1s}", "-duration: 60s, ", "workload.duration=600s", "workload.search={low: 2}"}, other: []string{"workload.search.precision=1%"}},
	"workload.search.attain":          {both: []string{"workload.slo={ttft: 1s}", "-duration: 60s, ", "workload.duration=600s", "workload.search={low: 2}"}, other: []string{"workload.search.attain=0.95"}},
	"workload.search.confidence":      {both: []string{"workload.slo={ttft: 1s}", "-duration: 60s, ", "workload.duration=600s", "workload.search={low: 2}"}, other: []string{"workload.search.confidence=90%"}},
	"workload.search.probes":          {both: []string{"workload.slo={ttft: 1s}", "-duration: 60s, ", "workload.duration=600s", "workload.search={low: 2}"}, other: []string{"workload.search.probes=9"}},
	"workload.think_time.exponential": {other: []string{"workload.think_time={exponential: 2s}"}},
	"workload.tokenizer":              {other: []string{"workload.tokenizer=/models/tokenizer.json"}},
	"workload.token_ids.first":        {both: []string{"workload.dialect=openai-completions", "workload.token_ids={first: 9, last: 99}"}, other: []string{"workload.token_ids.first=8"}},
	"workload.token_ids.last":         {both: []string{"workload.dialect=openai-completions", "workload.token_ids={first: 9, last: 99}"}, other: []string{"workload.token_ids.last=98"}},
	"workload.trace":                  {other: []string{"workload.trace=/data/t.jsonl"}}, "workload.dataset": {other: []string{"workload.dataset=/data/s.json"}},
	"artifacts.dataset":             {other: []string{"artifacts.dataset=/data/s.json"}},
	"workload.prompt_len.uniform":   {other: []string{"workload.prompt_len={uniform: [100, 156]}"}},
	"workload.prompt_len.normal":    {other: []string{"workload.prompt_len={normal: [128, 5]}"}},
	"workload.prompt_len.lognormal": {other: []string{"workload.prompt_len={lognormal: [128, 5]}"}},
	"workload.gen_tokens.uniform":   {other: []string{"workload.gen_tokens={uniform: [100, 156]}"}},
	"workload.gen_tokens.normal":    {other: []string{"workload.gen_tokens={normal: [128, 5]}"}},
	"workload.gen_tokens.lognormal": {other: []string{"workload.gen_tokens={lognormal: [128, 5]}"}},
	"workload.prefix.share":         {both: []string{"workload.prefix={share: 0.5, tokens: 5}"}, other: []string{"workload.prefix.share=0.6"}},
	"workload.prefix.tokens":        {both: []string{"workload.prefix={share: 0.5, tokens: 5}"}, other: []string{"workload.prefix.tokens=6"}},
	"workload.cancel_share":         {other: []string{"workload.cancel_share=0.5"}},
	"workload.extra_body":           {other: []string{"workload.extra_body={top_p: 0.5}"}}, "workload.headers": {other: []string{"workload.headers={X-A: b}"}},
	"workload.api_key_file": {other: []string{"workload.api_key_file=/home/me/key"}},
	"workload.benchmark_suite[].name": {both: []string{"-concurrency: 8, ", "-duration: 60s, ", "workload.benchmark_suite=[{name: a}]"},
		other: []string{"workload.benchmark_suite=[{name: b}]"}},
	"workload.benchmark_suite[].duration": {both: []string{"-concurrency: 8, ", "-duration: 60s, ", "workload.benchmark_suite=[{name: a}]"},
		other: []string{"workload.benchmark_suite=[{name: a, duration: 9s}]"}},
	"workload.benchmark_suite[].num_threads": {both: []string{"-concurrency: 8, ", "-duration: 60s, ", "workload.benchmark_suite=[{name: a}]"},
		other: []string{"workload.benchmark_suite=[{name: a, num_threads: 3}]"}},
	"workload.benchmark_suite[].sleep_seconds": {both: []string{"-concurrency: 8, ", "-duration: 60s, ", "workload.benchmark_suite=[{name: a}]"},
		other: []string{"workload.benchmark_suite=[{name: a, sleep_seconds: 3}]"}},
	"servers.health_check.endpoint":       {other: []string{"servers.health_check.endpoint=/other"}},
	"servers.service_config":              {other: []string{"servers.service_config.ttft=1ms"}},
	"artifacts.containers_dir":            {other: []string{"artifacts.containers_dir=/other"}},
	"artifacts.container":                 {both: []string{"-" + plainImage}, other: []string{"artifacts.container=/other.sif"}},
	"artifacts.service.remote":            {other: []string{"artifacts.service.remote=docker://x/y:1"}},
	"monitoring.metrics[].name":           {both: []string{"monitoring.metrics=[{name: fan, command: [read-fan]}]"}, other: []string{"monitoring.metrics=[{name: hum, command: [read-fan]}]"}},
	"monitoring.metrics[].command":        {both: []string{"monitoring.metrics=[{name: fan, command: [read-fan]}]"}, other: []string{"monitoring.metrics=[{name: fan, command: [read-fan, --all]}]"}},
	"monitoring.metrics[].unit":           {both: []string{"monitoring.metrics=[{name: fan, command: [read-fan]}]"}, other: []string{"monitoring.metrics=[{name: fan, command: [read-fan], unit: rpm}]"}},
	"monitoring.metrics[].help":           {both: []string{"monitoring.metrics=[{name: fan, command: [read-fan]}]"}, other: []string{"monitoring.metrics=[{name: fan, command: [read-fan], help: how loud it is}]"}},
	"monitoring.metrics[].metric":         {both: []string{"monitoring.metrics=[{name: fan, command: [read-fan]}]"}, other: []string{"monitoring.metrics=[{name: fan, metric: dummy_fan}]"}},
	"monitoring.metrics[].from":           {both: []string{"monitoring.metrics=[{name: fan, metric: dummy_fan}]"}, other: []string{"monitoring.metrics=[{name: fan, from: server, metric: dummy_fan}]"}},
	"monitoring.push_interval":            {both: []string{"monitoring.pushgateway_url=http://mel2109:9091"}, other: []string{"monitoring.push_interval=37s"}},
	"monitoring.prometheus_push_interval": {both: []string{"monitoring.pushgateway_url=http://mel2109:9091"}, other: []string{"monitoring.prometheus_push_interval=37s"}},
	"monitoring.retention":                {both: []string{"monitoring.pushgateway_url=http://mel2109:9091"}, other: []string{"monitoring.retention=37s"}},
	"monitoring.pushgateway.remote":       {both: []string{"monitoring.pushgateway={image: a.sif}"}, other: []string{"monitoring.pushgateway={image: a.sif, remote: docker://x/y:1}"}},
	"monitoring.prometheus.remote":        {both: []string{"monitoring.prometheus={image: a.sif}"}, other: []string{"monitoring.prometheus={image: a.sif, remote: docker://x/y:1}"}},
	"monitoring.prometheus.interval":      {both: []string{"monitoring.prometheus={image: a.sif}"}, other: []string{"monitoring.prometheus={image: a.sif, interval: 37s}"}},
	"logging.aggregation":                 {both: []string{"logging.enabled=true"}, other: []string{"logging.aggregation=none"}},
	"logging.categories":                  {both: []string{"logging.enabled=true"}, other: []string{"logging.categories=[system]"}},
	"logging.create_jsonl":                {both: []string{"logging.enabled=true", "logging.outputs=[file, console]"}, other: []string{"logging.create_jsonl=false"}},
	"logging.flush_interval":              {both: []string{"logging.enabled=true"}, other: []string{"logging.flush_interval=37s"}},
	"logging.format":                      {both: []string{"logging.enabled=true", "logging.outputs=[console]"}, other: []string{"logging.format=json"}},
	"logging.outputs":                     {both: []string{"logging.enabled=true"}, other: []string{"logging.outputs=[file, console]"}},
	"logging.retention":                   {both: []string{"logging.enabled=true"}, other: []string{"logging.retention={age: 37h}"}},
	"logging.retention.age":               {both: []string{"logging.enabled=true"}, other: []string{"logging.retention.age=37h"}},
	"logging.retention.size_mb":           {both: []string{"logging.enabled=true"}, other: []string{"logging.retention.size_mb=37"}},
	"repetitions.trials":                  {other: []string{"repetitions={trials: 2}"}}, "repetitions.restarts": {other: []string{"repetitions={restarts: 2}"}},
}

// carried are the keys that change nothing but recipe.resolved.yaml, each with why that is so.
var carried = map[string]string{
	"schema_version":            "there is one",
	"workload.component":        "there is one",
	"monitoring.metrics[].from": "there is one",
	"logging.type":              "there is one",
	"metadata.git_commit":       "is to be read later, and changes nothing that runs",
	"metadata.notes":            "is to be read later, and changes nothing that runs",
	"metadata.tags":             "are to be read later, and change nothing that runs",
	"artifacts.python.path":     "nothing needs it, as a hint says",
	"artifacts.python.remote":   "nothing needs it, as a hint says",
	"reporting.percentiles":     "warns of those that the plan can't carry; the parts that use it grow later",
}

// later are sections that the issue of the recipe language has carried now, for parts that grow later.
var later = []string{"reporting."}

// Every key of a recipe does something: a value other than its default changes what the job runs by, or the key is one of
// those that are carried, and no others are.
func TestEveryKeyHasAnEffect(t *testing.T) {
	var schema map[string]any
	if err := yaml.Unmarshal(schemas.Recipe, &schema); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]any{}
	schemaLeaves(schema, schema, "", all)
	if len(all) < 120 {
		t.Errorf("%d keys", len(all))
	}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		t.Run(path, func(t *testing.T) {
			if path == "extends" {
				return // it can't be set, for parents are read first; gen/testdata/compile/extends has one
			}
			change, named := changes[path]
			if !named {
				change.other = []string{path + "=" + suggested(all[path])}
			}
			plain, resolved := bundleOf(t, change.both)
			other, otherResolved := bundleOf(t, append(slices.Clone(change.both), change.other...))
			why := carried[path]
			if slices.ContainsFunc(later, func(section string) bool { return strings.HasPrefix(path, section) }) {
				why = cmp.Or(why, "the parts that use it grow later")
			}
			switch same := maps.EqualFunc(plain, other, bytes.Equal); {
			case same && why == "":
				t.Errorf("%s has no effect", change.other)
			case same && bytes.Equal(resolved, otherResolved) && !strings.Contains(why, "there is one") && !strings.Contains(why, "a hint says"):
				t.Errorf("%s is not even carried", change.other)
			case !same && carried[path] != "":
				t.Errorf("%s has an effect: take it off the list of those that have none", path)
			}
		})
	}
}

// schemaLeaves collects the keys that have no keys below them, or that a person names.
func schemaLeaves(root, s map[string]any, path string, all map[string]map[string]any) {
	if ref, ok := s["$ref"].(string); ok {
		merged := maps.Clone(root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any))
		maps.Copy(merged, s)
		delete(merged, "$ref")
		s = merged
	}
	properties, _ := s["properties"].(map[string]any)
	items, _ := s["items"].(map[string]any)
	if inner, ok := items["properties"].(map[string]any); ok {
		path, properties = path+"[]", inner
	}
	if _, scalar := s["type"].([]any); len(properties) == 0 || scalar && path != "" && items == nil {
		all[path] = s
	}
	for name, below := range properties {
		schemaLeaves(root, below.(map[string]any), strings.TrimPrefix(path+"."+name, "."), all)
	}
}

// suggested is a value other than the default.
func suggested(s map[string]any) string {
	if enum, ok := s["enum"].([]any); ok {
		for _, v := range enum {
			if v != s["default"] || len(enum) == 1 {
				return fmt.Sprint(v)
			}
		}
	}
	if items, ok := s["items"].(map[string]any); ok {
		return "[" + suggested(items) + "]"
	}
	kind := fmt.Sprint(s["type"])
	switch {
	case s["format"] == "hpc-duration":
		return "37s"
	case strings.Contains(kind, "boolean"):
		return fmt.Sprint(s["default"] != true)
	case strings.Contains(kind, "integer"):
		n, _ := s["default"].(int)
		if least, ok := s["minimum"].(int); ok && n < least {
			n = least
		}
		return fmt.Sprint(n + 1)
	case strings.Contains(kind, "number"):
		return "3"
	}
	if examples, ok := s["examples"].([]any); ok {
		return fmt.Sprint(examples[0])
	}
	if strings.Contains(fmt.Sprint(s["pattern"]), "https?") {
		return "http://mel2109:9091"
	}
	return "other"
}

// bundleOf compiles the plain recipe with settings to the files that a job runs by, but for the plan's id, which follows from
// them, and returns recipe.resolved.yaml apart.
func bundleOf(t *testing.T, sets []string) (files map[string][]byte, resolved []byte) {
	t.Helper()
	text := plainRecipe
	sets = slices.DeleteFunc(slices.Clone(sets), func(s string) bool {
		line, without := strings.CutPrefix(s, "-")
		if without {
			text = strings.Replace(text, line, "", 1)
		}
		return without
	})
	src, err := env{stderr: io.Discard}.examine("recipe.yaml", []byte(text), surroundings{sets: sets})
	if err != nil {
		t.Fatal(err)
	}
	if src.Diags.Count(diag.Error) > 0 {
		t.Fatalf("%s: %v", sets, slices.DeleteFunc(src.Diags, func(d diag.Diagnostic) bool { return d.Severity != diag.Error }))
	}
	b, err := src.bundle(nil, surroundings{})
	if err != nil {
		t.Fatal(err)
	}
	files = map[string][]byte{}
	for _, f := range b.Files {
		switch {
		case f.Path == "recipe.resolved.yaml":
			resolved = f.Data
		case f.Path != "recipe.yaml" && f.Path != "MANIFEST" && !strings.HasPrefix(f.Path, "inputs/"):
			files[f.Path] = bytes.ReplaceAll(f.Data, []byte(src.Plan.ID), nil)
		}
	}
	return files, resolved
}

// The words of monitoring.metrics choose what is read, and output_file names one file of it all.
func TestWhatIsReadIsChosen(t *testing.T) {
	for metrics, want := range map[string]struct{ has, lacks string }{
		"[gpu, cores, cpu, energy]": {`"collectors": [
    "cpu",
    "cores",
    "gpu"
  ]`, `"server"`},
		"[memory, server]": {`"path": "/metrics"`, `"cpu"`},
		"[memory, {name: q, metric: dummy_requests_running}]": {`"path": "/metrics"`, `"server",`},
		"[{name: q, metric: dummy_requests_running}]":         {`"path": "/metrics"`, `"collectors"`},
	} {
		files, _ := bundleOf(t, []string{"monitoring.metrics=" + metrics})
		if text := string(files["node/watch.json"]); !strings.Contains(text, want.has) || strings.Contains(text, want.lacks) {
			t.Errorf("%s: node/watch.json has %s and lacks %s: %s", metrics, want.has, want.lacks, text)
		}
	}
	files, _ := bundleOf(t, []string{"monitoring.output_file=all.csv"})
	if text := string(files["job.sbatch"]); !strings.Contains(text, "OUTPUT_FILE='all.csv'") {
		t.Error("job.sbatch does not name all.csv")
	}
}

// Who looks more closely has not measured something else: how nodes and servers are watched is in no trial, and so in no key of
// the ledger.
func TestWatchingChangesNoTrial(t *testing.T) {
	plain, _ := bundleOf(t, nil)
	other, _ := bundleOf(t, []string{"monitoring.interval=250ms", "monitoring.metrics=[{name: fan, command: [read-fan]}]"})
	if bytes.Equal(plain["node/watch.json"], other["node/watch.json"]) || len(plain["node/watch.json"]) == 0 {
		t.Errorf("node/watch.json is the same:\n%s", other["node/watch.json"])
	}
	for path, text := range plain {
		if (strings.HasPrefix(path, "trials/0") || strings.HasPrefix(path, "argv/") || strings.HasPrefix(path, "env/")) && !bytes.Equal(text, other[path]) {
			t.Errorf("%s differs", path)
		}
	}
	if off, _ := bundleOf(t, []string{"monitoring.enabled=false"}); off["node/watch.json"] != nil {
		t.Error("nothing is to be watched, and node/watch.json is there")
	}
}
