package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What would end an executor or a monitor later is said at its start.
func TestWrongThingsToWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watch.json")
	for text, words := range map[string]string{
		`{"schema":1,"interval_s":1,"push":{"scenario":"x"}}`:                 "push.interval_s 0",
		`{"schema":1,"interval_s":1,"push":{"scenario":"x","interval_s":-1}}`: "push.interval_s -1",
		`{"schema":1,"interval_s":0}`:                                         "an interval of 0 s",
		`{"schema":0,"interval_s":1}`:                                         "schema 0",
		`{"schema":1,"interval_s":1,"exporters":true}`:                        "does not say what to watch",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readWatch(path); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
