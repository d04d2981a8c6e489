package recipe

import "testing"

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		in   any
		want float64
		ok   bool
	}{
		{"90s", 90, true},
		{"15m", 900, true},
		{"2h", 7200, true},
		{"1h30m", 5400, true},
		{"500ms", 0.5, true},
		{"1.5s", 1.5, true},
		{int64(300), 300, true},
		{0.25, 0.25, true},
		{"0s", 0, true},
		{"", 0, false},
		{"90", 0, false}, // text without a unit: which one?
		{"90 s", 0, false},
		{"-5s", 0, false},
		{int64(-5), 0, false},
		{"1e3s", 0, false},
		{"99999999d", 0, false},
		{true, 0, false},
	} {
		got, err := seconds(c.in)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("seconds(%v) = %v, %v; want %v, ok %v", c.in, got, err, c.want, c.ok)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	for _, c := range []struct {
		in   any
		want float64
		ok   bool
	}{
		{"02:00:00", 7200, true},
		{"1-12:00:00", 129600, true},
		{"100:00:00", 360000, true},
		{"90m", 5400, true},
		{int64(3600), 3600, true},
		{"10:00", 0, false}, // minutes to sbatch, hours to most
		{"1-12", 0, false},
		{"00:00:00", 0, false},
		{"0s", 0, false},
		{"02:60:00", 0, false},
		{"UNLIMITED", 0, false},
	} {
		got, err := timeLimit(c.in)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("timeLimit(%v) = %v, %v; want %v, ok %v", c.in, got, err, c.want, c.ok)
		}
	}
}

func TestBind(t *testing.T) {
	for text, ok := range map[string]bool{
		"/a:/b": true, "/a:/b:ro": true, "/a:/b:rw": true, "/with blank:/b": true,
		"/a": false, "a:/b": false, "/a:b": false, "/a:/b:rx": false, "/a:/b,/c:/d": false, "~/a:/b": false, "$HOME:/b": false, "": false,
	} {
		if err := bind(text); (err == nil) != ok {
			t.Errorf("bind(%q) = %v, want ok %v", text, err, ok)
		}
	}
}
