package recipe

import (
	"maps"
	"slices"
	"testing"

	"hpcbench/gen/internal/service"
)

// A service may name each dialect that recipes have rules about, and no other.
func TestServicesMayNameEveryDialect(t *testing.T) {
	if known := slices.Sorted(maps.Keys(dialects)); !slices.Equal(known, service.Dialects) {
		t.Errorf("recipes know %q, services %q", known, service.Dialects)
	}
}
