package diag

import (
	"fmt"
	"strings"
)

// DidYouMean is the cure for a misspelt name: the known name nearest to it, or "" where none is near enough.
func DidYouMean(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// beginning is the one known name that begins with the words of name, or they with its: cpus for cpus_per_task, batch_size for
// batch.
func beginning(name string, known []string) string {
	best := ""
	for _, k := range known {
		if strings.HasPrefix(k, name+"_") || strings.HasPrefix(name, k+"_") {
			if best != "" {
				return ""
			}
			best = k
		}
	}
	return best
}

// Nearest is the known name that shares its first words with name, else that with the smallest edit distance to name, the first of equals; "" where that distance is
// more than a third of the name's length (at least one edit is allowed, at most three).
func Nearest(name string, known []string) string {
	if k := beginning(name, known); k != "" {
		return k
	}
	limit := min(max(len(name)/3, 1), 3)
	best := ""
	for _, k := range known {
		if d := distance(name, k, limit); d <= limit {
			best, limit = k, d-1
		}
	}
	return best
}

// distance is the number of insertions, deletions, substitutions and swaps of neighbours that turn a into b (optimal
// string alignment), or something above limit as soon as it must be.
func distance(a, b string, limit int) int {
	r, s := []rune(a), []rune(b)
	if d := len(r) - len(s); d > limit || -d > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(s)+1), make([]int, len(s)+1), make([]int, len(s)+1)
	for j := range last {
		last[j] = j
	}
	for i := range r {
		row[0] = i + 1
		for j := range s {
			row[j+1] = min(row[j]+1, last[j+1]+1, last[j]+substitution(r[i], s[j]))
			if i > 0 && j > 0 && r[i] == s[j-1] && r[i-1] == s[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(s)]
}

// substitution is the cost of putting b where a was: hyphen and underscore count as one character.
func substitution(a, b rune) int {
	if a == b || a == '-' && b == '_' || a == '_' && b == '-' {
		return 0
	}
	return 1
}
