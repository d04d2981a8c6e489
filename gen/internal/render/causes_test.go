package render

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hpcbench/gen/internal/service"
	"hpcbench/templates"
)

// Each known cause of each service has a line in gen/testdata/causes that shows it, and each of these lines shows one, with a cure.
func TestEveryCauseHasALine(t *testing.T) {
	check := func(t *testing.T, name string, causes []service.Cause) {
		text, err := os.ReadFile("../../testdata/causes/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			k := slices.IndexFunc(causes, func(c service.Cause) bool { return regexp.MustCompilePOSIX(c.Pattern).MatchString(line) })
			if k < 0 {
				t.Errorf("no cause is seen in: %s", line)
				continue
			}
			seen[causes[k].Pattern] = true
		}
		for _, c := range causes {
			if !seen[c.Pattern] {
				t.Errorf("no line shows %q: %s", c.Cause, c.Pattern)
			}
			if c.Cure == "" {
				t.Errorf("%q has no cure", c.Cause)
			}
		}
	}
	t.Run("common", func(t *testing.T) { check(t, "common", service.Common) })
	for name, svc := range services(t) {
		if len(svc.Causes) > 0 {
			t.Run(name, func(t *testing.T) { check(t, name, svc.Causes) })
		}
	}
}

// What the issue names has a known cause and a cure in every service that it can happen to.
func TestCausesThatEveryServiceKnows(t *testing.T) {
	lines := map[string]string{
		"out of memory": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. cudaMalloc failed: out of memory",
		"NCCL":          "torch.distributed.DistBackendError: NCCL error in: NCCLUtils.cpp:94, unhandled system error, ncclSystemError",
		"port":          "OSError: [Errno 98] Failed to bind socket to 1: Address already in use: failed to start HTTP service: Unavailable - Socket '1' already in use, couldn't bind HTTP server socket, bind: address already in use",
		"model":         "OSError: x is not a local folder and is not a valid model identifier; model 'x' not found; failed to open GGUF file 'x' (No such file or directory)",
		"token":         "GatedRepoError: 401 Client Error",
	}
	never := map[string][]string{"ollama": {"NCCL", "token"}, "llamacpp": {"NCCL", "token"}, "dummy": {"out of memory", "NCCL", "model", "token"}}
	for name, svc := range services(t) {
		for what, line := range lines {
			known := slices.ContainsFunc(svc.Causes, func(c service.Cause) bool {
				return c.Cure != "" && regexp.MustCompilePOSIX(c.Pattern).MatchString(line)
			})
			if want := name != "external" && !slices.Contains(never[name], what); known != want {
				t.Errorf("%s: %s is known: %v, want %v", name, what, known, want)
			}
		}
	}
}

// services are all of them by their names.
func services(t *testing.T) map[string]*service.Service {
	t.Helper()
	fsys, err := service.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	names, err := templates.FS.ReadDir("services")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*service.Service{}
	for _, dir := range names {
		if all[dir.Name()], err = service.Load(fsys, dir.Name()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
