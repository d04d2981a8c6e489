package logs

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the goldens")

// job is one that began at ten o'clock in a zone an hour ahead, with a client node cn04.
func testJob() *Job {
	return &Job{
		Zone: time.FixedZone("+0100", 3600), Begin: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC),
		Ahead: map[string]time.Duration{"cn08": 1500 * time.Millisecond}, Nodes: []string{"cn04"},
		Trials: []Span{
			{"0001", "d1", time.Date(2026, 11, 26, 9, 13, 0, 0, time.UTC), time.Date(2026, 11, 26, 9, 13, 45, 0, time.UTC)},
			{"0002", "d1", time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC), time.Time{}},
		},
	}
}

// TestFormats reads lines of real logs (docs/logs.md says whose) and compares every entry with the golden.
func TestFormats(t *testing.T) {
	logs, err := filepath.Glob("testdata/formats/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	for _, path := range logs {
		name := strings.TrimSuffix(path, ".log")
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p := NewParser(Source{File: "logs/x.log", Component: "server", Category: Application, Deployment: "d1", Rank: 0}, testJob(), time.Time{}, nil)
			var got bytes.Buffer
			for line := range bytes.Lines(text) {
				got.Write(p.Entry(bytes.TrimSuffix(line, []byte("\n")), "").JSON())
			}
			golden(t, name+".jsonl", got.Bytes())
		})
	}
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it):\n%s", path, got)
	}
}

// What a line has in quotes, and what a file of ours that somebody wrote says, commands no terminal either.
func TestQuotedControlsAreShown(t *testing.T) {
	p := NewParser(Source{File: "logs/x.log", Rank: -1}, testJob(), time.Time{}, nil)
	for line, want := range map[string]string{
		`{"level":"info","message":"a\u001b]0;x\u0007\nb","x":"\u001b[31m"}`: "a�]0;x� ⏎ b x=",
		`time=2026-11-26T07:50:34.583Z level=INFO msg="\x1b[2Ja\nb" x=1`:     "a ⏎ b x=1",
	} {
		if e := p.Entry([]byte(line), ""); e.Message != want {
			t.Errorf("%s became %q", line, e.Message)
		}
	}
	if e := (made{}).Entry([]byte(`{"level":"\u001bc","node":"\u001bc","message":"x"}`), ""); e.Level != Info || e.Node != "�c" {
		t.Errorf("%+v", e)
	}
}
