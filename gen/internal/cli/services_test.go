package cli

import (
	"testing"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/service"
)

// docs/services.md is made from the folders; a change of the one without the other fails here.
func TestServiceReferenceIsCurrent(t *testing.T) {
	fsys, err := service.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := service.Reference(fsys)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../../docs/services.md", text)
}

// docs/clusters.md is made from the profiles; a change of the one without the other fails here.
func TestClusterReferenceIsCurrent(t *testing.T) {
	all, _, err := profiles()
	if err != nil {
		t.Fatal(err)
	}
	text, err := cluster.Reference(all)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../../docs/clusters.md", text)
}
