package submit

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestWhereIsReadAsItWasWritten(t *testing.T) {
	for want, where := range map[string]Where{
		"here":                           {},
		"ssh://meluxina/~/hpcbench/demo": {Host: "meluxina", Dir: "hpcbench/demo"},
		"ssh://u101@login.lxp.lu:8822/project/p1/my%20demo": {Host: "login.lxp.lu", User: "u101", Port: 8822, Dir: "/project/p1/my demo"},
		"ssh://[::1]:22/~/$%28x%29%3F%23":                   {Host: "::1", Port: 22, Dir: "$(x)?#"},
	} {
		if got := where.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, err := ParseWhere(want); err != nil || got != where {
			t.Errorf("%s: got %+v, %v", want, got, err)
		}
	}
}

func TestWhatSSHWouldMisreadIsRefused(t *testing.T) {
	for _, where := range []Where{{Host: "-oProxyCommand=x"}, {Host: "a b"}, {Host: "h", User: "-x"}, {Host: "u@h"}, {Host: "h", User: "a;b"}, {Host: "h", Port: 70000}} {
		if where.Check() == nil {
			t.Errorf("%+v is let through", where)
		}
	}
	for _, text := range []string{"", "there", "http://h/x", "ssh:///x", "ssh://-oX/x"} {
		if _, err := ParseWhere(text); err == nil {
			t.Errorf("%q is let through", text)
		}
	}
}

func TestTableIsReadAsItWasWritten(t *testing.T) {
	dir := t.TempDir()
	if rows, err := ReadTable(dir); rows != nil || err != nil {
		t.Errorf("without a table: %v, %v", rows, err)
	}
	want := []Row{
		{Nonce: "aa", ID: "12", Script: "job-01.sbatch", Where: Where{Host: "h", Dir: "a b"}, When: "2026-11-26T01:00:00", Exit: "75"},
		{Nonce: "bb", ID: "local-1", Script: "job.sbatch", Process: 4711},
		{Nonce: "cc"},
		{Nonce: "cc", ID: "13", Script: "job.sbatch"},
	}
	if err := WriteTable(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadTable(dir)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if last := Last(got); len(last) != 2 || last[0].Nonce != "cc" || !last[0].Open() || want[0].Open() {
		t.Errorf("the last submission is %+v", last)
	}
}

func TestMalformedTableIsNamedByLine(t *testing.T) {
	for _, line := range []string{"a\tb", "n\t1\tjob.sbatch\tthere\t-\t-\t-", "n\t1\tjob.sbatch\there\tx\t-\t-"} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "results"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, TableName), []byte(head+line+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTable(dir); err == nil || !strings.Contains(err.Error(), "submitted.tsv:2: ") {
			t.Errorf("%q: %v", line, err)
		}
	}
}
