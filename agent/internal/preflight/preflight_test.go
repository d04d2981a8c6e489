package preflight

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hpcbench/agent/internal/address"
)

func TestFiles(t *testing.T) {
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
	link := func(to, name string) string {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n"
	put("hub/blobs/ab", "weights")
	put("hub/.no_exist/1/config.json", "") // what the cache knows not to be there
	put("hub/snapshots/1/config.json", "{}")
	put("half/blobs/ab.incomplete", "we")
	put("half/snapshots/1/config.json", "{}")
	put("lfs/config.json", "{}")
	put("lfs/model-1.safetensors", pointer)
	put("empty/model.safetensors", "")
	put("quiet/merges.txt", "")
	put("dangling/config.json", "{}")
	link("../../blobs/ab", "hub/snapshots/1/model.safetensors")
	link("../blobs/cd", "dangling/model.safetensors")
	for path, want := range map[string]string{
		put("m.gguf", "GGUF"):       "ok\t" + dir + "/m.gguf: 4 B",
		put("p.gguf", pointer):      "fail\t" + dir + "/p.gguf is a pointer of Git LFS instead of the file (git lfs pull)",
		put("e.gguf", ""):           "fail\t" + dir + "/e.gguf is empty (get it again)",
		dir + "/no/where.gguf":      "fail\t" + dir + "/no/where.gguf is not there, " + dir + " is (check the path and the binds)",
		dir + "/hub":                "ok\t" + dir + "/hub: 3 files, 9 B",
		dir + "/half":               "warn\t" + dir + "/half: 1 files, 2 B, and 1 downloads that were not finished (run prefetch.sh again)",
		dir + "/lfs":                "fail\t" + dir + "/lfs: model-1.safetensors is a pointer of Git LFS",
		dir + "/empty":              "fail\t" + dir + "/empty: model.safetensors is empty",
		dir + "/quiet":              "ok\t" + dir + "/quiet: 1 files, 0 B",
		dir + "/dangling":           "fail\t" + dir + "/dangling: model.safetensors is a link to nothing",
		t.TempDir():                 "fail\t",
		link("nothing", "l.gguf"):   "fail\t" + dir + "/l.gguf is not there",
		link("m.gguf", "good.gguf"): "ok\t" + dir + "/good.gguf: 4 B",
	} {
		got := Files(context.Background(), []string{path})
		if len(got) != 1 || !strings.HasPrefix(got[0].String(), "files\t"+want) {
			t.Errorf("got  %v\nwant files\t%s", got, want)
		}
	}
}

func TestWhatTheContainerSaysArrives(t *testing.T) {
	t.Setenv("CUDA_VERSION", "12.8.1")
	t.Setenv("NVIDIA_REQUIRE_CUDA", "cuda>=12.8 brand=tesla,driver>=470,driver<471")
	text := "INFO:    squashfuse not found\n"
	for _, r := range Inside(context.Background(), "my image.sif", []string{"/etc/hostname"}, true) {
		text += r.String() + "\n"
	}
	rows, images := Told(text)
	if len(images) != 1 || images[0] != (Image{"my image.sif", "12.8.1", "cuda>=12.8 brand=tesla,driver>=470,driver<471", exists("/usr/local/cuda/compat")}) {
		t.Errorf("images %+v", images)
	}
	if len(rows) != 3 || rows[0].String() != "image\tok\tmy image.sif runs here" || rows[1].State != Warn || rows[2].Check != "files" {
		t.Errorf("rows %v", rows)
	}
	if rows := Inside(context.Background(), "", nil, true); rows != nil {
		t.Errorf("of the node itself it says %v", rows)
	}
}

// Two nodes, one of whose clocks is off: by the flag, for clocks of one machine can't differ.
func TestClock(t *testing.T) {
	for offset, want := range map[time.Duration]State{0: OK, 20 * time.Millisecond: OK, -500 * time.Millisecond: Warn, 5 * time.Minute: Fail, -2 * time.Hour: Fail} {
		first := Clock{First: true, Peers: 1, Listen: "127.0.0.1", File: filepath.Join(t.TempDir(), "clock")}
		served := make(chan []Row, 1)
		go func() { served <- first.look(context.Background()) }()
		peer := Clock{Peers: 1, Listen: "127.0.0.1", File: first.File, Offset: offset}
		got := peer.look(context.Background())
		if len(got) != 1 || got[0].State != want {
			t.Errorf("an offset of %v: %v, want %s", offset, got, want)
		}
		if rows := <-served; rows[0].State != OK {
			t.Errorf("the first node says %v", rows)
		}
	}
}

func TestClockOfASilentFirstNode(t *testing.T) {
	gone, end := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer end()
	if got := (Clock{Peers: 1, File: filepath.Join(t.TempDir(), "clock")}).look(gone); got[0].State != Warn {
		t.Errorf("got %v, want a warning", got)
	}
	file := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(file, []byte("127.0.0.1:1\n"), 0o644); err != nil { // where nobody listens
		t.Fatal(err)
	}
	if got := (Clock{Peers: 1, File: file}).look(context.Background()); got[0].State != Warn {
		t.Errorf("got %v, want a warning", got)
	}
}

// A check that never answers is left behind, with a warning.
func TestACheckThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := make(chan struct{})
		begin := time.Now()
		rows := all(context.Background(), []check{
			{name: "shm", look: func(context.Context) []Row { <-never; return nil }},
			{name: "tmp", look: func(context.Context) []Row { return []Row{row("tmp", OK, "fine")} }},
		})
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if len(rows) != 2 || rows[0].State != Warn || rows[1].State != OK {
			t.Errorf("rows %v", rows)
		}
		close(never)
	})
}

