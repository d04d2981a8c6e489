package submit

import "testing"

func TestPlainIsOneLineThatMovesNoCursor(t *testing.T) {
	if got := plain(" a\x1b[2Jb\r\nc\u202ed "); got != "a [2Jb  c d" {
		t.Errorf("got %q", got)
	}
}
