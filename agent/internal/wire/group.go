package wire

import "hpcbench/agent/internal/record"

// Part is what answer a, which is to a group of n prompts, says of prompt i. What the server counted for all of them is
// shared out evenly. Where its count of the output is that of the content events, these are the count of each prompt;
// where it is another, each gets an even part of it and its source says so.
func (p *Parser) Part(a Answer, i, n int) Answer {
	total := a
	a.Bytes = part(a.Bytes, i, n)
	if a.PromptTokens != Unknown {
		a.PromptTokens = int(part(int64(a.PromptTokens), i, n))
	}
	if len(p.body.details.choices) != n {
		return a // nothing came
	}
	own := p.body.details.choices[i].tokens
	switch {
	case a.Outcome == record.OK && own == 0:
		a.Outcome, a.Error = record.Empty, "no token for this prompt of the group"
		a.OutputTokens, a.TokenSource = Unknown, record.NoTokens
	case total.OutputTokens == Unknown:
	case p.body.format != document && total.OutputTokens == p.body.tokens:
		a.OutputTokens = own
	default:
		a.OutputTokens, a.TokenSource = int(part(int64(total.OutputTokens), i, n)), record.UsageSplit
	}
	return a
}

// part is the i-th of n parts of a number that are as even as whole numbers can be.
func part(total int64, i, n int) int64 {
	return total/int64(n) + min(1, max(0, total%int64(n)-int64(i)))
}
