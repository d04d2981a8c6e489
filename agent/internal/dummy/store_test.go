package dummy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A model is there once it was created or pulled, by either of its names, and for each server that has the store.
func TestModelsOfAStore(t *testing.T) {
	store := filepath.Join(t.TempDir(), "store")
	url, _ := start(t, Config{Store: store})
	twin, _ := start(t, Config{Store: store})
	const generate = `{"model":"a/b:1b","prompt":"hello","stream":false}`
	if status, answer := post(t, url+"/api/generate", generate); status != 404 || answer != `{"error":"model 'a/b:1b' not found"}` {
		t.Errorf("before it was made: %d %s", status, answer)
	}
	if status, answer := get(t, url+"/api/tags"); status != 200 || answer != `{"models":[]}` {
		t.Errorf("tags of an empty store: %d %s", status, answer)
	}
	if status, answer := post(t, url+"/api/show", `{"model":"a/b:1b"}`); status != 404 || answer != `{"error":"model 'a/b:1b' not found"}` {
		t.Errorf("show of what is not there: %d %s", status, answer)
	}
	made := `{"status":"writing manifest"}` + "\n" + `{"status":"success"}` + "\n"
	for path, body := range map[string]string{"/api/create": `{"model":"a/b:1b","files":{"x.gguf":"sha256:12ab"}}`, "/api/pull": `{"name":"plain:latest"}`} {
		if status, answer := post(t, url+path, body); status != 200 || answer != made {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if err := os.WriteFile(filepath.Join(store, "half.7"+partial), nil, 0o644); err != nil { // somebody else's, not whole yet
		t.Fatal(err)
	}
	for _, at := range []string{url, twin} {
		if status, answer := post(t, at+"/api/generate", generate); status != 200 {
			t.Errorf("%s: %d %s", at, status, answer)
		}
		if got := names(t, at+"/api/tags"); got != "a/b:1b plain:latest" {
			t.Errorf("tags: %q", got)
		}
	}
	for model, want := range map[string]string{"a/b:1b": "blobs/sha256-12ab", "plain": "blobs/sha256-"} {
		if status, answer := post(t, twin+"/api/show", `{"model":"`+model+`"}`); status != 200 || !strings.Contains(answer, want) {
			t.Errorf("show %s: %d %s, want %q", model, status, answer, want)
		}
	}
	if status, _ := post(t, url+"/api/create", `{"model":`); status != 400 {
		t.Errorf("cut JSON: %d", status)
	}
}

// Where a model lies is in /api/ps alone: Ollama says nothing else of a fallback to the CPU.
func TestWhereAModelLies(t *testing.T) {
	for onCPU, want := range map[bool]int64{false: modelBytes, true: 0} {
		url, _ := start(t, Config{Model: "m", OnCPU: onCPU})
		_, answer := get(t, url+"/api/ps")
		var ps struct {
			Models []struct {
				Size     int64
				SizeVRAM *int64 `json:"size_vram"`
				Context  int    `json:"context_length"`
			}
		}
		if err := json.Unmarshal([]byte(answer), &ps); err != nil {
			t.Fatal(err)
		}
		if m := ps.Models; len(m) != 1 || m[0].Size != modelBytes || m[0].SizeVRAM == nil || *m[0].SizeVRAM != want || m[0].Context == 0 {
			t.Errorf("on the CPU %t: %s", onCPU, answer)
		}
	}
}

// A store that can't be written to is said, and no model is there.
func TestStoreThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	url, _ := start(t, Config{Store: filepath.Join(file, "store")})
	if status, answer := post(t, url+"/api/pull", `{"model":"m"}`); status != 500 || !strings.Contains(answer, "not a directory") {
		t.Errorf("%d %s", status, answer)
	}
	if got := names(t, url+"/api/tags"); got != "" {
		t.Errorf("tags: %q", got)
	}
}

// names are the models in a list of Ollama's.
func names(t *testing.T, url string) string {
	t.Helper()
	_, answer := get(t, url)
	var list struct{ Models []struct{ Name string } }
	if err := json.Unmarshal([]byte(answer), &list); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range list.Models {
		all = append(all, m.Name)
	}
	return strings.Join(all, " ")
}
