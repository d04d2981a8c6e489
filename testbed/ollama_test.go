//go:build e2e

package testbed

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// An ollama is what plays Ollama's part in a test, and where.
type ollama struct {
	image   string // of the container; "": program runs on the node
	program string
	bound   string // one more bind
	gpus    string // asked for on each server node
}

// compile makes a bundle of recipes/ollama.yaml, with a store of models that its nodes share; edits are old and new words of it.
func (o ollama) compile(t *testing.T, edits ...string) *bundle {
	t.Helper()
	store := "/srv/jobs/" + strings.ReplaceAll(t.Name(), "/", "-") + "-store"
	if err := os.RemoveAll(outside(store)); err != nil {
		t.Fatal(err)
	}
	shell(t, "mkdir '"+store+"'")
	words := append(edits, "GPUS", cmp.Or(o.gpus, "0"), "SHARED", store, "BOUND", o.bound)
	if o.image == "" {
		words = append(words, "artifacts:\n  containers_dir: /srv/images\n  service: {path: IMAGE}\n", "", "gguf: /models/", "gguf: /srv/models/",
			"models: STORE", "models: "+store+"\n    program: "+o.program)
	} else {
		words = append(words, "IMAGE", o.image, "STORE", "/store")
	}
	return compileText(t, "ollama", 3, func(text string, _ []string) string {
		for k := 0; k < len(words); k += 2 {
			if !strings.Contains(text, words[k]) {
				t.Fatalf("the recipe has no %q", words[k])
			}
			text = strings.ReplaceAll(text, words[k], words[k+1])
		}
		return text
	})
}

// putStub puts testbed/ollama-stub, once, to where the nodes reach it.
var putStub = sync.OnceValue(func() error { return install("ollama-stub", outside("/srv/jobs/ollama-stub")) })

// stub is `agent dummy` under the name ollama, in a container with bash: the service's folder is run to its end, and Ollama is not.
func stub(t *testing.T) ollama {
	t.Helper()
	if err := putStub(); err != nil {
		t.Fatal(err)
	}
	return ollama{image: "llama.sif", bound: `, "/srv/jobs/ollama-stub:/usr/bin/ollama:ro"`, gpus: "1"}
}

// Ollama's folder, with a server that answers as Ollama does: the model is made once and found by the second node, which shares
// the store; each dialect's trial is whole; what /api/ps proves is noted.
func TestOllamaFolder(t *testing.T) {
	t.Parallel()
	j := stub(t).compile(t).submit()
	j.wait(completed)
	j.wantOllama(t)
	j.wantNoted("size_vram", "2000000000")
}

// wantOllama wants both servers to have the model, made of the file, and all trials good over both endpoints.
func (j *job) wantOllama(t *testing.T) {
	t.Helper()
	model, err := os.ReadFile(outside("/srv/models/chain.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(model)
	logs, err := filepath.Glob(j.path("logs", "prepare-d1-1.*.log"))
	made := 0
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err == nil && bytes.Contains(text, []byte("tiny is there: FROM ")) && bytes.Contains(text, []byte("sha256-"+hex.EncodeToString(digest[:]))) {
			made++
		}
	}
	if made != 2 {
		t.Errorf("the model of that file is said to be there on %d of 2 nodes: %v (%v)", made, logs, err)
	}
	for _, trial := range trials(3) {
		j.wantGood(trial)
		s := j.summary(trial)
		if len(s.ByEndpoint) != 2 {
			t.Errorf("trial %s has the endpoints %v, want 2", trial, s.ByEndpoint)
		}
	}
}

// wantCause wants all of these in the words of the job's first failure.
func (j *job) wantCause(words ...string) {
	j.t.Helper()
	cause := j.account().Cause
	for _, w := range words {
		if cause == nil || !strings.Contains(cause.Message, w) {
			j.t.Errorf("the cause is %+v, want %q in it", cause, w)
		}
	}
}

// wantNoted wants this to be noted of the deployment.
func (j *job) wantNoted(name, value string) {
	j.t.Helper()
	if want := "proof\td1\t" + name + "\t" + value; !slices.ContainsFunc(j.events(), func(e event) bool { return strings.TrimSpace(e.words) == want }) {
		j.t.Errorf("events.tsv has no %q", want)
	}
}

// What keeps Ollama from being measured is named before the first trial: a model on the CPU where GPUs were asked for, a model that
// nobody brought, a file that is none. Where the CPU is meant, it is no fault.
func TestOllamaFaults(t *testing.T) {
	const onCPU = "--itl 1ms --on-cpu"
	for _, c := range []struct {
		name  string
		edits []string
		words []string // of the cause; none: the job completes
	}{
		{"cpu", []string{"--itl 1ms", onCPU}, []string{"not in the memory of the GPUs", "size_vram 0 < size 2000000000", "gpu_layers: 0 where the CPU is meant"}},
		{"meant", []string{"--itl 1ms", onCPU, "context_length: 512", "context_length: 512\n    gpu_layers: 0"}, nil},
		{"missing", []string{"    gguf: /models/chain.gguf\n", ""}, []string{"the model is not in the store", "prefetch.sh"}},
		{"pulled", []string{"gguf: /models/chain.gguf", "pull: true"}, nil},
		{"no-file", []string{"/models/chain.gguf", "/models/nosuch.gguf"}, []string{"/models/nosuch.gguf can't be read", "service_config.gguf"}},
		{"broken", []string{"/models/chain.gguf", "/usr/bin/ollama"}, []string{"not one that Ollama can run", "compare its size"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := stub(t).compile(t, c.edits...).submit()
			if c.words == nil {
				j.wait(completed)
				return
			}
			j.wait(status{"FAILED", "1:0"})
			j.wantCause(c.words...)
			for trial, state := range j.account().states() {
				if state != "missing" {
					t.Errorf("trial %s is %s", trial, state)
				}
			}
		})
	}
}

// The real Ollama, an image or a program that OLLAMA_SIF names: it was not brought by this project, which has no way to. On
// the testbed there is no GPU, so that one asked for has to be missed.
func TestRealOllama(t *testing.T) {
	path := os.Getenv("OLLAMA_SIF")
	if path == "" {
		t.Skip("OLLAMA_SIF names no image or program of Ollama (0.24.0 was tried: docs/verified.md)")
	}
	o := real(t, path)
	for _, c := range []struct{ name, gpus string }{{"runs", ""}, {"on-CPU", "1"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.gpus = c.gpus
			j := o.compile(t).submit()
			if c.gpus != "" {
				j.wait(status{"FAILED", "1:0"})
				j.wantCause("not in the memory of the GPUs")
				return
			}
			j.wait(completed)
			j.wantOllama(t)
			j.wantNoted("size_vram", "0")
			j.wantNoted("context_length", "512")
		})
	}
}

// real is the Ollama at a path of this machine, copied to where the nodes reach it.
func real(t *testing.T, path string) ollama {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("OLLAMA_SIF: %v", err)
	}
	name := "/srv/images/ollama-real.sif"
	o := ollama{image: "ollama-real.sif"}
	if bytes.HasPrefix(text, []byte("\x7fELF")) {
		name, o = "/srv/jobs/ollama-real", ollama{program: "/srv/jobs/ollama-real"}
	}
	if err := os.WriteFile(outside(name)+".new", text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(outside(name)+".new", outside(name)); err != nil {
		t.Fatal(err)
	}
	return o
}