func TestSharedMemory(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		gpus       int
		size, free uint64
		want       State
	}{
		{4, 128 * gib, 100 * gib, OK}, {4, 64 << 20, 64 << 20, Fail}, {1, 64 << 20, 60 << 20, Warn}, {0, 64 << 20, 60 << 20, OK},
		{0, 64 << 20, 1 << 20, Warn}, {2, 2 * gib, gib / 2, Warn},
	} {
		if got := judgeShm(c.gpus, c.size, c.free, nil); got.State != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestInterfaceThatWasChosen(t *testing.T) {
	at := netip.MustParseAddr
	all := []address.Interface{{Name: "lo", Addresses: []netip.Addr{at("127.0.0.1")}}, {Name: "eno1", Addresses: []netip.Addr{at("192.168.0.4")}},
		{Name: "hsn0", Addresses: []netip.Addr{at("10.0.0.4")}}, {Name: "hsn1", Addresses: []netip.Addr{at("10.0.1.4")}}}
	for _, c := range []struct {
		ip, pattern, want string
	}{
		{"10.0.0.4", "hsn[0-9]+", `ok hsn0 10.0.0.4; "hsn[0-9]+" matches also hsn1 10.0.1.4`},
		{"192.168.0.4", "eno1", "ok eno1 192.168.0.4"},
		{"192.168.0.4", "", "warn eno1 192.168.0.4 was taken; there are also hsn0 10.0.0.4, hsn1 10.0.1.4 (name the fabric's in the cluster profile, network.interfaces)"},
		{"10.9.9.9", "hsn0", "warn no interface has 10.9.9.9, the address that was found for this node"},
		{"10.0.0.4", "(", "fail the interfaces' pattern"},
	} {
		if r := chosen(all, c.ip, c.pattern); !strings.HasPrefix(string(r.State)+" "+r.Words, c.want) {
			t.Errorf("%s %q: got %s %s, want %s", c.ip, c.pattern, r.State, r.Words, c.want)
		}
	}
}

func TestSharedFileOfTheFirstNode(t *testing.T) {
	c := Config{Shared: filepath.Join(t.TempDir(), "shared"), Word: "4711"}
	soon, end := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer end()
	if got := c.shared(soon); got[0].State != Fail {
		t.Errorf("without the file: %v", got)
	}
	if err := os.WriteFile(c.Shared, []byte("4711\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := c.shared(context.Background()); got[0].State != OK {
		t.Errorf("with the file: %v", got)
	}
}

func TestQuotas(t *testing.T) {
	for _, c := range []struct {
		program, text string
		want          State
	}{
		{"quota", "", OK},
		{"quota", "Disk quotas for user bench (uid 1000):\n\tBlock limit reached on /home\n", Warn},
		{"lfs", "/scratch 123 0 1000 - 5 0 100 -\n", OK},
		{"lfs", "/scratch 1200* 1000 2000 6d23h 5 0 100 -\n", Warn},
	} {
		if got := over(c.program, c.text); got.State != c.want {
			t.Errorf("%s %q: %v", c.program, c.text, got)
		}
	}
}

func TestRowsAreLines(t *testing.T) {
	if got := row("x", Fail, "a\tb\nc  d").String(); got != "x\tfail\ta b c d" {
		t.Errorf("got %q", got)
	}
}
