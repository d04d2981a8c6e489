//go:build e2e

package testbed

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The soak: so many sequences side by side, each on a node of its own, of so many jobs; and so many jobs at once. SOAK=2,5,5 in
// the environment has other numbers.
var sequences, inSequence, atOnce = 5, 40, 20

// Jobs without number leave nothing behind, and every ledger is right.
func TestSoak(t *testing.T) {
	if !full {
		t.Skip("it takes minutes: make e2e-full")
	}
	t.Parallel()
	if s := os.Getenv("SOAK"); s != "" {
		if _, err := fmt.Sscanf(s, "%d,%d,%d", &sequences, &inSequence, &atOnce); err != nil {
			t.Fatalf("SOAK=%s: want three numbers with commas, as SOAK=2,5,5: %v", s, err)
		}
	}
	nodes := take(t, sequences)
	before := everything(t, nodes)
	one := soakBundles(t, nodes, sequences)
	began := time.Now()
	var wg sync.WaitGroup
	took := make([][]time.Duration, sequences)
	for k, b := range one {
		b.nodes = nodes[k : k+1]
		wg.Go(func() { took[k] = b.again(inSequence) })
	}
	wg.Wait()
	document.soaks(soaked{
		What: fmt.Sprintf("one after the other, in %d sequences side by side, a node each", sequences), Jobs: fmt.Sprint(sequences * inSequence),
		Took: fmt.Sprintf("%.0f min; %s a job", time.Since(began).Minutes(), middle(slices.Concat(took...))), Left: same(t, nodes, before),
	})
	began = time.Now()
	many := soakBundles(t, nodes, atOnce)
	var jobs []*job
	for _, b := range many {
		jobs = append(jobs, b.submitWith(b.elsewhere()))
	}
	for _, j := range jobs {
		j.wantWhole("1 trials: 0 done, 1 to run")
	}
	document.soaks(soaked{
		What: fmt.Sprintf("at once, on the same %d nodes", sequences), Jobs: fmt.Sprint(atOnce),
		Took: fmt.Sprintf("%.0f s", time.Since(began).Seconds()), Left: same(t, nodes, before),
	})
}

// soakBundles are n copies of one bundle.
func soakBundles(t *testing.T, nodes []string, n int) []*bundle {
	t.Helper()
	dir := workspace(t)
	writeFile(t, dir+"/recipe.yaml", read(t, "recipes/soak.yaml"))
	shell(t, "cd "+dir+" && /opt/hpcbench/bin/gen recipe.yaml -o . && for ((k = 0; k < "+fmt.Sprint(n)+"; k++)); do cp -a testbed-soak $k; done && rm -r testbed-soak")
	var all []*bundle
	for k := range n {
		all = append(all, &bundle{t, fmt.Sprintf("%s/%d", dir, k), nodes})
	}
	return all
}

// again submits the bundle n times. Taking the trial's directory away, as docs tell people to, makes it run again.
func (b *bundle) again(n int) []time.Duration {
	var took []time.Duration
	files := 0
	for range n {
		began := time.Now()
		j := b.submit()
		j.wantWhole("1 trials: 0 done, 1 to run")
		took = append(took, time.Since(began))
		if now := countFiles(b.t, j.path()); files == 0 {
			files = now
		} else if now != files {
			b.t.Errorf("job %s left %d files in its results, the first %d", j.id, now, files)
		}
		if err := os.RemoveAll(j.path("0001")); err != nil {
			b.t.Error(err)
		}
	}
	return took
}

// wantWhole wants a job that is complete, and whose ledger said this.
func (j *job) wantWhole(words string) {
	j.t.Helper()
	if !within(patience, j.over) {
		j.t.Errorf("job %s still runs after %v", j.id, patience)
		return
	}
	if got := j.status(); got != completed || !strings.Contains(j.output(), words) {
		j.t.Errorf("job %s ended as %v, want %v, and %q in\n%s", j.id, got, completed, words, j.output())
		return
	}
	if s := j.account().states()["0001"]; s != "complete" || !j.complete("0001")() {
		j.t.Errorf("job %s: its trial is %s, its key there: %v", j.id, s, j.complete("0001")())
	}
}

func countFiles(t *testing.T, dir string) int {
	n := 0
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// everything is what a leak would add to on these nodes: all processes but the kernel's and a look's own, all sockets that
// listen, all files in /tmp and /dev/shm, all mounts, whoever owns them; and what of it there is of each.
func everything(t *testing.T, nodes []string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, node := range nodes {
		all[node] = on(t, node, "bash", "-c", `ps -eo comm= | grep -vxE 'ps|grep|bash|sort|uniq|sleep' | sort | uniq -c
			ss -Hlntu 2>/dev/null | awk '{ print $1, $5 }' | sort; find /tmp /dev/shm -mindepth 1 | sort; wc -l </proc/mounts`)
	}
	return all
}

// same wants the nodes to be as they were, within 30 seconds, and says so in a word.
func same(t *testing.T, nodes []string, before map[string]string) string {
	t.Helper()
	wantEmpty(t, nodes)
	after := everything(t, nodes)
	for _, node := range nodes {
		if before[node] != after[node] {
			t.Errorf("%s was\n%sand is now\n%s", node, before[node], after[node])
			return "see the test's log"
		}
	}
	return "nothing"
}

// middle is the median of some times.
func middle(all []time.Duration) string {
	if len(all) == 0 {
		return "no time"
	}
	slices.Sort(all)
	return seconds(all[len(all)/2])
}
