//go:build e2e

package testbed

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// mallory is the other user, on a node. Whatever he started there ends with the test.
type mallory struct {
	t    *testing.T
	node string
}

func stranger(t *testing.T, node string) mallory {
	m := mallory{t, node}
	t.Cleanup(m.leave)
	return m
}

// leave ends all that mallory runs, and takes away what he left in /tmp.
func (m mallory) leave() {
	on(m.t, m.node, "bash", "-c", "pkill -KILL -u mallory; find /tmp -mindepth 1 -maxdepth 1 -user mallory -exec rm -rf {} +; true")
}

// try runs a line of bash on a node as mallory, who has an account on the cluster and no part in the job, and gives all that it
// wrote.
func (m mallory) try(line string, args ...string) string {
	m.t.Helper()
	c := exec.CommandContext(m.t.Context(), "./cluster", append([]string{"as", "mallory", m.node, "bash", "-c", line, "bash"}, args...)...)
	out, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("mallory on %s: %v", m.node, err)
	}
	return string(out)
}

// squat has mallory listen on a port first. He writes down all that he hears, and answers as if he were an executor and a
// server in one.
func (m mallory) squat(address string) {
	m.t.Helper()
	const listener = `setsid perl -MIO::Socket::INET -e '
		$SIG{CHLD} = "IGNORE";
		my $s = IO::Socket::INET->new(LocalAddr => $ARGV[0], Listen => 50, ReuseAddr => 1) or die "squat: $!\n";
		open my $log, ">>", "/tmp/mallory-heard" or die; $log->autoflush(1); print $log "listening on $ARGV[0]\n";
		while (my $c = $s->accept) {
			next if fork;
			my $body = q({"status":"ok","node":"x","state":"idle","trial":"0001","choices":[{"index":0,"delta":{"content":"a"},"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"completion_tokens":1}});
			while (sysread $c, my $text, 65536) { print $log $text; print $c "HTTP/1.1 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body" }
			exit;
		}' "$1" >/tmp/mallory-squat.log 2>&1 &`
	m.try(listener, address)
	if !within(20*time.Second, func() bool { return strings.Contains(m.heard(), "listening on "+address+"\n") }) {
		m.t.Fatalf("mallory can't listen on %s: %s", address, m.try("cat /tmp/mallory-squat.log"))
	}
}

// heard is all that came to the ports that mallory took.
func (m mallory) heard() string { return m.try("cat /tmp/mallory-heard 2>/dev/null; true") }

// waiting submits the bundle as a job that waits, so that somebody who guesses its number comes first; release lets it run.
func (b *bundle) waiting() (j *job, release func()) {
	b.t.Helper()
	j = b.submitWith("-H", "--nodelist="+strings.Join(b.nodes, ","))
	return j, func() { shell(b.t, "scontrol release "+j.id) }
}

// block is the first of the job's ports.
func (j *job) block() int {
	number, err := strconv.Atoi(j.id)
	if err != nil {
		j.t.Fatal(err)
	}
	return 20000 + number%120*100
}

// addressOf is a node's address on the network of the cluster.
func addressOf(t *testing.T, node string) string {
	return strings.Fields(on(t, node, "getent", "hosts", node))[0]
}

// A stranger on the job's nodes came first: to its ports, and to its names in /tmp. The job moves on from all of them, tells of it,
// and neither its token nor a request of its load goes to him. While it runs he can't start, stop, read or end anything of it.
func TestStrangerOnTheJobsNodes(t *testing.T) {
	t.Parallel()
	b := compileText(t, "pair", 2, func(text string, _ []string) string {
		return strings.NewReplacer("  port: 20555\n", "", "itl: 5ms}", `itl: 5ms, truth: "@RUN@/truth-@RANK@.jsonl"}`).Replace(text) +
			"secrets: {HF_TOKEN: /home/bench/hf_token}\n"
	})
	const key = "hf_5ec0e75ec0e75ec0e75ec0e7"
	shell(t, "umask 077; printf '%s\n' "+key+" >/home/bench/hf_token")
	j, release := b.waiting()
	planted := j.comeFirst()
	home := on(t, b.nodes[1], "ls", "-A", "/home/bench")
	release()
	j.until("start of the first trial", j.started("0001"))
	secret := readToken(t, j)
	client := j.nodesOf("client")[0]
	if client[2] == fmt.Sprint(j.block()+6) || client[2] == fmt.Sprint(j.block()+96) {
		t.Errorf("nodes.tsv has the executor on port %s, which mallory has", client[2])
	}
	for _, m := range planted {
		m.spies(j, secret, key)
	}
	planted[0].meddles(t, j, client)
	j.wait(completed)

	j.wantUndisturbed()
	for _, m := range planted {
		if heard := m.heard(); strings.Contains(heard, secret) || strings.Contains(heard, "Authorization") || strings.Contains(heard, "POST") {
			t.Errorf("on %s mallory heard what was not for him:\n%s", m.node, heard)
		}
	}
	if found, _, _ := try(t, "grep -rl -e "+key+" -e "+secret+" '"+b.dir+"'"); found != "" {
		t.Errorf("a secret is left in %s", found)
	}
	j.wantMovedOn(client[0], j.nodesOf("server")[0][0])
	j.wantUntouched(home)
}

