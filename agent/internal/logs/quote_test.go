package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheTenLinesThatMatter(t *testing.T) {
	dir := t.TempDir()
	var text []string
	for k := 1; k <= 100; k++ {
		line := fmt.Sprintf("(E pid=1) INFO 11-26 10:00:%02d [x.py:1] line %d", k%60, k)
		switch k {
		case 45, 50:
			line = strings.Replace(line, "INFO", "WARNING", 1)
		case 60:
			line = "(E pid=1) ERROR 11-26 10:01:00 [x.py:1] torch.OutOfMemoryError: CUDA out of memory"
		case 62:
			line = strings.Replace(line, "INFO", "ERROR", 1) + strings.Repeat("x", 1000)
		}
		text = append(text, line)
	}
	if err := os.WriteFile(filepath.Join(dir, "server.log"), []byte(strings.Join(text, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := Quote(dir, "server.log:60")
	var numbers []string
	for _, line := range got {
		number, rest, _ := strings.Cut(line, ": ")
		numbers = append(numbers, number)
		if len(rest) > 310 {
			t.Errorf("line %s has %d bytes", number, len(rest))
		}
	}
	if want := strings.Fields("45 50 55 56 57 58 59 60 61 62"); !slices.Equal(numbers, want) {
		t.Errorf("lines %v, want %v", numbers, want)
	}
	if got := Quote(dir, "server.log:1"); len(got) != 10 || got[0] != "1: "+text[0] {
		t.Errorf("the first lines are %q", got)
	}
	for _, place := range []string{"server.log:101", "server.log", "server.log:x", "none.log:1", "../server.log:1", "/etc/passwd:1", ""} {
		if got := Quote(dir, place); got != nil {
			t.Errorf("%s is quoted: %q", place, got)
		}
	}
}
