package wire

import "hpcbench/agent/internal/record"

// Part is what answer a, which is to a group of n prompts, says of prompt i. Where the server counts for each (llama.cpp
// does), that is it. What it counted for all of them (vLLM) is shared out evenly; but where its count of the output is that
// of the content events, these are the count of each prompt. An even part of the output says so in its source.
func (p *Parser) Part(a Answer, i, n int) Answer {
	total := a
	if n > 1 { // they are of all the prompts, or of one that is not known
		a.ServerLoad, a.ServerPrompt, a.ServerDecode, a.Cold = 0, 0, 0, false
	}
	a.Bytes = part(a.Bytes, i, n)
	if a.PromptTokens != Unknown {
		a.PromptTokens = int(part(int64(a.PromptTokens), i, n))
	}
	if len(p.body.details.choices) != n {
		return a // nothing came
	}
	own := p.body.details.choices[i]
	if own.prompt > 0 {
		a.PromptTokens = own.prompt
	}
	switch {
	case own.output > 0:
		a.OutputTokens, a.TokenSource = own.output, record.Usage
	case a.Outcome == record.OK && own.tokens == 0:
		a.Outcome, a.Error = record.Empty, "no token for this prompt of the group"
		a.OutputTokens, a.TokenSource = Unknown, record.NoTokens
	case total.OutputTokens == Unknown:
	case p.body.format != document && total.OutputTokens == p.body.tokens:
		a.OutputTokens = own.tokens
	default:
		a.OutputTokens, a.TokenSource = int(part(int64(total.OutputTokens), i, n)), record.UsageSplit
	}
	return a
}

// part is the i-th of n parts of a number that are as even as whole numbers can be.
func part(total int64, i, n int) int64 {
	return total/int64(n) + min(1, max(0, total%int64(n)-int64(i)))
}
