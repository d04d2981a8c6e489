// Package diff tells how two texts, and how two bundles, differ.
//
// Texts are compared line by line by Myers' algorithm (An O(ND) Difference Algorithm and Its Variations, 1986) in its
// linear-space form, which finds a shortest script of deletions and insertions. Bundles are compared by what they mean
// first (trials, deployments, directives), then file by file.
package diff

import "strings"

// Change is a run of lines a[A:AEnd] in whose place b[B:BEnd] stands; one of the two may be empty. Lines count from 0.
type Change struct{ A, AEnd, B, BEnd int }

// Changes are those that make b out of a, in order; none where they are equal. What lies between two changes is equal.
func Changes(a, b []string) []Change {
	ids := map[string]int{}
	d := differ{a: number(ids, a), b: number(ids, b), gone: make([]bool, len(a)), added: make([]bool, len(b))}
	size := 2*(len(a)+len(b)) + 3
	d.forward, d.backward = make([]int, size), make([]int, size)
	d.compare(0, len(a), 0, len(b))
	var all []Change
	for i, j := 0, 0; i < len(a) || j < len(b); {
		c := Change{i, i, j, j}
		for c.AEnd < len(a) && d.gone[c.AEnd] {
			c.AEnd++
		}
		for c.BEnd < len(b) && d.added[c.BEnd] {
			c.BEnd++
		}
		if c.AEnd > c.A || c.BEnd > c.B {
			all = append(all, c)
		}
		i, j = c.AEnd+1, c.BEnd+1
	}
	return all
}

// number gives equal lines equal numbers, which are cheaper to compare.
func number(ids map[string]int, lines []string) []int {
	all := make([]int, len(lines))
	for i, line := range lines {
		if _, known := ids[line]; !known {
			ids[line] = len(ids)
		}
		all[i] = ids[line]
	}
	return all
}

// differ marks the lines of a that are gone and those of b that are added.
type differ struct {
	a, b              []int
	gone, added       []bool
	forward, backward []int // furthest x by diagonal, from both ends
}

// compare marks a[a0:a1] against b[b0:b1]: it takes off what is equal at the ends, and halves the rest at a point through
// which a shortest script leads.
func (d *differ) compare(a0, a1, b0, b1 int) {
	for a0 < a1 && b0 < b1 && d.a[a0] == d.b[b0] {
		a0, b0 = a0+1, b0+1
	}
	for a0 < a1 && b0 < b1 && d.a[a1-1] == d.b[b1-1] {
		a1, b1 = a1-1, b1-1
	}
	if a0 == a1 || b0 == b1 {
		for i := a0; i < a1; i++ {
			d.gone[i] = true
		}
		for j := b0; j < b1; j++ {
			d.added[j] = true
		}
		return
	}
	x, y := d.middle(a0, a1, b0, b1)
	d.compare(a0, x, b0, y)
	d.compare(x, a1, y, b1)
}

// middle is a point in the middle of a shortest script: where the furthest paths from both ends first meet.
func (d *differ) middle(a0, a1, b0, b1 int) (x, y int) {
	n, m := a1-a0, b1-b0
	zero := len(d.forward) / 2
	f, r := d.forward, d.backward
	f[zero+1], r[zero+1] = 0, 0
	for step := 0; ; step++ {
		low, high := -(step - 2*max(0, step-m)), step-2*max(0, step-n)
		for k := low; k <= high; k += 2 {
			x := furthest(f, zero, k, step)
			for y := x - k; x < n && y < m && d.a[a0+x] == d.b[b0+y]; y++ {
				x++
			}
			f[zero+k] = x
			if c := n - m - k; (n-m)%2 != 0 && c >= -(step-1) && c <= step-1 && x+r[zero+c] >= n {
				return a0 + x, b0 + x - k
			}
		}
		for k := low; k <= high; k += 2 {
			x := furthest(r, zero, k, step)
			for y := x - k; x < n && y < m && d.a[a1-1-x] == d.b[b1-1-y]; y++ {
				x++
			}
			r[zero+k] = x
			if c := n - m - k; (n-m)%2 == 0 && c >= -step && c <= step && x+f[zero+c] >= n {
				return a1 - x, b1 - (x - k)
			}
		}
	}
}

// furthest is how far one reaches on diagonal k with one edit more than its neighbours took.
func furthest(v []int, zero, k, step int) int {
	if k == -step || k != step && v[zero+k-1] < v[zero+k+1] {
		return v[zero+k+1]
	}
	return v[zero+k-1] + 1
}

// Lines takes a text apart; a last line without its end counts as one.
func Lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
