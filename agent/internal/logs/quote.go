package logs

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hpcbench/agent/internal/whole"
)

// How many lines are quoted of a log, of those at most so far before and behind the line that shows a cause, and how much of each.
const (
	quoteLines  = 10
	farBefore   = 40
	farBehind   = 20
	quotedBytes = 300
)

// Quote gives the ten lines that matter about a place in a log of a run, logs/server.d1.1.mel2093.log:412: that line, the nearest
// that are errors or warnings, and as many of its neighbours as there is room for, in their order, each with its number in front.
// Nothing where the log can't be read: it may be gone by now.
func Quote(dir, place string) []string {
	name, number, _ := strings.Cut(filepath.ToSlash(place), ":")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || !filepath.IsLocal(name) {
		return nil
	}
	lines, first := around(filepath.Join(dir, name), n)
	if len(lines) == 0 {
		return nil
	}
	var chosen []string
	for _, k := range mattering(lines, n-first) {
		text := lines[k].Message
		if len(text) > quotedBytes {
			text = strings.ToValidUTF8(text[:quotedBytes], "") + " …"
		}
		chosen = append(chosen, fmt.Sprintf("%d: %s", first+k, text))
	}
	return chosen
}

// around are the lines about a line, as they stand, with their levels, and the number of the first of them.
func around(path string, n int) (lines []Entry, first int) {
	f, err := whole.Open(path) // no pipe, and nothing without end
	if err != nil {
		return nil, 0
	}
	_ = f.Close() // it was only to be looked at
	first = max(1, n-farBefore)
	t := Tail{Path: path}
	t.Whole()
	defer t.Close()
	p := NewParser(Source{Rank: -1}, &Job{Zone: time.UTC}, time.Time{}, nil)
	at := 0
	for at < n+farBehind {
		got, err := t.Poll(chunk, func(text []byte, more string) {
			if at++; at >= first && at <= n+farBehind {
				e := p.Entry(text, more)
				e.Message = clean(text) + more
				lines = append(lines, e)
			}
		})
		if got == 0 || err != nil {
			break
		}
	}
	if len(lines) <= n-first {
		return nil, 0 // the log ends before
	}
	return lines, first
}

// mattering are the lines that are quoted about line k, in their order.
func mattering(lines []Entry, k int) []int {
	var all []int
	for i, e := range lines {
		if strings.TrimSpace(e.Message) != "" || i == k {
			all = append(all, i)
		}
	}
	weight := func(i int) int { // the less, the more it matters
		distance := i - k
		if distance < 0 {
			distance = -distance
		} else {
			distance *= 2 // what comes before a failure says more
		}
		if i != k && !lines[i].Level.AtLeast(Warn) {
			distance += farBefore + farBehind
		}
		return distance
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(weight(a), weight(b)) })
	all = all[:min(quoteLines, len(all))]
	slices.Sort(all)
	return all
}
