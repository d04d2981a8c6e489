//go:build e2e

package testbed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// diskFaults are what happens where results are written.
var diskFaults = []fault{
	{
		name: "the disk of the results is full in a trial", class: disks, quick: true,
		exit: "FAILED 1", line: []string{"can't be written to: no space left on device", "Free some"}, trials: "complete failed.*", within: 20 * time.Second, // records are written as they come
		run: func(t *testing.T) seen {
			b := edited(t, "pair", 2, "concurrency: [1, 2, 4]", "concurrency: [1, 64, 32]", "ttft: 20ms, itl: 5ms", "ttft: 1ms, itl: 1ms", "gen_tokens: 8", "gen_tokens: 64")
			b.smallDisk("160M") // the preflight wants room for a trial
			j := b.submit()
			j.until("first trial with its key", j.complete("0001"))
			j.until("start of the second trial", j.started("0002"))
			at := time.Now()
			shell(t, "head -c 1G /dev/zero >'"+b.dir+"/results/filler' || true")
			return j.seen(at)
		},
	},
	{
		name: "the disk of the results has no room for a trial", class: disks,
		exit: "FAILED 1", line: []string{": results: ", "MiB free of ", "(make room)"}, trials: "missing missing missing",
		run: func(t *testing.T) seen {
			b := compile(t, "pair", 2)
			b.smallDisk("16M")
			return b.submit().stopped("")
		},
	},
	{
		name: "the disk of the results is full before the job", class: disks,
		exit: "FAILED 2", line: []string{"error: ", "can't be ", ": no space left on device"}, // made, or written to
		run: func(t *testing.T) seen {
			b := compile(t, "pair", 2)
			b.smallDisk("1M")
			shell(t, "head -c 10M /dev/zero >'"+b.dir+"/results/filler' || true")
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "the results directory is read-only, sbatch job.sbatch", class: disks,
		exit: "FAILED 2", line: []string{"error: ", "can't be made"},
		run: func(t *testing.T) seen {
			b := compile(t, "pair", 2)
			shell(t, "mkdir '"+b.dir+"/results' && chmod 555 '"+b.dir+"/results'")
			return b.sbatch().seen(time.Time{})
		},
	},
	{
		name: "the results directory is read-only, ./submit.sh", class: disks,
		exit: "exit 1", line: []string{"submit.sh: ", "/results is not writable"},
		run: func(t *testing.T) seen {
			return told(t, "cd '"+compile(t, "pair", 2).dir+"' && mkdir results && chmod 555 results && ./submit.sh")
		},
	},
	{
		name: "the bundle's directory is read-only", class: disks,
		exit: "exit 1", line: []string{"submit.sh: ", "not writable"},
		run: func(t *testing.T) seen {
			b := compile(t, "pair", 2)
			shell(t, "chmod 555 '"+b.dir+"'")
			t.Cleanup(func() { shell(t, "chmod 755 '"+b.dir+"'") })
			return told(t, "cd '"+b.dir+"' && ./submit.sh")
		},
	},
}

// smallDisk mounts a file system of this size, with a lost+found that is root's, as the bundle's results/, on its nodes, the login node, and here.
func (b *bundle) smallDisk(size string) {
	b.t.Helper()
	image := filepath.Join(b.t.TempDir(), "disk")
	results := b.dir + "/results"
	if err := os.MkdirAll(outside(results), 0o755); err != nil {
		b.t.Fatal(err)
	}
	device := must(b.t, "bash", "-c", "truncate -s "+size+" '"+image+"' && mkfs.ext4 -q -O ^has_journal -E root_owner=1000:1000 '"+image+"' >&2 && losetup -f --show '"+image+"'")
	b.t.Cleanup(func() { must(b.t, "losetup", "-d", device) })
	must(b.t, "mount", device, outside(results))
	b.t.Cleanup(func() { must(b.t, "umount", "--lazy", outside(results)) })
	for _, node := range append([]string{"login"}, b.nodes...) {
		on(b.t, node, "mount", device, results)
		b.t.Cleanup(func() { on(b.t, node, "umount", "--lazy", results) })
	}
}

// must runs a command here. Where the machine has no such thing the test is skipped.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Skipf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}
