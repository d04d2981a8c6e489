package render

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hpcbench/gen/internal/service"
)

// blamed runs blame.sh over these logs, which are as old as their order: the words of a server d1 over cn01 and cn02, or of
// two servers, that ended with this status.
func blamed(t *testing.T, causes []service.Cause, status int, call string, logs ...[2]string) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	put("node/causes.tsv", string(causesOf(causes)))
	put("run/nodes.tsv", "client\tcn09\t10.0.0.9\t20106\nserver\tcn01\t10.0.0.1\t20100\nserver\tcn02\t10.0.0.2\t-\n")
	for k, log := range logs {
		name := put("run/logs/"+log[0], log[1])
		at := time.Unix(1_700_000_000+int64(k), 0)
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return bash(t, fmt.Sprintf(`set -uo pipefail; export LC_ALL=C TZ=UTC
BUNDLE='%s' RUN='%[1]s/run' LOGS='%[1]s/run/logs' RUNNING=()
declare -A WHAT=([d1]='tp=1') REPLICAS=([d1]=1 [d2]=1) LAUNCHER=([d1]=single [d2]=tasks)
%s
WHEN='while loading'
status=%d
%s`, dir, libs(t, "blame"), status, call))
}

// causesOf is node/causes.tsv of a service with these causes.
func causesOf(all []service.Cause) []byte { return causes(&service.Service{Causes: all}) }

const spanning = `look_at server.d1.1 || last_words server.d1.1 "$status"; told server.d1.1`

// The words of a failure: what, when, where, how much, what helps, and the line of the log.
func TestWordsOfAFailure(t *testing.T) {
	known := []service.Cause{
		{Pattern: `KV needs ([0-9]+) GiB, have ([0-9]+)( of [0-9]+)?(, fits ([0-9]+))?`, Cause: "CUDA out of memory", Detail: `KV needs \1 GiB, \2 free`, Cure: `try max_model_len: \5`},
		{Pattern: "worker died", Cause: "a worker died", Cure: "look at its log", Follows: true},
		{Pattern: "gated", Cause: "the model is gated"},
	}
	srun := func(first, second string) [2]string {
		return [2]string{"server.d1.1.log", "srun: error: " + first + ": task 0: Exited with exit code 3\nsrun: Terminating StepId=7.1\nsrun: error: " + second + ": task 1: Terminated\n"}
	}
	for name, c := range map[string]struct {
		call, want string
		status     int
		logs       [][2]string
	}{
		"details and cure": {spanning, "d1 tp=1: CUDA out of memory while loading (cn01, rank 0). KV needs 18 GiB, 11 free. Try max_model_len: 4096. logs/server.d1.1.cn01.log:2", 1,
			[][2]string{{"server.d1.1.cn01.log", "a\nKV needs 18 GiB, have 11, fits 4096\nb\n"}}},
		"a cure that the line has no number for": {spanning, "d1 tp=1: CUDA out of memory while loading (cn01, rank 0). KV needs 18 GiB, 11 free. logs/server.d1.1.cn01.log:1", 1,
			[][2]string{{"server.d1.1.cn01.log", "KV needs 18 GiB, have 11\n"}}},
		"hostile details stay text": {spanning, `d1 tp=1: say $(id) & \1 'x' while loading (cn01, rank 0). logs/server.d1.1.cn01.log:1`, 1,
			[][2]string{{"server.d1.1.cn01.log", "odd: $(id) & \\1 'x'\n"}}},
		"a consequence yields to a cause, whatever came first": {spanning, "d1 tp=1: the model is gated while loading (cn02, rank 1). logs/server.d1.1.cn02.log:1", 1,
			[][2]string{{"server.d1.1.cn01.log", "10:00:01 worker died\n"}, {"server.d1.1.cn02.log", "10:00:02 gated\n"}}},
		"a consequence is better than nothing": {spanning, "d1 tp=1: a worker died while loading (cn01, rank 0). Look at its log. logs/server.d1.1.cn01.log:1", 1,
			[][2]string{{"server.d1.1.cn01.log", "worker died\n"}}},
		"of two causes the one that was told first": {spanning, "d1 tp=1: the model is gated while loading (cn02, rank 1). logs/server.d1.1.cn02.log:2", 1,
			[][2]string{{"server.d1.1.cn01.log", "INFO 11-26 10:00:05.1 x\nKV needs 1 GiB, have 0\n"}, {"server.d1.1.cn02.log", "INFO 11-26 10:00:04.9 x\ngated\n"}}},
		"of two without a clock the log that ended first": {spanning, "d1 tp=1: the model is gated while loading (cn02, rank 1). logs/server.d1.1.cn02.log:1", 1,
			[][2]string{{"server.d1.1.cn02.log", "gated\n"}, {"server.d1.1.cn01.log", "gated\n"}}},
		"no known cause: the last words of the rank that ended first": {spanning, "d1 tp=1: the server ended with status 3 while loading (cn02, rank 1). Its last words: no such flag. logs/server.d1.1.cn02.log:2", 3,
			[][2]string{srun("cn02", "cn01"), {"server.d1.1.cn02.log", "rank 1 of 2 on cn02 (10.0.0.2:-): x\nno such flag\n\n"}, {"server.d1.1.cn01.log", "asked to end\n"}}},
		"of several tasks on a node, the one whose log it is": {`look_at server.d2.1; told server.d2.1`, "d2: the model is gated while loading (cn02, rank 6). logs/server.d2.1.cn02.6.log:2", 1,
			[][2]string{{"server.d2.1.cn02.5.log", "x\n"}, {"server.d2.1.cn02.6.log", "x\ngated\n"}}},
		"the status is of the rank that ended first, and not of those that srun ended then": {`status_of server.d1.1 143`, "3", 143, [][2]string{srun("cn02", "cn01")}},
		"killed, as srun tells": {`status_of server.d1.1 143`, "137", 143,
			[][2]string{{"server.d1.1.log", "srun: error: cn01: task 0: Killed\nsrun: error: cn02: task 1: Terminated\n"}}},
		"a status of which srun tells nothing": {`status_of server.d1.1 0`, "0", 0, [][2]string{{"server.d1.1.log", "srun: Force Terminated StepId=7.1\n"}}},
		"killed without a word": {spanning, "d1 tp=1: the server was ended by signal 9 (KILL) while loading (cn01, rank 0). It wrote nothing.", 137,
			[][2]string{srun("cn01", "cn02"), {"server.d1.1.cn01.log", "rank 0 of 2 on cn01 (10.0.0.1:20100): x\n"}}},
		"of components that are found dead at once, who shows a cause": {`first_of server.d1.1.cn01 server.d1.1.cn02`, "server.d1.1.cn02", 1,
			[][2]string{{"server.d1.1.cn01.log", "x\n"}, {"server.d1.1.cn02.log", "gated\n"}}},
		"of components that are found dead at once, who was silent longest": {`first_of server.d1.1.cn01 server.d1.1.cn02 client.cn09`, "server.d1.1.cn02", 1,
			[][2]string{{"server.d1.1.cn02.log", "x\n"}, {"server.d1.1.cn01.log", "x\n"}, {"client.cn09.log", "x\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			all := known
			if strings.Contains(name, "hostile") {
				all = []service.Cause{{Pattern: "odd: (.*)", Cause: `say \1`}}
			}
			if got := strings.TrimSpace(blamed(t, all, c.status, c.call, c.logs...)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
