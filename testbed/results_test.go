//go:build e2e

package testbed

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// account is what the tests read of job.json.
type account struct {
	State      string
	ExitStatus *int `json:"exit_status"`
	Cause      *struct {
		Component, Message string
		Node, Rank, Log    string
		Status             int
	}
	Phases []struct{ Name string }
	Nodes  []struct{ Role, Node string }
	Trials []struct{ Trial, State, Text string }
}

// states are the trials' states by their ids.
func (a account) states() map[string]string {
	states := map[string]string{}
	for _, t := range a.Trials {
		states[t.Trial] = t.State
	}
	return states
}

// summary is what the tests read of summary.json.
type summary struct {
	Trial    string
	Point    map[string]any
	Requests struct {
		Sent, OK, Failed int
		ByOutcome        map[string]int `json:"by_outcome"`
	}
	Tokens struct {
		Output int
		Source string
	}
	Latency map[string]struct {
		N        int
		Min, P50 float64
	}
	Marks      []string
	ByEndpoint []struct{ Name string } `json:"by_endpoint"`
}

func (j *job) summary(trial string) summary {
	j.t.Helper()
	var s summary
	readJSON(j.t, j.path(trial, "summary.json"), &s)
	return s
}

// header is the first line of records.jsonl.
type header struct {
	Trial, Node string
	StartUnixNS int64 `json:"start_unix_ns"`
}

// record is one request as the client saw it. Instants are seconds from the header's start, nil when they never came.
type record struct {
	ID           int64
	Phase        string
	Outcome      string
	Status       int
	Sent         *float64
	FirstToken   *float64 `json:"first_token"`
	LastToken    *float64 `json:"last_token"`
	Done         *float64
	ServerPrompt *float64 `json:"server_prompt"`
	ServerDecode *float64 `json:"server_decode"`
	PromptTokens *int     `json:"prompt_tokens"`
	OutputTokens *int     `json:"output_tokens"`
	TokenSource  string   `json:"token_source"`
	Error        string

	start     int64  // the header's, in ns since 1970
	requestID string // that it was sent with
}

// records reads the records of a trial, of all client nodes.
func (j *job) records(trial string) []record {
	j.t.Helper()
	files, err := filepath.Glob(j.path(trial, "*", "records.jsonl"))
	if err != nil || len(files) == 0 {
		j.t.Fatalf("trial %s has no records: %v", trial, err)
	}
	var all []record
	for _, file := range files {
		all = append(all, readRecords(j.t, file, trial)...)
	}
	return all
}

func readRecords(t *testing.T, file, trial string) []record {
	t.Helper()
	lines := readLines[json.RawMessage](t, file)
	if len(lines) == 0 {
		t.Fatalf("%s is empty", file)
	}
	var h header
	if err := json.Unmarshal(lines[0], &h); err != nil || h.Trial != trial || h.Node != filepath.Base(filepath.Dir(file)) {
		t.Fatalf("%s: header %s (%v)", file, lines[0], err)
	}
	var records []record
	for _, line := range lines[1:] {
		r := record{start: h.StartUnixNS}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%s: %v in %s", file, err, line)
		}
		r.requestID = fmt.Sprintf("%s-%s-%d", h.Trial, h.Node, r.ID)
		records = append(records, r)
	}
	return records
}

// truth is one request as the dummy server saw it.
type truth struct {
	ID           string
	Status       int
	OutputTokens int `json:"output_tokens"`
	Done         bool
	Probe        bool
	FirstUnixNS  int64 `json:"first_unix_ns"`
}

// truths reads what the dummy servers of the job wrote down, by server.
func (j *job) truths() map[string][]truth {
	j.t.Helper()
	files, err := filepath.Glob(j.path("truth-*.jsonl"))
	if err != nil || len(files) == 0 {
		j.t.Fatalf("the servers wrote no truth: %v", err)
	}
	all := map[string][]truth{}
	for _, file := range files {
		all[filepath.Base(file)] = readLines[truth](j.t, file)
	}
	return all
}

// readLines decodes a file of one JSON value a line.
func readLines[T any](t *testing.T, file string) []T {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: %v in %s", file, err, lines.Text())
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return all
}

// table reads a summary.csv as rows of value by column.
func table(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("%s: %d rows, %v", path, len(rows), err)
	}
	var all []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, column := range rows[0] {
			m[column] = row[i]
		}
		all = append(all, m)
	}
	return all
}

// column is one column of a table, sorted.
func column(rows []map[string]string, name string) []string {
	var values []string
	for _, row := range rows {
		values = append(values, row[name])
	}
	slices.Sort(values)
	return values
}
