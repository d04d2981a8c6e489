package recipe

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxNodes of a range, and of the allocation itself: the schema's own limit.
const maxRange = 10000

// nodeRange is a role's nodes as a recipe names them: by index of the allocation, or by host name.
type nodeRange struct {
	indices []int
	hosts   []string
}

// count is the number of nodes.
func (r nodeRange) count() int { return len(r.indices) + len(r.hosts) }

// text is the range written out, as plan takes it.
func (r nodeRange) text() string {
	all := slices.Clone(r.hosts)
	for _, i := range r.indices {
		all = append(all, strconv.Itoa(i))
	}
	return strings.Join(all, ",")
}

var (
	indexPart = regexp.MustCompile(`^([0-9]{1,6})(?:-([0-9]{1,6}))?$`)
	hostPart  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9._-]*)(?:\[([0-9,-]+)\]([A-Za-z0-9._-]*))?$`)
)

// parseRange reads "0-2", "0,3", "node[001-003,007]" or "gpu1,gpu2"; one bracket a name, as scontrol hostnames has it.
func parseRange(text string) (nodeRange, error) {
	var r nodeRange
	for _, part := range outside(text) {
		switch m := hostPart.FindStringSubmatch(part); {
		case indexPart.MatchString(part):
			some, err := indices(part)
			if err != nil {
				return r, err
			}
			r.indices = append(r.indices, some...)
		case m == nil:
			return r, fmt.Errorf("has %q, which is neither an index nor a host name", clip(part))
		default:
			some, err := hosts(m[1], m[2], m[3])
			if err != nil {
				return r, err
			}
			r.hosts = append(r.hosts, some...)
		}
		if r.count() > maxRange {
			return r, fmt.Errorf("names more than %d nodes", maxRange)
		}
	}
	if len(r.indices) > 0 && len(r.hosts) > 0 {
		return r, fmt.Errorf("has both indices and host names")
	}
	if twice, is := repeated(r.indices); is {
		return r, fmt.Errorf("has %d twice", twice)
	}
	if twice, is := repeated(r.hosts); is {
		return r, fmt.Errorf("has %s twice", twice)
	}
	return r, nil
}

// outside splits at the commas that stand in no bracket.
func outside(text string) []string {
	var parts []string
	depth, from := 0, 0
	for i, c := range text {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(text[from:i]))
				from = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(text[from:]))
}

// indices reads "0-2,5".
func indices(text string) ([]int, error) {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		low, high, err := bounds(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if len(all)+high-low >= maxRange {
			return nil, fmt.Errorf("names more than %d", maxRange)
		}
		for i := low; i <= high; i++ {
			all = append(all, i)
		}
	}
	return all, nil
}

// bounds are the ends of "3" and "3-7".
func bounds(part string) (low, high int, err error) {
	m := indexPart.FindStringSubmatch(part)
	if m == nil {
		return 0, 0, fmt.Errorf("has %q, which is neither a number nor a range of them", clip(part))
	}
	low, _ = strconv.Atoi(m[1]) // digits by the pattern
	high = low
	if m[2] != "" {
		high, _ = strconv.Atoi(m[2])
	}
	if high < low {
		return 0, 0, fmt.Errorf("has %q, which goes backwards", part)
	}
	return low, high, nil
}

// hosts writes out prefix[list]suffix; numbers keep their leading zeros.
func hosts(prefix, list, suffix string) ([]string, error) {
	if list == "" {
		return []string{prefix}, nil
	}
	var all []string
	for part := range strings.SplitSeq(list, ",") {
		low, high, err := bounds(part)
		if err != nil {
			return nil, err
		}
		if len(all)+high-low >= maxRange {
			return nil, fmt.Errorf("names more than %d nodes", maxRange)
		}
		first, _, _ := strings.Cut(part, "-")
		for i := low; i <= high; i++ {
			all = append(all, fmt.Sprintf("%s%0*d%s", prefix, len(first), i, suffix))
		}
	}
	return all, nil
}

// repeated is the first value that stands twice.
func repeated[T comparable](all []T) (T, bool) {
	seen := make(map[T]bool, len(all))
	for _, v := range all {
		if seen[v] {
			return v, true
		}
		seen[v] = true
	}
	var none T
	return none, false
}

// some is a group of indices as a recipe writes it: 0, "0-3" or [0, 2].
func (n *node) some() []int {
	switch {
	case n == nil:
		return nil
	case n.kind == list:
		var all []int
		for _, item := range n.items {
			all = append(all, item.some()...)
		}
		return all
	}
	all, _ := indices(fmt.Sprint(n.value)) // none when wrong, which Load told of
	return all
}

// overlap is the first value that two lists share.
func overlap[T comparable](a, b []T) (T, bool) {
	if i := slices.IndexFunc(a, func(v T) bool { return slices.Contains(b, v) }); i >= 0 {
		return a[i], true
	}
	var none T
	return none, false
}
