package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// wellFormed is a header's line: a name of RFC 9110's tokens, and a value without control characters.
var wellFormed = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+:[^\\x00-\\x08\\x0a-\\x1f\\x7f]*$")

// framing are the headers that the engine itself has to set: they say where a message ends, or which request it is.
var framing = []string{"Content-Length", "Transfer-Encoding", "Connection", "Accept-Encoding", "Expect", "Upgrade", "X-Request-Id"}

// CheckHeader says what is wrong with a line "Name: value", without its value, which may be a secret.
func CheckHeader(line string) error {
	if !wellFormed.MatchString(line) {
		return errors.New("want NAME: VALUE on one line")
	}
	for _, name := range framing {
		if named([]string{line}, name) {
			return fmt.Errorf("%s is set by the agent itself", name)
		}
	}
	return nil
}

// named reports whether a header of that name is among the lines.
func named(lines []string, name string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		own, _, _ := strings.Cut(line, ":")
		return strings.EqualFold(own, name)
	})
}

// Authorization is the header that carries an API key.
func Authorization(key string) string { return "Authorization: Bearer " + key }

// concealed stands where a key would.
const concealed = "[key]"

// leastKey is the length of a key that is worth concealing: "x" or "no" are in every text.
const leastKey = 4

// Conceal takes the key that headers carry ("Name: value") out of a server's words: one that repeats what it was sent must
// not bring it into a record or a log. Where the words were cut in the middle of the key, its begin goes too.
func Conceal(words string, headers []string) string {
	if words == "" {
		return words
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		if !carrier.MatchString(name) {
			continue
		}
		for _, key := range keys(value) {
			words = without(words, key)
		}
	}
	return words
}

// keys are the words of a header's value that are worth concealing, and of one such as sid=abcd what follows the name too.
func keys(value string) []string {
	var all []string
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t;,", r) }) {
		_, inner, _ := strings.Cut(word, "=")
		for _, key := range []string{word, inner} {
			if len(key) >= leastKey && !scheme.MatchString(key) {
				all = append(all, key)
			}
		}
	}
	return all
}

// without is words without a key, nor the begin of one that they were cut in: an excerpt ends in "…", whatever stands after it.
func without(words, key string) string {
	words = strings.ReplaceAll(words, key, concealed)
	excerpts := strings.Contains(words, "…")
	for n := len(key) - 1; n >= leastKey; n-- {
		if excerpts {
			words = strings.ReplaceAll(words, key[:n]+"…", concealed)
		}
		if begin, cut := strings.CutSuffix(words, key[:n]); cut {
			return begin + concealed
		}
	}
	return words
}

// carrier is the name of a header whose value is a key, such as Authorization, X-Api-Key, Cookie or X-Auth-Token; scheme is a
// word before the key.
var (
	carrier = regexp.MustCompile(`(?i)auth|key|token|secret|cookie|passw`)
	scheme  = regexp.MustCompile(`(?i)^(bearer|basic|token|digest|negotiate|apikey)$`)
)

// keyLimit bounds a key's line, in bytes.
const keyLimit = 16 << 10

// ReadKey reads an API key: the first line of a file, without the blanks around it. The error never holds any of it.
func ReadKey(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("API key: %w", err)
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, keyLimit)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("API key: %w", err)
	}
	key, err := Key(line)
	if err != nil {
		return "", fmt.Errorf("API key: %s: its first line %w", path, err)
	}
	return key, nil
}

// Key is an API key without the blanks around it. The error says what a text lacks to be one, and never holds any of it.
func Key(text string) (string, error) {
	key := strings.TrimSpace(text)
	switch {
	case key == "":
		return "", errors.New("is empty")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("is no key: want printable characters without blanks")
	}
	return key, nil
}
