package recipe

import (
	"fmt"
	"slices"
	"strings"

	"hpcbench/gen/internal/diag"
)

// external: a service that nobody starts needs addresses, and another has none.
func (c *check) external() {
	const at = "workload.endpoints"
	switch {
	case c.node(at).refused():
	case !c.svc.External() && c.has(at):
		c.l.Errorf(c.keyAt(at), "conflict", "delete it, or write the service that stands for servers that run already", "the job starts %s itself: there are no other endpoints", c.svc.Name)
		c.l.Fix(c.delete(at))
	case c.svc.External() && !c.has(at):
		c.l.Errorf(c.file.Pos(at), "missing-field", `write, for example, endpoints: ["http://10.0.0.5:8000"]`, "missing field %q: nobody starts %s", at, c.svc.Name)
		c.l.Fix(diag.Add(at, `["http://10.0.0.5:8000"]`).Asked())
	}
	if !c.svc.External() {
		return
	}
	c.addresses()
	if nodes := nodesOf + "servers.nodes"; c.written(nodes) && c.whole(nodes) > 0 {
		c.l.Hintf(c.at(nodes), "no-effect", "delete it", "servers.nodes has no effect: nobody starts %s", c.svc.Name)
		c.l.Fix(c.delete(nodes))
	}
	for _, key := range []string{"servers.port", "servers.service_config", "resources.servers", "artifacts.service", "artifacts.containers_dir", "binds", "environment", "secrets", nodesOf + "servers.replicas_per_node"} {
		if key == "artifacts.containers_dir" && c.Monitoring.Pushgateway.Image+c.Monitoring.Prometheus.Image != "" {
			continue // their images may lie there
		}
		if n := c.file.written.at(strings.Split(key, ".")...); n != nil && len(n.items)+len(n.fields) > 0 || n != nil && n.kind == scalar {
			c.l.Hintf(n.key, "no-effect", "delete it", "%s has no effect: nobody starts %s", key, c.svc.Name)
			c.l.Fix(diag.Delete(n.key))
		}
	}
}

// pinned: what may be another thing tomorrow makes two runs that can't be compared.
func (c *check) pinned() {
	remote := c.Artifacts.Remote
	if remote == "" && c.Artifacts.Image != "" {
		remote = c.svc.Image
	}
	ref, isImage := strings.CutPrefix(remote, "docker://")
	if name := ref[strings.LastIndex(ref, "/")+1:]; isImage && !strings.Contains(name, "@") && floating(name, ":") {
		c.l.Warnf(c.at("artifacts.service.remote"), "unpinned", fmt.Sprintf("write its version: %s:TAG", clip(strings.TrimSuffix(remote, ":latest"))), "the image %s may be another one tomorrow", clip(remote))
	}
	if model := c.Workload.Model; c.svc.ModelTag != "" && model != "" && !strings.HasPrefix(model, "/") && floating(model, c.svc.ModelTag) && c.good("workload.model") {
		c.l.Warnf(c.at("workload.model"), "unpinned", fmt.Sprintf("write which: %s%sTAG", clip(strings.TrimSuffix(model, c.svc.ModelTag+"latest")), c.svc.ModelTag), "the model %s may be another one tomorrow", clip(model))
	}
}

// floating tells whether a name has no version behind its tag, or the last one.
func floating(name, tag string) bool {
	_, version, ok := strings.Cut(name, tag)
	return !ok || version == "latest" || version == ""
}

// model: one is needed, and is known by name where the service says some.
func (c *check) model() {
	switch {
	case c.svc == nil:
	case c.node("workload.model") == nil && c.Orchestration.Mode == "local":
		c.l.Errorf(c.file.Pos("workload.model"), "missing-field", "write, for example, \"model: llama3.2:1b\"", "missing field %q: %s needs one", "workload.model", c.svc.Name)
		c.l.Fix(diag.Add("workload.model", "llama3.2:1b").Asked())
	case c.good("workload.model"):
		if near := similar(c.Workload.Model, c.svc.ModelTag, c.svc.Models); near != "" {
			c.l.Warnf(c.at("workload.model"), "unknown-model", fmt.Sprintf("did you mean %q?", near), "%s is like a model that %s is known to run, and is none", clip(c.Workload.Model), c.svc.Name)
			c.l.Fix(c.write("workload.model", near))
		}
	}
}

// similar is the known model whose name differs from this one in a letter or two: digits are versions and sizes, and new ones
// come every week.
func similar(model, tag string, known []string) string {
	words := func(name string) string {
		if tag != "" {
			name, _, _ = strings.Cut(name, tag)
		}
		return strings.ToLower(strings.Map(func(r rune) rune {
			if strings.ContainsRune("0123456789.", r) {
				return -1
			}
			return r
		}, name))
	}
	var all []string
	for _, k := range known {
		all = append(all, words(k))
	}
	name := words(model)
	if slices.Contains(all, name) {
		return ""
	}
	if near := diag.Nearest(name, all); near != "" {
		return known[slices.Index(all, near)]
	}
	return ""
}

// room: a prompt and its answer must fit into the context that the service was given.
func (c *check) room() {
	at := settings + c.svc.ContextLimit
	w := c.Workload
	if c.svc.ContextLimit == "" || !c.good(at, "workload.gen_tokens") || w.Dataset != "" || c.node("workload.prompt_len").refused() {
		return
	}
	prompt, answer := longest(w.PromptLen, w.PromptLaw), longest(w.GenTokens, w.GenLaw)
	need, words := prompt+answer, fmt.Sprintf("a prompt of %d and an answer of %d tokens", prompt, answer)
	if w.Turns > 1 {
		need, words = need*w.Turns, fmt.Sprintf("%d turns of %d and %d tokens", w.Turns, prompt, answer)
	}
	if limit := c.whole(at); limit > 0 && need > limit {
		c.l.Errorf(c.at(at), "context", fmt.Sprintf("write at least %d, or shorter prompts", need), "%s is %d, and %s need %d", c.svc.ContextLimit, limit, words, need)
		c.l.Fix(c.write(at, need))
	}
}

// slots: a service that is told to serve fewer requests at once than there are makes the rest wait.
func (c *check) slots() {
	each := (c.InFlight() + c.endpoints() - 1) / max(1, c.endpoints())
	for _, at := range []string{settings + c.svc.ParallelSetting, "environment." + c.svc.ConcurrencyEnv} {
		if strings.HasSuffix(at, ".") || !c.good(at) {
			continue
		}
		n := 0
		if _, err := fmt.Sscan(c.node(at).word(), &n); err == nil && n > 0 && n < each {
			c.l.Warnf(c.at(at), "few-slots", fmt.Sprintf("write %d, or delete it", each), "%s is %d, and an endpoint gets %d requests at once: the rest wait in its queue", at, n, each)
			c.l.Fix(c.write(at, each))
		}
	}
}
