// Package service reads service folders: templates/services/<name>/service.yaml and the templates beside it.
package service

import "io/fs"

// Service is one folder. Nothing about a service stands anywhere else.
type Service struct {
	Name, Title, Description string
	Image                    string // where prefetch pulls from when the recipe is silent, such as docker://ollama/ollama:0.24.0
	NeedsImage               bool   // false: the argv runs on the node itself when the recipe names no image
	Port                     int    // the service's customary port, for documentation; jobs use their own block
	Dialects                 []string
	SingleNode               bool     // several server nodes are independent endpoints, never one server
	Launchers                []string // of single, spmd, ray, mp: what it can be started by; the first is the default
	Health                   Health
	ConcurrencyEnv           string // variable told the most requests in flight per endpoint over the deployment's trials
	StartupS                 float64
	Config                   map[string]any // JSON Schema of service_config
	Causes                   []Cause
	Proof                    []Proof
	Metrics                  Metrics
	Files                    fs.FS // the folder: argv.tmpl, env.tmpl, ray-head.tmpl, ray-worker.tmpl, prefetch.tmpl
}

// Health is the second stage of readiness.
type Health struct {
	Path     string
	TimeoutS float64
}

// Cause names a known failure by a pattern in the server's log (POSIX extended regular expression).
type Cause struct{ Pattern, Cause, Cure string }

// Proof is a line of the server's log worth keeping in job.json.
type Proof struct{ Name, Pattern string }

// Metrics is where the server tells of itself, and its names mapped to ours.
type Metrics struct {
	Path string
	Map  map[string]string
}
