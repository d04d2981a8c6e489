package cli

import (
	"testing"

	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/service"
)

// A person who completes a recipe in an editor, or reads docs/services.md, is told what each setting is.
func TestEverySettingOfEveryServiceIsDescribed(t *testing.T) {
	services, err := allServices(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		for _, name := range s.Undescribed() {
			t.Errorf("templates/services/%s/service.yaml: the setting %s has no description", s.Name, name)
		}
	}
}

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

// docs/metrics.md is made from the table and the folders; a change of either without the other fails here.
func TestMetricReferenceIsCurrent(t *testing.T) {
	fsys, err := service.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := service.MetricReference(fsys)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../../../docs/metrics.md", text)
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