// loadID is the header of a request of a trial's load.
var loadID = regexp.MustCompile(`(?i)x-request-id: \d{4}-`)

// A server that binds its port only when it has loaded leaves it to a stranger until then, who answers the job's readiness checks as
// well as it would. The job finds that it is not its own, and moves on to other ports; not one request of its load goes to him.
func TestStrangerBeforeAServerThatBindsLate(t *testing.T) {
	t.Parallel()
	b := compileText(t, "pair", 2, func(text string, _ []string) string {
		return strings.NewReplacer("  port: 20555\n", "", "itl: 5ms}", `itl: 5ms, truth: "@RUN@/truth-@RANK@.jsonl"}`).Replace(text)
	})
	// the first start of the server is the late one; read waits, where sleep would be a process of its own
	b.edit("node/server.sh", `^"${CONTAINED\[@\]}" &$`, `late=60; if [[ -e $BUNDLE/late ]]; then late=0; fi; : >"$BUNDLE/late"\n`+
		`{ if ((late)); then read -rt "$late" <> <(:) \|\| :; fi; exec "${CONTAINED[@]}"; } \&`)
	j := b.submit()
	j.until("server that has not bound yet", func() bool { _, err := os.Stat(outside(b.dir) + "/late"); return err == nil })
	server := j.nodesOf("server")[0]
	m := stranger(t, server[0])
	m.squat(server[1] + ":" + server[2])
	j.wait(completed)
	j.wantUndisturbed()
	if now := j.nodesOf("server")[0]; now[2] == server[2] {
		t.Errorf("the server is said to be on port %s, which mallory has", now[2])
	}
	if log := read(t, j.path("logs", "server.d1.1."+server[0]+".log")); !strings.Contains(log, "address already in use, by mallory") {
		t.Errorf("the server's log does not name mallory:\n%s", log)
	}
	if heard := m.heard(); loadID.MatchString(heard) || !strings.Contains(heard, "/health") {
		t.Errorf("mallory should hear readiness checks and no request of the load:\n%s", heard)
	}
}

// comeFirst has mallory take, before the job does, its names in /tmp of both nodes, a directory on one and a link on the other, and the
// first ports of its servers and executors.
func (j *job) comeFirst() []mallory {
	j.t.Helper()
	planted := []mallory{stranger(j.t, j.nodes[0]), stranger(j.t, j.nodes[1])}
	planted[0].try(`mkdir -m 777 "$1"`, j.tmp())
	planted[1].try(`ln -s /home/bench "$1"`, j.tmp())
	for _, m := range planted {
		for _, offset := range []int{0, 6, 96} { // of servers, of executors, and the first that executors take instead
			m.squat(fmt.Sprintf("%s:%d", addressOf(j.t, m.node), j.block()+offset))
		}
	}
	return planted
}

// tmp is the job's name for its files of a node.
func (j *job) tmp() string { return "/tmp/hpcbench-" + j.id }

// wantUndisturbed wants good trials whose requests are those that the job's own server had.
func (j *job) wantUndisturbed() {
	j.t.Helper()
	sent := map[string]record{}
	for _, trial := range trials(3) {
		j.wantGood(trial)
		j.enter(sent, trial)
	}
	j.wantTruth(sent)
}

