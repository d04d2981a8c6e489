package prompt

import (
	"math"
	"strings"
	"testing"

	"hpcbench/agent/workload"
)

func length(t *testing.T, law string, a, b float64) Length {
	t.Helper()
	l, err := NewLength(&workload.Length{Law: law, A: a, B: b}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLengthsHaveTheMeanAndSpreadOfTheirLaw(t *testing.T) {
	const draws = 200_000
	for _, c := range []struct {
		law      string
		a, b     float64
		mean, sd float64
	}{
		{"uniform", 820, 1024, 922, 59.2}, // of whole numbers a to b: sqrt((n²-1)/12), n = 205
		{"uniform", 7, 7, 7, 0},
		{"normal", 512, 128, 512, 128},
		{"normal", 512, 0, 512, 0},
		{"lognormal", 512, 256, 512, 256},
		{"lognormal", 100, 300, 100, 300},
	} {
		l, sum, squares := length(t, c.law, c.a, c.b), 0.0, 0.0
		for n := range int64(draws) {
			v := float64(l.At(11, n))
			sum, squares = sum+v, squares+v*v
		}
		mean := sum / draws
		sd := math.Sqrt(max(0, squares/draws-mean*mean))
		if math.Abs(mean-c.mean) > 0.02*c.mean || math.Abs(sd-c.sd) > 0.05*c.sd+0.1 {
			t.Errorf("%s(%g, %g): mean %.1f and standard deviation %.1f, want %.1f and %.1f", c.law, c.a, c.b, mean, sd, c.mean, c.sd)
		}
	}
}

func TestUniformLengthsReachBothEndsAndNoFurther(t *testing.T) {
	l, seen := length(t, "uniform", 3, 6), map[int]int{}
	for n := range int64(4000) {
		seen[l.At(5, n)]++
	}
	for v := 3; v <= 6; v++ {
		if seen[v] < 800 {
			t.Errorf("%d was drawn %d times of 4000, want about 1000", v, seen[v])
		}
	}
	if len(seen) != 4 {
		t.Errorf("drawn: %v, want 3 to 6", seen)
	}
}

func TestNoLengthIsBelowOne(t *testing.T) {
	l := length(t, "normal", 2, 50)
	for n := range int64(1000) {
		if v := l.At(1, n); v < 1 {
			t.Fatalf("a length of %d", v)
		}
	}
}

func TestALengthIsAFunctionOfSeedAndIndex(t *testing.T) {
	l, differ := length(t, "lognormal", 512, 256), 0
	for n := range int64(100) {
		if again := length(t, "lognormal", 512, 256); again.At(1, n) != l.At(1, n) {
			t.Fatalf("index %d has two lengths", n)
		}
		if l.At(1, n) != l.At(2, n) {
			differ++
		}
	}
	if differ < 90 {
		t.Errorf("two seeds differ in %d of 100 lengths", differ)
	}
}

func TestLawsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, c := range []struct {
		law  workload.Length
		want string
	}{
		{workload.Length{Law: "zipf", A: 1, B: 2}, `unknown law of lengths "zipf" (known: uniform, normal, lognormal)`},
		{workload.Length{Law: "uniform", A: 9, B: 3}, "no whole number"},
		{workload.Length{Law: "uniform", A: 0, B: 0}, "no whole number"},
		{workload.Length{Law: "normal", A: math.NaN(), B: 1}, "want 0 to"},
		{workload.Length{Law: "normal", A: 5, B: -1}, "want 0 to"},
		{workload.Length{Law: "lognormal", A: 0, B: 1}, "a mean of 0"},
	} {
		if _, err := NewLength(&c.law, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewLength(%+v) = %v, want %q", c.law, err, c.want)
		}
	}
}

func made(t *testing.T, w workload.Workload) *Made {
	t.Helper()
	m, err := NewMade(w)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAShareOfPromptsBeginsAlike(t *testing.T) {
	const prompts, words, common = 4000, 40, 16
	for _, share := range []float64{0, 0.5, 1} {
		m := made(t, workload.Workload{InputTokens: words, PromptSeed: 3, Prefix: &workload.Prefix{Share: share, Tokens: common}})
		begin, ends, alike := text(3, sharedIndex, common)+" ", map[string]bool{}, 0
		for n := range int64(prompts) {
			p := string(m.Append(nil, n, m.Words(n)))
			if got := len(strings.Fields(p)); got != words {
				t.Fatalf("prompt %d has %d words, want %d", n, got, words)
			}
			rest, ok := strings.CutPrefix(p, begin)
			if ok {
				alike++
			}
			if ok != m.Shares(n) {
				t.Fatalf("prompt %d: begins alike %v, Shares says %v", n, ok, m.Shares(n))
			}
			own := strings.Join(strings.Fields(rest)[:english.Unique()], " ")
			if ends[own] {
				t.Fatalf("prompt %d goes on as another one", n)
			}
			ends[own] = true
		}
		if want := share * prompts; math.Abs(float64(alike)-want) > 0.04*prompts || share == 1 && alike != prompts {
			t.Errorf("share %g: %d of %d prompts begin alike", share, alike, prompts)
		}
	}
}

func TestAPromptNoLongerThanTheSharedBeginningIsMadeOfIt(t *testing.T) {
	m := made(t, workload.Workload{InputTokens: 5, PromptSeed: 3, Prefix: &workload.Prefix{Share: 1, Tokens: 16}})
	if got, want := string(m.Append(nil, 9, m.Words(9))), text(3, sharedIndex, 5); got != want {
		t.Errorf("prompt %q, want %q", got, want)
	}
}

func TestAPrefixThatMakesNoSenseIsRefused(t *testing.T) {
	for _, p := range []workload.Prefix{{Share: 1.5, Tokens: 8}, {Share: math.NaN(), Tokens: 8}, {Share: 0.5}} {
		if _, err := NewMade(workload.Workload{InputTokens: 9, Prefix: &p}); err == nil || !strings.Contains(err.Error(), "want a share from 0 to 1") {
			t.Errorf("NewMade with prefix %+v: %v", p, err)
		}
	}
}

func TestMakingPromptsAllocatesNothing(t *testing.T) {
	m := made(t, workload.Workload{
		InputTokens: 64, InputLaw: &workload.Length{Law: "lognormal", A: 64, B: 16}, Prefix: &workload.Prefix{Share: 0.5, Tokens: 16},
	})
	buf := make([]byte, 0, 1<<16)
	n := int64(0)
	if allocs := testing.AllocsPerRun(1000, func() { n++; buf = m.Append(buf[:0], n, m.Words(n)) }); allocs != 0 {
		t.Errorf("%v allocations a prompt", allocs)
	}
}
