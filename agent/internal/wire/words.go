package wire

import (
	"bytes"
	"encoding/json"
	"strings"
)

// excerptLen bounds what of a server's own words goes into a record, in bytes.
const excerptLen = 200

// describe finds the words of an error in what a server sent with it: {"error":{"message":…}}, {"error":…},
// {"message":…}, {"detail":…} or, if it is none of these, its begin.
func describe(p []byte) string {
	var v map[string]any
	if json.Unmarshal(p, &v) != nil {
		return excerpt(p)
	}
	if inner, ok := v["error"].(map[string]any); ok {
		v = inner
	}
	for _, key := range []string{"message", "error", "detail"} {
		if s, ok := v[key].(string); ok && s != "" {
			return excerpt([]byte(s))
		}
	}
	return excerpt(p)
}

// excerpt is the begin of p on one line, as valid UTF-8.
func excerpt(p []byte) string {
	p = bytes.TrimSpace(p)
	more := ""
	if len(p) > excerptLen {
		p, more = p[:excerptLen], "…"
	}
	clean := strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, string(p))
	return strings.ToValidUTF8(clean, "") + more
}
