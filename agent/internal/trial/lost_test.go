package trial

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hpcbench/agent/internal/dummy"
	"hpcbench/agent/internal/executor"
)

func TestANodeIsLostAfterTwoLooksWithoutAnAnswer(t *testing.T) {
	start, silence := time.Unix(1000, 0), errors.New("no answer within 3s")
	nodes := []executor.Client{{Node: "c1"}, {Node: "c2"}}
	e := newEars(2, start)
	for _, look := range []struct {
		at   time.Duration
		errs []error
		want string // in the error
	}{
		{time.Second, []error{nil, nil}, ""},
		{5 * time.Second, []error{nil, silence}, ""},
		{9 * time.Second, []error{nil, silence}, "client node c2 has not been heard for 8 s: no answer within 3s"},
		{9 * time.Second, []error{nil, nil}, ""},
		{16 * time.Second, []error{silence, silence}, ""},
		{17 * time.Second, []error{silence, silence}, "c1 has not been heard for 8 s: no answer within 3s; client node c2 has"},
	} {
		err := e.hear(nodes, look.errs, start.Add(look.at))
		if (err == nil) != (look.want == "") || err != nil && !strings.Contains(err.Error(), look.want) {
			t.Errorf("after %v: %v, want %q", look.at, err, look.want)
		}
	}
}

// What the other nodes counted is kept, and waits for no answer of the one that is cut off.
func TestAClientNodeThatIsCutOffInATrial(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as a node may be silent")
	}
	t.Parallel()
	b := newBed(t, []string{mock(t, dummy.Config{ITL: time.Millisecond})}, 0, 0)
	b.endless()
	cut, deaf := time.Time{}, mute(t)
	gate := relay(t, strings.TrimPrefix(b.Executors[1].URL, "http://"), strings.TrimPrefix(deaf, "http://"))
	b.Executors[1].URL = "http://" + gate.address
	b.Every = 0
	b.Say = func(format string, _ ...any) {
		if cut.IsZero() && strings.HasPrefix(format, "%s") {
			cut = time.Now()
			gate.cut.Store(true)
		}
	}
	_, err := Run(t.Context(), b.Config)
	if took := time.Since(cut); !ClientLost(err) || !strings.HasPrefix(err.Error(), "client node c2 has not been heard for ") || took > 20*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
	s := b.summary(t)
	if s == nil || s.Requests.OK == 0 || len(s.ByNode) > 1 || b.complete() {
		t.Errorf("what c1 counted: %+v; key there: %v", s, b.complete())
	}
}

func TestAClientNodeThatIsCutOffBeforeATrial(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as a node may be silent")
	}
	t.Parallel()
	b := newBed(t, []string{mock(t, dummy.Config{})}, 0, 0)
	b.Executors[1].URL = mute(t)
	if _, err := Run(t.Context(), b.Config); !ClientLost(err) || !strings.HasPrefix(err.Error(), "client node c2 has not been heard for ") {
		t.Errorf("error %v", err)
	}
}

func TestTheNodesThatAnErrorNames(t *testing.T) {
	one, two := &lostNode{node: "c1", err: errors.New("x")}, &lostNode{node: "c2", err: errors.New("y")}
	got := lostNodes(oneLine{errors.Join(one, errors.New("z"), two)})
	if len(got) != 2 || !got["c1"] || !got["c2"] || ClientLost(nil) || ClientLost(errors.New("z")) {
		t.Errorf("%v", got)
	}
}
