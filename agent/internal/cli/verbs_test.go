package cli

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hpcbench/agent/internal/job"
)

func put(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAddressIsWrittenUnderTheNodesName(t *testing.T) {
	t.Setenv("BENCH_NODE", "host-3")
	dir := t.TempDir()
	if status, _, stderr := agent(t, "address", "--interfaces", "lo", "--out", dir); status != done {
		t.Fatal(stderr)
	}
	if got := content(t, filepath.Join(dir, "host-3")); got != "127.0.0.1\n" {
		t.Errorf("got %q", got)
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	status, _, stderr := agent(t, "free", "127.0.0.1:0", taken)
	if status != bad || !strings.Contains(stderr, taken+" can't be bound") || strings.Contains(stderr, "127.0.0.1:0 ") {
		t.Errorf("status %d, %s", status, stderr)
	}
	if status, _, stderr := agent(t, "free", "127.0.0.1:0"); status != done {
		t.Errorf("a free port: status %d, %s", status, stderr)
	}
}

func TestLedgerCountsAndWrites(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "trials/index.tsv", "# plan p1\n0001\td1\t40\tc1-r1\n0002\td1\t40\tc8-r1\n")
	put(t, dir, "trials/0001.json", "{}")
	put(t, dir, "trials/0002.json", "{}")
	put(t, dir, "env/d1.env", "")
	out := filepath.Join(dir, "ledger.tsv")
	status, stdout, stderr := agent(t, "ledger", "--bundle", dir, "--plan", "p1", "--deployments", "d1", "--out", out)
	if status != done || stdout != "2 trials: 0 done, 2 to run\n" {
		t.Fatalf("status %d, %q, %s", status, stdout, stderr)
	}
	if rows := content(t, out); !strings.HasPrefix(rows, "0001\td1\t40\tmissing\t") || !strings.HasSuffix(rows, "\tc8-r1\n") {
		t.Errorf("rows:\n%s", rows)
	}
	status, _, stderr = agent(t, "ledger", "--bundle", dir, "--plan", "p2", "--deployments", "d1", "--out", out)
	if status != bad || !strings.Contains(stderr, "ledger: the job script and trials/index.tsv are of different plans") {
		t.Errorf("another plan: status %d, %s", status, stderr)
	}
}

func TestJobIsWritten(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "events.tsv", "1.5\tfact\tjob\t4711\n2\tfailure\tserver.d1.1\t137\tout of memory\n3\texit\t137\n")
	if status, _, stderr := agent(t, "job", "--dir", dir); status != done {
		t.Fatal(stderr)
	}
	var got job.Job
	if err := json.Unmarshal([]byte(content(t, filepath.Join(dir, "job.json"))), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID != "4711" || got.State != job.Failed || got.Cause.Message != "out of memory" || *got.ExitStatus != 137 {
		t.Errorf("got %+v", got)
	}
}

func TestDummyFlagsThatMakeNoSense(t *testing.T) {
	status, _, stderr := agent(t, strings.Fields("dummy --listen 127.0.0.1:0 --jitter NaN --error-rate 2 --tokens -1 --tokens-per-write 0 --max-running -3")...)
	want := `dummy: --jitter NaN: want 0 to 1
dummy: --error-rate 2: want 0 to 1
dummy: --tokens -1: want 0 or more
dummy: --tokens-per-write 0: want 1 or more
dummy: --max-running -3: want 0 or more
`
	if status != refused || stderr != want {
		t.Errorf("status %d\n%s", status, stderr)
	}
}
