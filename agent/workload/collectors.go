package workload

import (
	"fmt"
	"slices"
	"strings"
)

// Collectors are the words of a recipe's monitoring.metrics: what is read of nodes, and of servers.
var Collectors = []string{"cpu", "cores", "memory", "network", "infiniband", "disk", "cgroup", "gpu", "server"}

// ByDefault tells whether a recipe without words reads what the word names, at an interval in seconds. Cores are a column each:
// 256 of them make rows six times as long, 6 MB an hour at a row a second. Where there are more rows than that they are read only if
// they are asked for.
func ByDefault(word string, intervalS float64) bool { return word != "cores" || intervalS >= 1 }

// CheckCollectors says which of the words is none of Collectors.
func CheckCollectors(words []string) error {
	for _, w := range words {
		if !slices.Contains(Collectors, w) {
			return fmt.Errorf("nothing to read is called %q; there are %s", w, strings.Join(Collectors, ", "))
		}
	}
	return nil
}