// wantMovedOn wants the logs to tell of each port and name that was another's.
func (j *job) wantMovedOn(client, server string) {
	j.t.Helper()
	for file, want := range map[string]string{
		"client." + client + ".log":      "another program has the port",
		"server.d1.1." + server + ".log": "address already in use",
		"server.d1.2." + server + ".log": "of mallory): taking another name",
	} {
		if text, err := os.ReadFile(j.path("logs", file)); err != nil || !strings.Contains(string(text), want) {
			j.t.Errorf("logs/%s does not say %q (%v):\n%s", file, want, err, text)
		}
	}
}

// wantUntouched wants nothing in mallory's directory, nothing new behind his link, and nothing of the job's in /tmp.
func (j *job) wantUntouched(home string) {
	j.t.Helper()
	if got := on(j.t, j.nodes[0], "ls", "-A", j.tmp()); got != "" {
		j.t.Errorf("mallory's directory has got %q", got)
	}
	if got := on(j.t, j.nodes[1], "ls", "-A", "/home/bench"); got != home {
		j.t.Errorf("through mallory's link /home/bench has got %q, and had %q", got, home)
	}
	for _, node := range j.nodes {
		if left := on(j.t, node, "find", "/tmp", "-user", "bench"); left != "" {
			j.t.Errorf("on %s is left %s", node, left)
		}
	}
}

// spies wants nothing of the job to be readable for mallory but the command lines of its processes, which have no secret.
func (m mallory) spies(j *job, secrets ...string) {
	m.t.Helper()
	const look = `for p in $(pgrep -u bench); do
		echo "== $p"; tr '\0' ' ' <"/proc/$p/cmdline"; cat "/proc/$p/comm"
		cat "/proc/$p/environ" "/proc/$p/maps" "/proc/$p/mem" 2>&1; ls -l "/proc/$p/fd" "/proc/$p/cwd/" 2>&1; cat "/proc/$p"/fd/* 2>&1
	done; grep -rs . /tmp /dev/shm 2>/dev/null; true`
	seen := m.try(look)
	if !strings.Contains(seen, "control.token") { // the path of it is on the executor's command line
		if m.node == j.nodesOf("client")[0][0] {
			m.t.Errorf("mallory should see the command lines of %s:\n%s", m.node, seen)
		}
	}
	if n := strings.Count(seen, "/environ: Permission denied"); n == 0 || n != strings.Count(seen, "/maps: Permission denied") {
		m.t.Errorf("environ and maps of the job's processes should be refused:\n%s", seen)
	}
	results := j.dir + "/results/" + j.id
	files := m.try(`ls "$1"; cat "$1/control.token" "$1/nodes.tsv" "$1/events.tsv" "$1"/logs/*.log "$1"/executors/* "$1"/0001/*/*; touch "$1/x" "$1/executors/x"; ls "$2/results"`, results, j.dir)
	if n := strings.Count(files, "Permission denied"); n < 8 {
		m.t.Errorf("on %s mallory reads the results, or writes there:\n%s", m.node, files)
	}
	for _, secret := range secrets {
		if strings.Contains(seen+files, secret) {
			m.t.Errorf("on %s mallory sees %s", m.node, secret)
		}
	}
}

