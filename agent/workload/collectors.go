package workload

import (
	"fmt"
	"slices"
	"strings"
)

// Collectors are the words of a recipe's monitoring.metrics: what is read of nodes, and of servers.
var Collectors = []string{"cpu", "cores", "memory", "network", "infiniband", "disk", "cgroup", "gpu", "server"}

// ByDefault tells whether a recipe without words reads what the word names. Cores are a column each, which on a node of 256
// makes rows six times as long, and are read where they are asked for.
func ByDefault(word string) bool { return word != "cores" }

// CheckCollectors says which of the words is none of Collectors.
func CheckCollectors(words []string) error {
	for _, w := range words {
		if !slices.Contains(Collectors, w) {
			return fmt.Errorf("nothing to read is called %q; there are %s", w, strings.Join(Collectors, ", "))
		}
	}
	return nil
}
