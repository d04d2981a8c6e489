package ledger

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// bundle makes a bundle with two deployments: d1 with two trials, d2 with one.
func bundle(t *testing.T) Ask {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "trials/index.tsv", "# plan p1\n0001\td1\t40\tc1-r1\n0002\td1\t40\tc8-r1\n0003\td2\t90\tc1-r1\n")
	for _, trial := range []string{"0001", "0002", "0003"} {
		write(t, dir, "trials/"+trial+".json", `{"trial":"`+trial+`"}`)
	}
	for _, d := range []string{"d1", "d2"} {
		write(t, dir, "env/"+d+".env", "A='1'\n")
		write(t, dir, "argv/"+d+".0", "serve\n--port\n@PORT@\n")
	}
	write(t, dir, "server.sif", "an image")
	return Ask{Bundle: dir, Plan: "p1", Deployments: []string{"d1", "d2"}, Images: map[string]string{"d1": filepath.Join(dir, "server.sif")}}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// complete leaves a result of the trial as the job would.
func complete(t *testing.T, a Ask, job string, r Row) {
	t.Helper()
	write(t, a.Bundle, "results/"+job+"/"+r.Trial+"/summary.json", "{}")
	write(t, a.Bundle, "results/"+job+"/"+r.Trial+"/key", r.Key+"\n")
}

func states(t *testing.T, a Ask) []string {
	t.Helper()
	rows, err := Make(a)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range rows {
		all = append(all, r.Trial+" "+r.State)
	}
	return all
}

func expect(t *testing.T, a Ask, what string, want ...string) {
	t.Helper()
	if got := states(t, a); !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestResultsUnderTodaysKeyAreDone(t *testing.T) {
	a := bundle(t)
	expect(t, a, "a new bundle", "0001 missing", "0002 missing", "0003 missing")
	rows, _ := Make(a)
	complete(t, a, "17", rows[0])
	complete(t, a, "18", rows[2])
	expect(t, a, "two results", "0001 done:17", "0002 missing", "0003 done:18")

	write(t, a.Bundle, "argv/d1.0", "serve\n--port\n@PORT@\n--fast\n")
	expect(t, a, "a flag of d1 edited by hand", "0001 missing", "0002 missing", "0003 done:18")
}

func TestEachPartOfAServerMakesItsKey(t *testing.T) {
	for what, change := range map[string]func(a Ask){
		"env":        func(a Ask) { write(t, a.Bundle, "env/d1.env", "A='2'\n") },
		"argv":       func(a Ask) { write(t, a.Bundle, "argv/d1.1", "worker\n") },
		"trial":      func(a Ask) { write(t, a.Bundle, "trials/0001.json", `{"trial":"0001","seed":2}`) },
		"image":      func(a Ask) { write(t, a.Bundle, "server.sif", "another image") },
		"image time": func(a Ask) { _ = os.Chtimes(a.Images["d1"], time.Time{}, time.Unix(1, 0)) },
		"no image":   func(a Ask) { delete(a.Images, "d1") },
	} {
		a := bundle(t)
		before, _ := Make(a)
		change(a)
		after, err := Make(a)
		if err != nil {
			t.Fatal(err)
		}
		if before[0].Key == after[0].Key {
			t.Errorf("%s changed and the key did not", what)
		}
		if before[2].Key != after[2].Key {
			t.Errorf("%s of d1 changed the key of d2", what)
		}
	}
}

func TestKeyDependsOnNoPathOfTheBundle(t *testing.T) {
	a, b := bundle(t), bundle(t)
	a.Images, b.Images = nil, nil
	x, _ := Make(a)
	y, _ := Make(b)
	if x[0].Key != y[0].Key {
		t.Error("the same bundle at two places has two keys")
	}
}

func TestResultWithoutSummaryIsMissing(t *testing.T) {
	a := bundle(t)
	rows, _ := Make(a)
	write(t, a.Bundle, "results/17/0001/key", rows[0].Key)
	expect(t, a, "a key alone", "0001 missing", "0002 missing", "0003 missing")
}

func TestNewestOfSeveralResultsIsNamed(t *testing.T) {
	a := bundle(t)
	rows, _ := Make(a)
	for k, job := range []string{"99", "100"} {
		complete(t, a, job, rows[0])
		at := time.Unix(1e9+int64(k), 0)
		if err := os.Chtimes(filepath.Join(a.Bundle, "results", job, "0001", "summary.json"), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if got := states(t, a)[0]; got != "0001 done:100" {
		t.Errorf("got %q", got)
	}
}

func TestAnotherPlanIsRefused(t *testing.T) {
	a := bundle(t)
	a.Plan = "p2"
	_, err := Make(a)
	if err == nil || !strings.Contains(err.Error(), "the job script and trials/index.tsv are of different plans: p2 and p1") {
		t.Errorf("error %v", err)
	}
}

func TestOnlyTheDeploymentsAskedFor(t *testing.T) {
	a := bundle(t)
	a.Deployments = []string{"d2"}
	expect(t, a, "d2", "0003 missing")
}

func TestTextIsReadBack(t *testing.T) {
	a := bundle(t)
	rows, _ := Make(a)
	path := filepath.Join(t.TempDir(), "ledger.tsv")
	if err := os.WriteFile(path, []byte(Text(rows)), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !slices.Equal(got, rows) {
		t.Errorf("got %v, %v; want %v", got, err, rows)
	}
}
