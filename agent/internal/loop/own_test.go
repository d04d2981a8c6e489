package loop

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// system makes a directory with the files given, to be read in the place of "/".
func system(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCoresByAffinityAndCgroup(t *testing.T) {
	all := float64(runtime.NumCPU())
	for name, c := range map[string]struct {
		files map[string]string
		want  float64
	}{
		"no cgroups": {nil, all},
		"v2 without a quota": {map[string]string{
			"proc/self/cgroup": "0::/job/step\n", "sys/fs/cgroup/job/step/cpu.max": "max 100000\n"}, all},
		"v2, the group above has less": {map[string]string{
			"proc/self/cgroup": "0::/job/step\n", "sys/fs/cgroup/job/step/cpu.max": "max 100000\n", "sys/fs/cgroup/job/cpu.max": "25000 50000\n"}, 0.5},
		"v2, more than there are": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "100000000 100000\n"}, all},
		"v1": {map[string]string{
			"proc/self/cgroup": "3:memory:/m\n2:cpu,cpuacct:/slurm/job\n0::/\n",
			"sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_quota_us": "75000\n", "sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_period_us": "100000\n",
			"sys/fs/cgroup/cpu,cpuacct/slurm/job/cpu.cfs_quota_us": "-1\n", "sys/fs/cgroup/cpu,cpuacct/slurm/job/cpu.cfs_period_us": "100000\n"}, 0.75},
		"v1 of a container that sees its own group as the top": {map[string]string{
			"proc/self/cgroup": "2:cpu:/docker/x\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "40000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, 0.4},
		"cpuset is no cpu": {map[string]string{
			"proc/self/cgroup": "2:cpuset:/x\n", "sys/fs/cgroup/cpuset/x/cpu.cfs_quota_us": "1\n", "sys/fs/cgroup/cpuset/x/cpu.cfs_period_us": "100000\n"}, all},
	} {
		if got := cpus(system(t, c.files)); got != c.want {
			t.Errorf("%s: %v cores, want %v", name, got, c.want)
		}
	}
}

func TestLocalPorts(t *testing.T) {
	for text, want := range map[string]int{"32768\t60999\n": 28232, "40000 40000": 1, "9 3": 0, "x": 0} {
		if got := ports(system(t, map[string]string{"proc/sys/net/ipv4/ip_local_port_range": text})); got != want {
			t.Errorf("%q: %d ports, want %d", text, got, want)
		}
	}
	if got := ports(t.TempDir()); got != 0 {
		t.Errorf("no file: %d ports", got)
	}
}

func TestRunDelayIsThatOfAllThreads(t *testing.T) {
	root := system(t, map[string]string{"7/schedstat": "100 2000000 3\n", "8/schedstat": "5 3000000 1\n", "9/schedstat": "gone"})
	if got, ok := runDelay(root + "/*/schedstat"); !ok || got != 5*time.Millisecond {
		t.Errorf("%v, %v; want 5ms", got, ok)
	}
	if _, ok := runDelay(root + "/none"); ok {
		t.Error("known without a file")
	}
}

func TestPausesAreThoseSince(t *testing.T) {
	before := newPauses()
	for range 3 {
		runtime.GC()
	}
	h := newPauses().since(before)
	if h == nil || h.N() < 3 || h.Max() <= 0 {
		t.Errorf("pauses of three collections: %+v", h)
	}
	if again := before.since(before); again == nil || again.N() != 0 {
		t.Errorf("pauses since the same instant: %+v", again)
	}
}
