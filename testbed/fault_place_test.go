//go:build e2e

package testbed

import (
	"strings"
	"testing"
)

// placeFaults are surroundings that a job has to do with. None of them may matter.
var placeFaults = []fault{
	benignly("umask 077", true, func(t *testing.T) *job { return compile(t, "short", 2).submitAs("umask 077; ./submit.sh") }),
	benignly("no home directory on the nodes", false, func(t *testing.T) *job {
		b := contained(t)
		for _, node := range b.nodes {
			on(t, node, "mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/home")
			t.Cleanup(func() { on(t, node, "umount", "/home") })
		}
		return b.submitAs("./submit.sh")
	}),
	benignly("HOME is not set", false, func(t *testing.T) *job { return compile(t, "short", 2).submitAs("env -u HOME ./submit.sh") }),
	benignly("standard input is closed", false, func(t *testing.T) *job { return compile(t, "short", 2).submitAs("./submit.sh <&-") }),
	benignly("the locale C", false, func(t *testing.T) *job { return inLocale(t, "C") }),
	benignly("a Turkish locale", false, func(t *testing.T) *job {
		must(t, "localedef", "-i", "tr_TR", "-f", "UTF-8", "--prefix="+root, "tr_TR.UTF-8")
		if got := shell(t, "LC_ALL=tr_TR.UTF-8 bash -c 'printf %.1f 0,5'"); got != "0,5" {
			t.Fatalf("in this locale a half is %q, want 0,5", got)
		}
		return inLocale(t, "tr_TR.UTF-8")
	}),
	benignly("names with spaces", false, func(t *testing.T) *job { return contained(t).movedTo("my  runs/of this week").submitAs("./submit.sh") }),
	benignly("a path of 200 characters", false, func(t *testing.T) *job {
		b := contained(t)
		b = b.movedTo(strings.Repeat("deep/", 60)[:215-len(b.dir)] + "/x")
		if len(b.dir) < 200 {
			t.Fatalf("%s has %d characters", b.dir, len(b.dir))
		}
		return b.submitAs("./submit.sh")
	}),
}

// benignly is a fault that a job has to run through as if there were nothing.
func benignly(name string, quick bool, submit func(t *testing.T) *job) fault {
	return fault{
		name: name, class: places, quick: quick, exit: "COMPLETED 0", line: []string{" ok, 0 failed"}, trials: "complete",
		run: func(t *testing.T) seen {
			j := submit(t)
			s := j.benign()
			j.wantGood("0001")
			return s
		},
	}
}

// contained is recipes/short.yaml whose server runs in an image.
func contained(t *testing.T) *bundle {
	t.Helper()
	return edited(t, "short", 2, "servers:\n  health", "artifacts: {containers_dir: /srv/images, service: {path: dummy.sif}}\nservers:\n  health")
}

// inLocale compiles and submits in a locale, and has the job run in it.
func inLocale(t *testing.T, name string) *job {
	t.Helper()
	b := contained(t)
	again := strings.TrimSpace(shell(t, "cd '"+b.dir+"/..' && LC_ALL="+name+" /opt/hpcbench/bin/gen recipe.yaml -o again && diff -r again/* '"+b.dir+"' && echo same"))
	if !strings.HasSuffix(again, "same") {
		t.Errorf("in the locale %s gen makes another bundle:\n%s", name, again)
	}
	return b.submitAs("LC_ALL=" + name + " ./submit.sh --export=LC_ALL=" + name)
}

// submitAs submits the bundle by this line, in its directory.
func (b *bundle) submitAs(line string) *job {
	b.t.Helper()
	stdout, stderr, status := try(b.t, "cd '"+b.dir+"' && "+line+" --nodelist="+strings.Join(b.nodes, ","))
	m := submitted.FindStringSubmatch(stdout)
	if status != 0 || m == nil {
		b.t.Fatalf("%s ended with %d:\n%s%s", line, status, stdout, stderr)
	}
	j := &job{b, m[1]}
	b.t.Cleanup(j.leave)
	return j
}

// movedTo moves the bundle to another directory beside it.
func (b *bundle) movedTo(name string) *bundle {
	b.t.Helper()
	to := b.dir[:strings.LastIndexByte(b.dir, '/')+1] + name
	shell(b.t, "mkdir -p '"+to[:strings.LastIndexByte(to, '/')]+"' && mv '"+b.dir+"' '"+to+"'")
	return &bundle{b.t, to, b.nodes}
}