// meddles wants all that mallory does to the job's executor from its own node to be refused.
func (m mallory) meddles(t *testing.T, j *job, client [3]string) {
	t.Helper()
	// say sends a request with bash alone, there being no other program for it.
	const say = `exec 3<>"/dev/tcp/$1/$2" && printf '%b' "$3" >&3 && head -n 1 <&3`
	for _, request := range []string{
		`POST /stop HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`,
		`POST /stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer 00\r\nContent-Length: 2\r\n\r\n{}`,
		`POST /start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \r\nContent-Length: 2\r\n\r\n{}`,
	} {
		if got := m.try(say, client[1], client[2], request); !strings.HasPrefix(got, "HTTP/1.1 401 ") {
			t.Errorf("%s: %s", request, got)
		}
	}
	for want, request := range map[string]string{
		"413": `POST /start HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n`,
		"400": `PUSH\r\n\r\n`,
		"405": `PUT /start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`,
	} {
		if got := m.try(say, client[1], client[2], request); !strings.HasPrefix(got, "HTTP/1.1 "+want+" ") {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	guesses := m.try(`for ((k = 0; k < 60; k++)); do exec 3<>"/dev/tcp/$1/$2"; printf 'POST /stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %d\r\nContent-Length: 0\r\n\r\n' "$k" >&3; head -n 1 <&3; done`, client[1], client[2])
	if strings.Contains(guesses, " 200 ") || !strings.Contains(guesses, " 429 ") {
		t.Errorf("guesses: %s", guesses)
	}
	m.try(`setsid bash -c 'for ((k = 0; k < 400; k++)); do exec {f}<>"/dev/tcp/$1/$2"; done; sleep 60' bash "$1" "$2" >/dev/null 2>&1 &`, client[1], client[2])
	kills := m.try(`for p in $(pgrep -u bench); do kill -KILL "$p"; kill -STOP "$p"; done`)
	if !strings.Contains(kills, "Operation not permitted") {
		t.Errorf("kill: %s", kills)
	}
	if status, body := ask(t, "GET", "http://"+net.JoinHostPort(client[1], client[2])+"/status", ""); status != http.StatusOK || strings.Contains(body, "9999") {
		t.Errorf("the executor says %d %s", status, body)
	}
}

// What a job writes, others can't read, and nobody but its user can change, whatever his umask; and a stricter umask holds.
func TestModesOfResults(t *testing.T) {
	t.Parallel()
	for umask, want := range map[string]os.FileMode{"000": 0o027, "077": 0o077} {
		t.Run(umask, func(t *testing.T) {
			t.Parallel()
			b := compile(t, "short", 2)
			out := shell(t, "umask "+umask+" && cd '"+b.dir+"' && ./submit.sh --nodelist="+strings.Join(b.nodes, ","))
			m := submitted.FindStringSubmatch(out)
			if m == nil {
				t.Fatalf("submit.sh names no job:\n%s", out)
			}
			j := &job{b, m[1]}
			t.Cleanup(j.leave)
			j.wait(completed)
			err := filepath.WalkDir(j.path(), func(path string, entry os.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := entry.Info()
				if err == nil && info.Mode().Perm()&want != 0 {
					t.Errorf("%s has mode %v", path, info.Mode())
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// On a machine without Slurm a stranger took the names of the job's locks and of its directory in /tmp first, by links to files of
// the user's: nothing goes through them, and the job is done.
func TestStrangerOnALocalMachine(t *testing.T) {
	t.Parallel()
	node, dir := take(t, 1)[0], workspace(t)
	writeFile(t, dir+"/recipe.yaml", `scenario: local
orchestration: {mode: local}
workload: {service: dummy, model: tiny, dialect: openai-chat, concurrency: 1, warmup: 0s, duration: 1s, prompt_len: 16, gen_tokens: 8}
servers: {service_config: {ttft: 5ms}}
`)
	writeFile(t, dir+"/thesis.tex", "chapter 1\n")
	shell(t, "cd '"+dir+"' && /opt/hpcbench/bin/gen recipe.yaml -o .")
	m := stranger(t, node)
	m.try(`ln -s "$1" /tmp/hpcbench-ports-1000; mkdir -m 777 /tmp/hpcbench-local-1; for ((k = 20000; k < 32000; k += 100)); do ln -s "$1" /tmp/hpcbench-ports-$k; done`, dir+"/thesis.tex")
	out := run(t, "as", "bench", node, "bash", "-c", "'"+dir+"/local/submit.sh' 2>&1")
	for _, want := range []string{"/tmp/hpcbench-ports-1000 is not ours (symbolic link of mallory): ports are not locked", "complete · exit 0"} {
		if !strings.Contains(out, want) {
			t.Errorf("the job does not say %q:\n%s", want, out)
		}
	}
	if got := read(t, outside(dir+"/thesis.tex")); got != "chapter 1\n" {
		t.Errorf("a file of the user's is now %q", got)
	}
	if got := on(t, node, "ls", "-A", "/tmp/hpcbench-local-1"); got != "" {
		t.Errorf("mallory's directory has got %q", got)
	}
	if left := on(t, node, "find", "/tmp", "-user", "bench"); left != "" {
		t.Errorf("on %s is left %s", node, left)
	}
}
