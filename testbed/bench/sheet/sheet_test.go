package sheet

import (
	"math"
	"strings"
	"testing"
)

func TestString(t *testing.T) {
	s := Sheet{Columns: []string{"what", "×"}}
	s.Add("a|b", "1")
	s.Add("größer", "2.5")
	want := "| what   | ×   |\n|--------|-----|\n| a\\|b   | 1   |\n| größer | 2.5 |\n"
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAddWantsAsManyCellsAsColumns(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a short row was taken")
		}
	}()
	s := Sheet{Columns: []string{"a", "b"}}
	s.Add("1")
}

func TestPlace(t *testing.T) {
	document := "before\n<!-- speed: begin, written by make bench -->\nold\n<!-- speed: end -->\nafter\n"
	got, err := Place(document, "speed", "\nnew\n")
	want := "before\n<!-- speed: begin, written by make bench -->\n\nnew\n\n<!-- speed: end -->\nafter\n"
	if err != nil || got != want {
		t.Errorf("got %q, error %v", got, err)
	}
	again, err := Place(got, "speed", "new")
	if err != nil || again != want {
		t.Errorf("written twice: %q, error %v", again, err)
	}
	if _, err := Place(document, "other", ""); err == nil || !strings.Contains(err.Error(), "other: begin") {
		t.Errorf("error %v", err)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.00002: "2e-05", 0.0123: "0.012", 1: "1.00", 12.34: "12.3", 999.6: "1000", 9994: "9994", 12345: "12.3k", 4.1e6: "4.10M",
		-0.25: "-0.250", math.NaN(): "–",
	} {
		if got := Number(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}
