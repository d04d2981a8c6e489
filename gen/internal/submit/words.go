package submit

import (
	"strings"
	"unicode"
)

// quote is a word as every POSIX shell, and csh, reads it: as it is.
func quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// quoted is a command as the text of a shell.
func quoted(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = quote(word)
	}
	return strings.Join(all, " ")
}

// Shown is a command as a person would type it: quoted where it has to be.
func Shown(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		if all[i] = word; word == "" || strings.ContainsFunc(word, special) {
			all[i] = quote(word)
		}
	}
	return strings.Join(all, " ")
}

// special characters may mean something to a shell.
func special(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:=,@%+", r)
}

// plain is text for one line of a terminal: what would move its cursor becomes a blank.
func plain(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
}
