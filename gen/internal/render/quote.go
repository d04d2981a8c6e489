package render

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"hpcbench/gen/internal/shell"
)

// quote is text as one word of the shell, whatever is in it but NUL, which no shell can hold.
func quote(text string) (string, error) {
	if strings.ContainsRune(text, 0) {
		return "", fmt.Errorf("%q has a NUL in it", text)
	}
	return shell.Quote(text), nil
}

// array is a list of words as the inside of a bash array.
func array(list []string) (string, error) {
	quoted := make([]string, len(list))
	for i, text := range list {
		var err error
		if quoted[i], err = quote(text); err != nil {
			return "", err
		}
	}
	return strings.Join(quoted, " "), nil
}

// words is a list of words that have no blanks as one word, which bash takes apart again.
func words(list []string) (string, error) {
	for _, text := range list {
		if text == "" || strings.ContainsFunc(text, unicode.IsSpace) || strings.ContainsAny(text, `\`) {
			return "", fmt.Errorf("%q is not one plain word", text)
		}
	}
	return quote(strings.Join(list, " "))
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// assign is NAME=value as the shell sets it: NAME='value'.
func assign(pair string) (string, error) {
	name, value, ok := strings.Cut(pair, "=")
	if !ok || !variable.MatchString(name) {
		return "", fmt.Errorf("%q does not set a variable", pair)
	}
	quoted, err := quote(value)
	return name + "=" + quoted, err
}

// directive is the value of an #SBATCH line, which knows no quotes: blanks, quotes and the like would change its meaning.
func directive(text string) (string, error) {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`'"\#`, r)
	}) {
		return "", fmt.Errorf("%q can't stand in an #SBATCH line", text)
	}
	return text, nil
}

// comment is text for one line of a comment: what would end the line, or move a terminal's cursor, becomes a blank.
func comment(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' {
			return ' '
		}
		return r
	}, text)
}
