//go:build e2e

package testbed

import (
	"bytes"
	"os"
	"testing"
	"time"
)

// llamaFaults are what llama-server itself ends of while it loads, each a cause of its folder's service.yaml, in the words of the
// real one. What only a GPU's memory brings about is not among them.
var llamaFaults = []fault{
	{
		name: "the model's file is cut off (llama.cpp)", class: loading, quick: true,
		exit: "FAILED 1", line: []string{"d1: the model's file is broken or cut off while loading", "rank 0", "sha256", "logs/server.d1.1."}, trials: "missing",
		run: func(t *testing.T) seen {
			return withModel(t, func(whole []byte) []byte { return whole[:len(whole)/2] })
		},
	},
	{
		name: "the model's file ends in its header (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: the model's file is broken or cut off while loading", "rank 0", "sha256"}, trials: "missing",
		run: func(t *testing.T) seen {
			return withModel(t, func(whole []byte) []byte { return whole[:300] })
		},
	},
	{
		name: "the model's file is a page of the web (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: the model's file is no .gguf file while loading", "rank 0", "it may be a page"}, trials: "missing",
		run: func(t *testing.T) seen {
			return withModel(t, func([]byte) []byte { return []byte("<!DOCTYPE html>\n<title>Sign in to go on</title>\n") })
		},
	},
	{
		name: "the server is too old for the model's file (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: the model's file is of GGUF version 9, and this llama-server reads up to 3 while loading", "newer image"}, trials: "missing",
		run: func(t *testing.T) seen {
			return withModel(t, func(whole []byte) []byte { return bytes.Replace(whole, []byte("GGUF\x03"), []byte("GGUF\x09"), 1) })
		},
	},
	{
		name: "the server is too old for the model (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: this llama-server does not know the model's architecture llamb while loading", "newer image"}, trials: "missing",
		run: func(t *testing.T) seen {
			return withModel(t, func(whole []byte) []byte { // the value of general.architecture: the first text of five letters
				return bytes.Replace(whole, []byte("\x05\x00\x00\x00\x00\x00\x00\x00llama"), []byte("\x05\x00\x00\x00\x00\x00\x00\x00llamb"), 1)
			})
		},
	},
	{
		name: "the context is larger than the memory (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: the model and its context don't fit into memory while loading", "rank 0", " MB were wanted at once", "Lower parallel or ctx_per_slot"}, trials: "missing",
		run: func(t *testing.T) seen {
			return llamaWith(t, "ctx_per_slot: 512", "ctx_per_slot: 20000000").seen(time.Time{})
		},
	},
	{
		name: "the server does not know an option (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: llama-server does not know the option --warp-speed while loading", "rank 0", "servers.service_config"}, trials: "missing",
		run: func(t *testing.T) seen {
			return llamaWith(t, "threads: 1", "threads: 1\n    warp_speed: 9").seen(time.Time{})
		},
	},
	{
		name: "the server does not take an option's value (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: llama-server does not take the value of --cache-type-k while loading", "Unsupported cache type: q9_0", "servers.service_config"}, trials: "missing",
		run: func(t *testing.T) seen {
			return llamaWith(t, "threads: 1", "threads: 1\n    cache_type_k: q9_0").seen(time.Time{})
		},
	},
	{
		// the job looks whether its own port is free; here it is not the one that the server then takes
		name: "the port that somebody typed into argv is another program's (llama.cpp)", class: loading,
		exit: "FAILED 1", line: []string{"d1: the port is taken while loading", "rank 0"}, trials: "missing",
		run: func(t *testing.T) seen {
			b := edited(t, "llama", 2, oneModel, "/models/loop.gguf", "[1, 4]", "1")
			b.takePort(pairPort)
			b.edit("argv/d1.0", "^@PORT@$", pairPort)
			return b.submit().seen(time.Time{})
		},
	},
}

const oneModel = "[/models/loop.gguf, /models/chain.gguf]" // in recipes/llama.yaml

// llamaWith submits recipes/llama.yaml with one model, one client, and texts replaced.
func llamaWith(t *testing.T, oldnew ...string) *job {
	t.Helper()
	return edited(t, "llama", 2, append([]string{oneModel, "/models/loop.gguf", "[1, 4]", "1"}, oldnew...)...).submit()
}

// withModel is what becomes of a job whose model's file is another one than the maker's.
func withModel(t *testing.T, spoil func(whole []byte) []byte) seen {
	t.Helper()
	whole, err := os.ReadFile(outside("/srv/models/loop.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	spoilt := spoil(whole)
	if bytes.Equal(spoilt, whole) {
		t.Fatal("the model is as it was")
	}
	dir := workspace(t) + "-models"
	shell(t, "mkdir -p '"+dir+"'")
	writeFile(t, dir+"/model.gguf", string(spoilt))
	return edited(t, "llama", 2, oneModel, "/mine/model.gguf", "[1, 4]", "1", `"/srv/models:/models:ro"`, `"`+dir+`:/mine:ro"`).submit().seen(time.Time{})
}
