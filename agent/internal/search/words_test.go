package search

import "testing"

func TestPercent(t *testing.T) {
	for want, of := range map[string][2]int64{"none": {0, 0}, "100 %": {5, 5}, "99.3 %": {806, 812}, "99.99 %": {9999, 10_000}, "99.9999 %": {999_999, 1_000_000}, "0.0 %": {0, 5}} {
		if got := Percent(of[0], of[1]); got != want {
			t.Errorf("%v: %q, want %q", of, got, want)
		}
	}
}

func TestAnswer(t *testing.T) {
	r := run(t, standard, step(5, 1000))
	if got, want := Answer(r, "ttft ≤ 500 ms"), "5 requests/s held: 100 % of 2000 requests within ttft ≤ 500 ms; 5.2 did not (0.0 % of 1000). 99 % have to be; each is said with 95 % confidence."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r = run(t, standard, step(0, 1000))
	if got, want := Answer(r, "ttft ≤ 500 ms"), "no rate was shown to hold ttft ≤ 500 ms; 0.01562 did not (0.0 % of 1000). 99 % have to be; each is said with 95 % confidence."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
