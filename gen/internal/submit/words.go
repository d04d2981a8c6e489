package submit

import (
	"strings"
	"unicode"
)

// plain is text for one line of a terminal: what would move its cursor becomes a blank.
func plain(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
}
