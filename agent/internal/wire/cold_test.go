package wire

import "testing"

func TestColdStarts(t *testing.T) {
	for name, c := range map[string]struct {
		loads []float64
		cold  string // of each: y or n
	}{
		"a model that is loaded first":              {[]float64{3.2, 0.0015, 0.002}, "ynn"},
		"those that wait for the load are cold too": {[]float64{3.2, 3.2, 3.1, 0.0015}, "yyyn"},
		"evicted and loaded again":                  {[]float64{0.0015, 3.2, 0.0015}, "nyn"},
		"a tiny model loaded again":                 {[]float64{0.0014, 0.0056, 0.28}, "nny"},
		"a busy server is no load":                  {[]float64{0.0014, 0.15, 0.24}, "nnn"},
		"a server that reads its metadata anew":     {[]float64{0.66, 0.81, 0.844, 0.7}, "nnnn"}, // Ollama 0.32
		"the same, and a load":                      {[]float64{0.66, 3.0, 0.7}, "nyn"},
		"not told":                                  {[]float64{0, 0, 5, 0}, "nnyn"},
	} {
		var e Encoder
		got := ""
		for _, s := range c.loads {
			if e.Cold(s) {
				got += "y"
			} else {
				got += "n"
			}
		}
		if got != c.cold {
			t.Errorf("%s: %v: cold %s, want %s", name, c.loads, got, c.cold)
		}
	}
}
