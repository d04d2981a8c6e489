package job

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hpcbench/agent/internal/ledger"
)

// run makes a job's directory with these events: words separated by blanks, "_" for a blank in a word.
func run(t *testing.T, events ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "4711")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(" ", "\t", "_", " ").Replace(strings.Join(events, "\n")) + "\n"
	put(t, dir, "events.tsv", text)
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir string) *Job {
	t.Helper()
	j, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestStateFollowsTheExit(t *testing.T) {
	for want, events := range map[string][]string{
		Running:   {"1 phase initialise start"},
		Complete:  {"2 exit 0"},
		Resumable: {"2 exit 75"},
		Failed:    {"2 exit 1"},
		Cancelled: {"1 fact cancelled yes", "2 exit 143"},
		Requeued:  {"1 phase execute start", "9 fact successor 4711.2"},
	} {
		j := read(t, run(t, events...))
		if j.State != want {
			t.Errorf("%q: state %q, want %q", events, j.State, want)
		}
		if (j.ExitStatus == nil) != (want == Running || want == Requeued) {
			t.Errorf("%q: exit status %v", events, j.ExitStatus)
		}
	}
}

func TestFirstFailureIsTheCause(t *testing.T) {
	j := read(t, run(t, "1.5 failure server.d1.1 137 out_of_memory", "2 failure trial_0003 1 hang", "3 exit 137"))
	if j.Cause == nil || j.Cause.Component != "server.d1.1" || j.Cause.Status != 137 || j.Cause.Message != "out of memory" {
		t.Errorf("cause %+v", j.Cause)
	}
	if len(j.Failures) != 2 {
		t.Errorf("%d failures, want 2", len(j.Failures))
	}
}

func TestAFailureSaysWhereAndUntilWhenItIsHeld(t *testing.T) {
	j := read(t, run(t, "1 failure server.d1.1 1 full cn02 0 logs/server.d1.1.cn02.log:412", "2 failure image 1 none", "3 held 1200"))
	want := []Failure{
		{At: 1, Component: "server.d1.1", Status: 1, Message: "full", Node: "cn02", Rank: "0", Log: "logs/server.d1.1.cn02.log:412"},
		{At: 2, Component: "image", Status: 1, Message: "none"},
	}
	if len(j.Failures) != 2 || !reflect.DeepEqual(j.Failures[0], want[0]) || !reflect.DeepEqual(j.Failures[1], want[1]) || j.HeldUntil != 1200 {
		t.Errorf("got %+v held until %v, want %+v and 1200", j.Failures, j.HeldUntil, want)
	}
}

func TestPhasesOfTwoDeploymentsAreStretchesOfTheirOwn(t *testing.T) {
	j := read(t, run(t, "1 phase deploy start", "2 phase deploy end", "3 phase deploy start", "5 phase deploy end", "5 phase execute start"))
	want := []Phase{{"deploy", 1, 2}, {"deploy", 3, 5}, {"execute", 5, 0}}
	if len(j.Phases) != len(want) {
		t.Fatalf("phases %v", j.Phases)
	}
	for k := range want {
		if j.Phases[k] != want[k] {
			t.Errorf("phase %d: %v, want %v", k, j.Phases[k], want[k])
		}
	}
}

func TestSecondStartOfADeploymentIsASecondEntry(t *testing.T) {
	j := read(t, run(t, "1 deployment d1 start", "2 deployment d1 failed died", "3 deployment d1 start", "4 deployment d1 ready", "9 deployment d1 ended"))
	want := []Deployment{{ID: "d1", State: "failed", Text: "died", Start: 1, End: 2}, {ID: "d1", State: "ended", Start: 3, Ready: 4, End: 9}}
	if !reflect.DeepEqual(j.Deployments, want) {
		t.Errorf("got %+v, want %+v", j.Deployments, want)
	}
}

func TestProofIsOfTheLatestStart(t *testing.T) {
	j := read(t, run(t, "1 proof d9 kv nobody's", "1 deployment d1 start", "2 proof d1 kv 100_tokens", "3 deployment d1 ended", "4 deployment d1 start",
		"5 proof d1 kv 100_tokens n1", "5 proof d1 kv 90_tokens n2"))
	if len(j.Deployments) != 2 {
		t.Fatalf("got %+v", j.Deployments)
	}
	for k, want := range [][]Proof{{{"kv", "100 tokens", ""}}, {{"kv", "100 tokens", "n1"}, {"kv", "90 tokens", "n2"}}} {
		if got := j.Deployments[k].Proof; !reflect.DeepEqual(got, want) {
			t.Errorf("start %d: %v, want %v", k+1, got, want)
		}
	}
}

func TestTrialsThatWereNotReachedAreListed(t *testing.T) {
	dir := run(t, "1 trial 0002 start c8-r1", "5 trial 0002 failed hang:_no_byte", "6 exit 1")
	put(t, dir, "ledger.tsv", ledger.Text([]ledger.Row{
		{Trial: "0001", Deployment: "d1", Seconds: "40", State: "done:17", Key: "k", Name: "c1-r1"},
		{Trial: "0002", Deployment: "d1", Seconds: "40", State: "missing", Key: "k", Name: "c8-r1"},
		{Trial: "0003", Deployment: "d1", Seconds: "40", State: "missing", Key: "k", Name: "c32-r1"},
	}))
	want := []Trial{
		{ID: "0001", Name: "c1-r1", State: "done", Text: "by job 17"},
		{ID: "0002", Name: "c8-r1", State: "failed", Text: "hang: no byte", Start: 1, End: 5},
		{ID: "0003", Name: "c32-r1", State: "missing"},
	}
	j := read(t, dir)
	if len(j.Trials) != len(want) {
		t.Fatalf("trials %+v", j.Trials)
	}
	for k := range want {
		if j.Trials[k] != want[k] {
			t.Errorf("got %+v, want %+v", j.Trials[k], want[k])
		}
	}
}

func TestFactsImagesAndNodes(t *testing.T) {
	dir := run(t, "1 fact job 4711", "1 fact plan abc", "1 fact scenario My_test", "1 fact slurm slurm_23.11", "1 image d1 /x/a_b.sif 123 456")
	put(t, dir, "nodes.tsv", "client\tc1\t10.0.0.1\t20106\nidle\ti1\t10.0.0.2\t-\n")
	j := read(t, dir)
	if j.ID != "4711" || j.Plan != "abc" || j.Scenario != "My test" || len(j.Facts) != 1 || j.Facts["slurm"] != "slurm 23.11" {
		t.Errorf("got %+v", j)
	}
	if len(j.Images) != 1 || j.Images[0] != (Image{"d1", "/x/a b.sif", 123, 456, "", ""}) {
		t.Errorf("images %+v", j.Images)
	}
	if len(j.Nodes) != 2 || j.Nodes[0].Port != 20106 || j.Nodes[1].Port != 0 {
		t.Errorf("nodes %+v", j.Nodes)
	}
}

func TestEditsAndPreflight(t *testing.T) {
	j := read(t, run(t, "1 edited env/d1.env", "1 edited MANIFEST", "2 preflight cn01 clock warn 0.3_s_behind", "2 preflight cn02 shm ok"))
	if !slices.Equal(j.Edited, []string{"env/d1.env", "MANIFEST"}) {
		t.Errorf("edited %q", j.Edited)
	}
	if want := []Check{{"cn01", "clock", "warn", "0.3 s behind"}, {"cn02", "shm", "ok", ""}}; !slices.Equal(j.Preflight, want) {
		t.Errorf("preflight %+v, want %+v", j.Preflight, want)
	}
}

func TestMalformedRowIsNamed(t *testing.T) {
	for _, row := range []string{"phase deploy start", "1 phase deploy", "1 unknown x", "1 exit zero", "1 image d1 /x big 3", "1 proof d1 kv", ""} {
		_, err := Read(run(t, "1 fact job 4711", row))
		if err == nil || !strings.Contains(err.Error(), "events.tsv:2: ") {
			t.Errorf("%q: error %v, want one that names line 2", row, err)
		}
	}
}
