// Package shell writes words for a POSIX shell.
package shell

import (
	"strings"
	"unicode"
)

// Quote is a word as every POSIX shell, and csh, reads it: as it is. No shell can hold a NUL.
func Quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// Quoted is a command as the text of a shell.
func Quoted(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = Quote(word)
	}
	return strings.Join(all, " ")
}

// Shown is a command as a person would type it: quoted where it has to be.
func Shown(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		if all[i] = word; word == "" || strings.ContainsFunc(word, Special) {
			all[i] = Quote(word)
		}
	}
	return strings.Join(all, " ")
}

// Special tells whether a character may mean something to a shell.
func Special(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:=,@%+", r)
}
