package wire

import (
	"encoding/json"
	"fmt"
	"strings"
)

// What stands in a body where requests differ. No other text has NUL bytes in these places.
const (
	promptHole = "\x00prompt\x00" // the prompt, within the quotes
	idsHole    = "\x00ids\x00"    // the prompt as a list of token ids; with its quotes
	tokensHole = "\x00tokens\x00" // the length asked of the answer; with its quotes, for it is a number
	pastHole   = "\x00past\x00"   // the messages before the prompt; with its quotes and the comma after it
)

// segment is a part of a body that all requests share, and what follows it.
type segment struct {
	text string
	then string // a hole; empty: nothing
}

// segments are the JSON of a body, taken apart at its holes. A group's prompts stand where the prompt does, in an array.
func segments(body map[string]any) ([]segment, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("a request's body has no JSON form: %w", err)
	}
	var all []segment
	for rest := string(text); ; {
		at, hole, length := len(rest), "", 0
		for _, h := range []string{promptHole, idsHole, tokensHole, pastHole} {
			if i := strings.Index(rest, inJSON(h)); i >= 0 && i < at {
				at, hole, length = i, h, len(inJSON(h))
			}
		}
		all = append(all, segment{rest[:at], hole})
		if hole == "" {
			return all, nil
		}
		rest = rest[at+length:]
	}
}

// inJSON is a hole as it stands in a marshalled body.
func inJSON(hole string) string {
	text := quoted(hole)
	switch hole {
	case promptHole:
		return text[1 : len(text)-1]
	case pastHole:
		return text + ","
	}
	return text
}

// quoted is a string in JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(b)
}
