package recipe

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// dialect is what a dialect can carry. agent/internal/wire knows more of each; what gen accepts here and the agent would
// refuse when the job runs is found by a test of testbed/local, which holds the two against each other.
type dialect struct {
	prompt string // the field of a request's body that has the prompt
	chat   bool   // a request can carry a conversation
	groups bool   // a request can carry several prompts
	ids    bool   // a prompt can be token ids
	ends   bool   // a server can't be told to go on after an end of sequence
}

var dialects = map[string]dialect{
	"openai-chat":         {prompt: "messages", chat: true},
	"openai-completions":  {prompt: "prompt", groups: true, ids: true},
	"ollama-generate":     {prompt: "prompt", ends: true},
	"ollama-chat":         {prompt: "messages", chat: true, ends: true},
	"triton-generate":     {prompt: "text_input"},
	"sglang-generate":     {prompt: "text"},
	"tgi-generate":        {prompt: "inputs", ends: true},
	"llamacpp-completion": {prompt: "prompt", ids: true},
}

// asked: what no request of the load can be, so that it does not take an allocation to find out.
func (c *check) asked() {
	d := dialects[c.Workload.Dialect]
	c.turns(d)
	c.cancelled(d)
	c.ids(d)
	c.body(d)
	c.headers()
	if at := "workload.ignore_eos"; d.ends && c.written(at) && c.Workload.IgnoreEOS && c.good("workload.dialect") {
		c.l.Hintf(c.at(at), "no-effect", "delete it", "ignore_eos has no effect with %s, which can't say it: answers end where the model ends them", c.Workload.Dialect)
		c.l.Fix(c.delete(at))
	}
}

// turns: a conversation is of a dialect that has one, and its requests follow each other.
func (c *check) turns(d dialect) {
	const at = "workload.turns"
	switch {
	case c.Workload.Turns < 2 || !c.good(at):
	case c.Workload.Batch > 1 && c.good("workload.batch"):
		c.l.Errorf(c.at(at), "conflict", "delete one of them", "turns follow one another, and the prompts of a batch go out together")
	case d.prompt != "" && !d.chat && c.good("workload.dialect"):
		c.l.Errorf(c.at(at), "dialect", "write "+c.instead(func(d dialect) bool { return d.chat })+", or turns: 1", "%s has no conversations, and turns is %d", c.Workload.Dialect, c.Workload.Turns)
	}
}

// ids: prompts of token ids are of a dialect that takes them, and have no tokenizer.
func (c *check) ids(d dialect) {
	const at = "workload.token_ids"
	ids := c.Workload.TokenIDs
	if ids == nil || c.node(at).refused() {
		return
	}
	switch {
	case !c.good(at+".first", at+".last"):
		if c.brought(at) && !c.refusedAny(at+".first", at+".last") {
			c.l.Errorf(c.keyAt(at), "missing-field", "write token_ids: {first: 1000, last: 30000}", "workload.token_ids needs first and last")
		}
	case ids.Last <= ids.First:
		c.l.Errorf(c.at(at+".last"), "bad-value", "write a last above first", "token_ids runs from %d to %d: there is nothing to choose from", ids.First, ids.Last)
	}
	if d.prompt != "" && !d.ids && c.good("workload.dialect") {
		c.l.Errorf(c.keyAt(at), "dialect", "write "+c.instead(func(d dialect) bool { return d.ids })+", or a tokenizer", "%s takes no token ids for a prompt", c.Workload.Dialect)
	}
	if c.good("workload.tokenizer") {
		c.l.Errorf(c.keyAt(at), "conflict", "keep one of them", "prompts are made of token_ids or of words that a tokenizer counts")
	}
}

// instead names the dialects of the service that are as wanted.
func (c *check) instead(wanted func(dialect) bool) string {
	var all []string
	for _, name := range []string{"openai-chat", "openai-completions", "llamacpp-completion", "ollama-chat", "ollama-generate"} {
		if wanted(dialects[name]) && (c.svc == nil || slices.Contains(c.svc.Dialects, name)) {
			all = append(all, "dialect: "+name)
		}
	}
	if len(all) == 0 {
		return "another service"
	}
	return strings.Join(all, " or ")
}

// cancelled: to give a request up at its first token takes one, and a request of its own.
func (c *check) cancelled(d dialect) {
	const at = "workload.cancel_share"
	switch w := c.Workload; {
	case w.CancelShare == 0 || !c.good(at):
	case !w.Stream && !c.node("workload.stream").refused():
		c.l.Errorf(c.at(at), "conflict", "delete it, or write stream: true", "cancel_share gives requests up at their first token, and without streaming there is none")
		c.l.Fix(c.delete(at))
	case w.Batch > 1 && d.groups && c.good("workload.batch"):
		c.l.Errorf(c.at(at), "conflict", "delete it, or write batch: 1", "a batch of %s is one request: to give one prompt up is to give up all", w.Dialect)
		c.l.Fix(c.delete(at))
	}
}

// body: what further fields may not say, for the load says it.
func (c *check) body(d dialect) {
	for _, f := range []struct{ name, cure string }{{d.prompt, "delete it: prompts come from prompt_len or dataset"}, {"stream", "write it as workload.stream"}} {
		if at := "workload.extra_body." + f.name; f.name != "" && c.has(at) && !c.node(at).refused() {
			c.l.Errorf(c.keyAt(at), "conflict", f.cure, "extra_body.%s can't be set: the load sets it itself", f.name)
		}
	}
}

// framing are the headers that the agent sets itself: they say where a message ends, or which request it is.
var framing = []string{"Content-Length", "Transfer-Encoding", "Connection", "Accept-Encoding", "Expect", "Upgrade", "X-Request-Id"}

// headers: those that are the agent's to set.
func (c *check) headers() {
	for name := range c.Workload.Headers {
		at := "workload.headers." + name
		switch {
		case c.node(at).refused():
		case slices.ContainsFunc(framing, func(own string) bool { return strings.EqualFold(own, name) }):
			c.l.Errorf(c.keyAt(at), "conflict", "delete it", "the header %s is set by the agent itself", name)
		case strings.EqualFold(name, "Authorization") && c.Workload.APIKeyFile != "":
			c.l.Errorf(c.keyAt(at), "conflict", "keep one of them", "the header %s comes from workload.api_key_file, too", name)
		}
	}
}

// addresses: a port that no server can have, and what can't be done over https.
func (c *check) addresses() {
	n := c.node("workload.endpoints")
	if n.refused() {
		return
	}
	for i, text := range c.Workload.Endpoints {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" {
			c.l.Errorf(n.items[i].pos, "bad-value", "write a URL such as http://10.0.0.5:8000", "%s is not the URL of a server", clip(text))
			continue
		}
		if at := "workload.kernel_stamps"; c.Workload.KernelStamps && u.Scheme == "https" && c.good(at) {
			c.l.Errorf(c.at(at), "conflict", "delete it, or write a URL of http", "kernel_stamps with %s: under TLS the stamp of a packet says nothing of the text in it", clip(text))
			c.l.Fix(c.delete(at))
		}
		if port := u.Port(); port != "" {
			if k, err := strconv.Atoi(port); err != nil || k < 1 || k > 65535 {
				c.l.Errorf(n.items[i].pos, "out-of-range", "write a port from 1 to 65535", "%s has the port %s", clip(text), port)
			}
		}
	}
}
