package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var yamlBlock = regexp.MustCompile("(?s)\n```yaml\n(.*?)```")

// What a service's README shows is a recipe that compiles, or a service that loads.
func TestREADMEsOfServicesShowWhatCompiles(t *testing.T) {
	services, err := allServices(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		t.Run(s.Name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("../../../templates/services", s.Name, "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			recipes := 0
			for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
				if name, isService := strings.CutPrefix(block[1], "name: "); isService {
					loads(t, name[:strings.IndexByte(name, '\n')], block[1])
					continue
				}
				recipes++
				file := filepath.Join(t.TempDir(), "recipe.yaml")
				if err := os.WriteFile(file, []byte(block[1]), 0o644); err != nil {
					t.Fatal(err)
				}
				if got := planOf(t, file).Plan; got == nil || len(got.Trials) == 0 {
					t.Errorf("it comes to no trial:\n%s", block[1])
				}
			}
			if recipes == 0 {
				t.Error("there is no recipe in it")
			}
		})
	}
}

// loads wants a service of one file to be one.
func loads(t *testing.T, name, text string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "service.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := allServices([]string{dir}); err != nil {
		t.Error(err)
	}
}
