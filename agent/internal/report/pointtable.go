package report

import (
	"strconv"

	"hpcbench/agent/internal/summary"
)

// pointTable has a line a point: its swept values, n, and the numbers, their means below each other.
func (r *Report) pointTable() string {
	words, numbers := r.pointHeads()
	limit := r.wordLimit(words)
	for i := range words {
		words[i] = shorten(words[i], limit)
	}
	spread := make([]int, len(numbers))
	var rows [][]string
	for _, p := range r.points {
		for i, c := range r.numbers(p) {
			spread[i] = max(spread[i], width(c.Spread))
		}
	}
	for _, p := range r.points {
		row := r.words(p)
		for i := range row {
			row[i] = shorten(row[i], limit)
		}
		for i, c := range r.numbers(p) {
			row = append(row, c.Text+pad(c.Spread, spread[i], false))
		}
		rows = append(rows, row)
	}
	return table(append(words, numbers...), rows, len(words))
}

// wordLimit is how long a swept value may be, so that all of them leave half of the table to numbers.
func (r *Report) wordLimit(heads []string) int {
	for limit := columnsWide; limit > 8; limit-- {
		sum := 0
		for i := range heads {
			longest := width(heads[i])
			for _, p := range r.points {
				longest = max(longest, width(r.words(p)[i]))
			}
			sum += min(longest, limit) + 2
		}
		if sum <= columnsWide*6/10 {
			return limit
		}
	}
	return 8
}

// pointHeads are the heads of the table of points: those of words and those of numbers.
func (r *Report) pointHeads() (words, numbers []string) {
	for _, k := range r.keys {
		words = append(words, k.label)
	}
	for _, c := range r.shown() {
		numbers = append(numbers, c.heading(r.unitOf(c)))
	}
	if r.restarted() {
		words = append(words, "starts")
	}
	return append(words, "n"), numbers
}

// words are the point's swept values, how many server starts it was measured on, and its n.
func (r *Report) words(p *point) []string {
	var row []string
	for _, v := range p.values {
		row = append(row, say(v))
	}
	if r.restarted() {
		row = append(row, strconv.Itoa(len(p.starts())))
	}
	return append(row, strconv.Itoa(len(p.trials))+p.class().sign())
}

// numbers are the point's cells. In a table of repetitions a lone trial has no interval: it would be of another kind.
func (r *Report) numbers(p *point) []cell {
	var row []cell
	for _, c := range r.shown() {
		s := p.of(c)
		if r.repeated() {
			s.within = summary.Interval{}
		}
		row = append(row, s.cell(r.unitOf(c)))
	}
	return row
}
