//go:build e2e

package testbed

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// bundleFaults are what is wrong with a bundle, or done with it, and with the images that it names.
var bundleFaults = []fault{
	{
		name: "the image is missing, ./submit.sh", class: before, quick: true,
		exit: "exit 1", line: []string{"no such image: ", "nothere.sif", "prefetch.sh"},
		run: func(t *testing.T) seen {
			return told(t, "cd '"+withImage(t, "nothere.sif").dir+"' && ./submit.sh")
		},
	},
	{
		name: "a partition that the cluster has not", class: before,
		exit: "exit 1", line: []string{"invalid partition"},
		run: func(t *testing.T) seen {
			return told(t, "cd '"+compile(t, "short", 2).dir+"' && ./submit.sh --partition=nowhere")
		},
	},
	{
		name: "the image is missing, sbatch job.sbatch", class: starting, quick: true,
		exit: "FAILED 1", line: []string{"no such image: ", "nothere.sif", "prefetch.sh"}, trials: "(missing( missing)*)?",
		run: func(t *testing.T) seen { return withImage(t, "nothere.sif").sbatch().seen(time.Time{}) },
	},
	{
		name: "the image is no image", class: starting,
		exit: "FAILED 1", line: []string{"apptainer can't read ", "broken.sif"}, trials: "(missing( missing)*)?",
		run: func(t *testing.T) seen {
			b := withImage(t, "broken.sif")
			shell(t, "head -c 100000 /dev/urandom >'"+b.dir+"/../broken.sif'")
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "the image is cut off in the middle, as by a full disk", class: starting,
		exit: "FAILED 1", line: []string{": image: ", "broken.sif does not run here: ", "apptainer exec"}, trials: "(missing( missing)*)?",
		run: func(t *testing.T) seen {
			b := withImage(t, "broken.sif")
			shell(t, "head -c 500000 /srv/images/dummy.sif >'"+b.dir+"/../broken.sif'")
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "the image can't be executed here", class: starting,
		exit: "FAILED 1", line: []string{"foreign.sif"}, trials: "(missing( missing)*)?",
		run: func(t *testing.T) seen {
			b := withImage(t, "foreign.sif")
			// what a SIF's header says of its architecture, from byte 42 on: 02 is amd64, 04 arm64 (sif: pkg/sif/arch.go)
			shell(t, "cd '"+b.dir+"/..' && cp /srv/images/dummy.sif foreign.sif && chmod u+w foreign.sif && printf '04' | dd of=foreign.sif bs=1 seek=42 conv=notrunc status=none")
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "the profile's interface leads to no other node", class: starting, within: 30 * time.Second, // where only health tells
		exit: "FAILED 1", line: []string{"10.99.0."}, trials: "missing",
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			for k, node := range b.nodes {
				t.Cleanup(func() { on(t, node, "ip", "link", "del", "ib0") })
				on(t, node, "bash", "-c", fmt.Sprintf("ip link add ib0 type veth peer name ib0-end && ip link set ib0-end up && ip addr add 10.99.0.%d/24 dev ib0 && ip link set ib0 up", k+1))
			}
			shell(t, "cd '"+b.dir+`' && sed -i "s/^readonly INTERFACES=.*/readonly INTERFACES='ib[0-9]+'/" job.sbatch && grep -q "ib\[0-9\]" job.sbatch`)
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "two submits of one bundle at once", class: bundles, quick: true,
		exit: "FAILED 75", line: []string{"claimed by job"}, trials: "complete complete complete",
		run: func(t *testing.T) seen {
			b := compile(t, "pair", 4)
			first, second := b.submitWith("--nodelist="+strings.Join(b.nodes[:2], ",")), b.submitWith("--nodelist="+strings.Join(b.nodes[2:], ","))
			for _, j := range []*job{first, second} { // one bundle's nodes are looked at as one
				j.until("end", j.over)
			}
			one, two := first.seen(time.Time{}), second.seen(time.Time{})
			if one.exit != "COMPLETED 0" { // whichever came first
				one, two = two, one
			}
			two.job.wantRanNothing("claimed by job " + one.job.id)
			for _, trial := range trials(3) {
				one.job.wantGood(trial)
			}
			two.trials, two.noticed = one.trials, 0
			return two
		},
	},
	{
		name: "a bundle is moved after it was compiled", class: bundles,
		exit: "COMPLETED 0", line: []string{" ok, 0 failed"}, trials: "complete",
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			shell(t, "mkdir '"+b.dir+"/../elsewhere' && mv '"+b.dir+"' '"+b.dir+"/../elsewhere/renamed'")
			b.dir = strings.TrimSuffix(b.dir, "/testbed-short") + "/elsewhere/renamed"
			return b.submit().benign()
		},
	},
	{
		name: "a bundle is edited by hand", class: bundles,
		exit: "COMPLETED 0", line: []string{"edited since it was compiled: ", "argv/d1.0"}, trials: "complete",
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			shell(t, "cd '"+b.dir+"' && sed -i 's/^5ms$/6ms/' argv/d1.0 && ! sha256sum --status -c MANIFEST")
			return b.submit().benign()
		},
	},
	{
		name: "MANIFEST is broken", class: bundles,
		exit: "COMPLETED 0", line: []string{"edited since it was compiled: MANIFEST (broken: "}, trials: "complete",
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			shell(t, "cd '"+b.dir+"' && printf 'no such lines\\n' >MANIFEST")
			return b.submit().benign()
		},
	},
	{
		name: "the job script is of another plan", class: bundles,
		exit: "FAILED 1", line: []string{"different plans"},
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			shell(t, "cd '"+b.dir+"' && sed -i 's/ PLAN=[^ ]*/ PLAN=0123456789abcdef/' job.sbatch && grep -q PLAN=0123 job.sbatch")
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "the job script breaks off, by an edit", class: bundles,
		exit: "FAILED 1", line: []string{"job.sbatch broke off"}, trials: "missing",
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			shell(t, `cd '`+b.dir+`' && sed -i 's/^  choose_ports$/  choose_ports "$NO_SUCH_VARIABLE"/' job.sbatch`)
			return b.submit().seen(time.Time{})
		},
	},
	{
		name: "the agent is of another architecture", class: bundles,
		exit: "FAILED 2", line: []string{"error: bin/agent is for aarch64, and cn"},
		run: func(t *testing.T) seen {
			b := compile(t, "short", 2)
			make := exec.Command("make", "-s", "-C", "..", "agent-arm64")
			if out, err := make.CombinedOutput(); err != nil {
				t.Fatalf("make agent-arm64: %v: %s", err, out)
			}
			program, err := os.ReadFile("../bin/agent-linux-arm64")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(outside(b.dir)+"/bin/agent", program, 0o755); err != nil {
				t.Fatal(err)
			}
			return b.sbatch().seen(time.Time{})
		},
	},
}

// withImage is recipes/short.yaml in an image of the test's own, which lies, or does not, beside the bundle.
func withImage(t *testing.T, name string) *bundle {
	t.Helper()
	dir := "/srv/jobs/" + strings.ReplaceAll(t.Name(), "/", "-")
	return edited(t, "short", 2, "servers:\n  health", "artifacts: {containers_dir: "+dir+", service: {path: "+name+"}}\nservers:\n  health")
}

// sbatch submits the job script itself, past the checks of submit.sh.
func (b *bundle) sbatch() *job {
	b.t.Helper()
	id := shell(b.t, "cd '"+b.dir+"' && sbatch --parsable --nodelist="+strings.Join(b.nodes, ",")+" job.sbatch")
	j := &job{b, strings.TrimSpace(id)}
	b.t.Cleanup(j.leave)
	return j
}

// benign is seen of what must not matter: there is nothing to notice.
func (j *job) benign() seen {
	j.t.Helper()
	s := j.seen(time.Time{})
	s.noticed = 0
	return s
}
