//go:build e2e

package testbed

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A hub is a stub of the Hugging Face Hub: of its API it has what `hf download` asks for (huggingface_hub 2.4: the revision, the tree, and
// each file's HEAD and GET, with ranges), for one model that wants a token. It is no real hub: what one says of Xet storage, of gates and of
// limits is not in it.
type hub struct {
	*httptest.Server
	files map[string][]byte

	mu     sync.Mutex
	gets   []string                                      // "tiny.bin bytes=100-", in their order
	onGet  func(w http.ResponseWriter, file string) bool // true: it has answered
	commit string
}

const (
	hubToken = "hf_of_the_test"
	weights  = "model.safetensors"
	piece    = 10 << 20 // in which hf writes a file down
)

// startHub starts one with a model of a small and a large file.
func startHub(t *testing.T) *hub {
	t.Helper()
	large := make([]byte, 24<<20)
	_, _ = rand.Read(large) // it never fails
	h := &hub{commit: strings.Repeat("c0ffee", 6) + "beef", files: map[string][]byte{"config.json": []byte(`{"model_type": "llama"}`), weights: large}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/models/maker/tiny/revision/main", h.revision)
	mux.HandleFunc("GET /api/models/maker/tiny/tree/{commit}", h.tree)
	mux.HandleFunc("GET /maker/tiny/resolve/{commit}/{file}", h.file) // and HEAD
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+hubToken {
			w.Header().Set("X-Error-Code", "GatedRepo")
			http.Error(w, "", http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-Repo-Commit", h.commit)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(h.CloseClientConnections)
	t.Cleanup(h.Close)
	return h
}

func (h *hub) revision(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(map[string]any{"id": "maker/tiny", "sha": h.commit, "siblings": []any{}}) // who asked has gone
}

func (h *hub) tree(w http.ResponseWriter, _ *http.Request) {
	var all []map[string]any
	for name, content := range h.files {
		entry := map[string]any{"type": "file", "path": name, "size": len(content), "oid": digestOf(content)[7:47]}
		if name == weights {
			entry["lfs"] = map[string]any{"oid": digestOf(content)[7:], "size": len(content), "pointerSize": 134}
		}
		all = append(all, entry)
	}
	_ = json.NewEncoder(w).Encode(all)
}

func (h *hub) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	content, ok := h.files[name]
	if !ok {
		w.Header().Set("X-Error-Code", "EntryNotFound")
		http.Error(w, "", http.StatusNotFound)
		return
	}
	etag := digestOf(content)[7:47]
	if name == weights {
		etag = digestOf(content)[7:]
	}
	w.Header().Set("ETag", `"`+etag+`"`)
	if r.Method == "GET" {
		h.mu.Lock()
		h.gets = append(h.gets, strings.TrimSpace(name+" "+r.Header.Get("Range")))
		answer := h.onGet
		h.mu.Unlock()
		if answer != nil && answer(w, name) {
			return
		}
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// asked are the files' GETs since the last call.
func (h *hub) asked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.gets
	h.gets = nil
	slices.Sort(all)
	return all
}

// next has the hub answer GETs in another way from now on.
func (h *hub) next(answer func(w http.ResponseWriter, file string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onGet = answer
}

// begin sends a piece of a file and some of the next; what becomes of the rest is up to the caller.
func (h *hub) begin(w http.ResponseWriter, file string) {
	content := h.files[file]
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content[:piece+piece/2]) // who asked may be gone
	w.(http.Flusher).Flush()
}

// hubVersion is that of huggingface_hub, whose program `hf` is.
const hubVersion = "2.4.0"

// hfBin is a directory with the real `hf`, from PyPI, made once for all beds.
var hfBin = sync.OnceValues(func() (string, error) {
	dir := "/var/tmp/hpcbench-hf-" + hubVersion
	if out, err := exec.Command(dir+"/bin/hf", "version").CombinedOutput(); err == nil && strings.Contains(string(out), hubVersion) {
		return dir + "/bin", nil
	}
	for _, words := range [][]string{{"python3", "-m", "venv", "--clear", dir}, {dir + "/bin/pip", "install", "-q", "huggingface_hub==" + hubVersion}} {
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, out)
		}
	}
	return dir + "/bin", nil
})

// A fetch is a bundle of recipes/hub.yaml, whose prefetch.sh is run on this machine and not on a node: those have no Python.
type fetch struct {
	t     *testing.T
	h     *hub
	where string // with the hub's cache and the token
	bin   string
}

func newFetch(t *testing.T) fetch {
	t.Helper()
	bin, err := hfBin()
	if err != nil {
		t.Skipf("hf can't be had: %v", err)
	}
	f := fetch{t, startHub(t), t.TempDir(), bin}
	recipe, err := os.ReadFile("recipes/hub.yaml")
	if err == nil {
		err = os.WriteFile(f.where+"/recipe.yaml", []byte(strings.NewReplacer("WHERE", f.where, "HUB", f.h.URL).Replace(string(recipe))), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.token(hubToken)
	if out, err := exec.Command("../bin/gen", f.where+"/recipe.yaml", "-o", f.where).CombinedOutput(); err != nil {
		t.Fatalf("gen: %v\n%s", err, out)
	}
	return f
}

func (f fetch) token(token string) {
	f.t.Helper()
	if err := os.WriteFile(f.where+"/token", []byte(token+"\n"), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// fetching is a prefetch.sh that goes on.
type fetching struct {
	*exec.Cmd
	f   fetch
	out bytes.Buffer
}

func (f fetch) start() *fetching {
	f.t.Helper()
	c := &fetching{Cmd: exec.Command(f.where + "/testbed-hub/prefetch.sh"), f: f}
	c.Env = []string{"PATH=" + f.bin + ":" + os.Getenv("PATH"), "HOME=" + f.where}
	c.Stdout, c.Stderr, c.SysProcAttr = &c.out, &c.out, &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.kill)
	return c
}

// kill ends it and all that it started, at once; its end is waited for by want.
func (c *fetching) kill() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // mostly it has ended

// want waits for its end and wants it to have gone well or not, and to say this.
func (c *fetching) want(well bool, words ...string) {
	c.f.t.Helper()
	err := c.Wait()
	if well != (err == nil) {
		c.f.t.Fatalf("it ended with %v:\n%s", err, c.out.String())
	}
	for _, w := range words {
		if !strings.Contains(c.out.String(), w) {
			c.f.t.Errorf("it does not say %q:\n%s", w, c.out.String())
		}
	}
}

// wantModel wants the model to be whole in the hub's cache, and its commit to be noted.
func (f fetch) wantModel() {
	f.t.Helper()
	for name, content := range f.h.files {
		got, err := os.ReadFile(f.snapshot(name))
		if err != nil || !bytes.Equal(got, content) {
			f.t.Errorf("%s has %d bytes and not the %d of the hub's (%v)", name, len(got), len(content), err)
		}
	}
	noted, err := os.ReadFile(f.where + "/testbed-hub/models.models")
	if words := strings.Split(string(noted), "\t"); err != nil || len(words) != 3 || words[0] != "maker/tiny" || words[1] != f.h.commit {
		f.t.Errorf("what is noted of the model is %q (%v)", noted, err)
	}
}

// prefetch.sh brings a model by the hub's real program from a stub of a hub: killed in the middle it leaves nothing that would be taken for
// the model, what it had whole is not brought again, a connection that breaks off goes on where it was, two at once bring each
// file once, and the commit is noted. Without the right token it says so.
func TestPrefetchFromAHub(t *testing.T) {
	t.Parallel()
	f := newFetch(t)

	f.token("hf_of_somebody")
	f.start().want(false, "bringing maker/tiny", "requires approval")
	f.token(hubToken)
	if asked := f.h.asked(); len(asked) > 0 {
		t.Errorf("without the right token it got %q", asked)
	}

	reached, killed := make(chan bool, 1), make(chan bool)
	f.h.next(func(w http.ResponseWriter, file string) bool {
		if file != weights {
			return false
		}
		f.h.begin(w, file)
		reached <- true
		<-killed
		return true
	})
	broken := f.start()
	<-reached
	if !within(patience, func() bool { _, err := os.Stat(f.snapshot("config.json")); return err == nil }) {
		t.Fatalf("config.json does not come:\n%s", broken.out.String())
	}
	broken.kill()
	broken.want(false)
	close(killed)
	if _, err := os.Stat(f.snapshot(weights)); err == nil {
		t.Error("killed in the middle it left the weights' name")
	}
	if noted, err := os.ReadFile(f.where + "/testbed-hub/models.models"); err == nil {
		t.Errorf("killed in the middle it noted %q", noted)
	}
	f.h.asked()

	var once sync.Once
	f.h.next(func(w http.ResponseWriter, file string) (answered bool) {
		if file == weights {
			once.Do(func() { f.h.begin(w, file); answered = true })
		}
		return answered
	})
	one, two := f.start(), f.start()
	one.want(true, "maker/tiny: "+f.h.commit, "all is there")
	two.want(true, "maker/tiny: "+f.h.commit, "all is there")
	if got, want := f.h.asked(), []string{weights, fmt.Sprintf("%s bytes=%d-", weights, piece)}; !slices.Equal(got, want) {
		t.Errorf("it asked for %q, want %q", got, want)
	}
	f.wantModel()
}

// snapshot is a file of the model in the hub's cache.
func (f fetch) snapshot(name string) string {
	return filepath.Join(f.where, "hub/hub/models--maker--tiny/snapshots", f.h.commit, name)
}
