//go:build e2e

package testbed

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A registry is Debian's docker-registry on the login node, without TLS.
type registry struct{ url string }

// startRegistry starts one on port 5005, with nothing in it; it ends with the test.
func startRegistry(t *testing.T) registry {
	t.Helper()
	dir := "/srv/jobs/" + t.Name() + "-registry"
	if err := os.RemoveAll(outside(dir)); err != nil {
		t.Fatal(err)
	}
	shell(t, "mkdir "+dir)
	writeFile(t, dir+"/registry.yml", "version: 0.1\nstorage: {filesystem: {rootdirectory: "+dir+"/registry}}\nhttp: {addr: ':5005'}\n")
	c := startOn(t, "login", "echo $$ >"+dir+"/pid; exec docker-registry serve "+dir+"/registry.yml")
	t.Cleanup(func() { on(t, "login", "kill", "-KILL", strings.TrimSpace(string(readFile(t, outside(dir+"/pid"))))) })
	r := registry{"http://login:5005"}
	c.until("registry", func() bool {
		resp, err := loginHTTP.Get(strings.Replace(r.url, "login", "10.87.0.11", 1) + "/v2/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == 200
	})
	return r
}

// send sends a request and wants this status; it gives the answer's Location.
func (r registry) send(t *testing.T, method, page, kind string, body []byte, want int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, strings.Replace(page, "login", "10.87.0.11", 1), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := loginHTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		t.Fatalf("%s %s: %s %s", method, page, resp.Status, text)
	}
	return resp.Header.Get("Location")
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// blob puts content into a repository and gives its descriptor.
func (r registry) blob(t *testing.T, name, kind string, content []byte) map[string]any {
	t.Helper()
	at := r.send(t, "POST", r.url+"/v2/"+name+"/blobs/uploads/", "", nil, 202)
	r.send(t, "PUT", at+"&digest="+digestOf(content), "application/octet-stream", content, 201)
	return map[string]any{"mediaType": kind, "digest": digestOf(content), "size": len(content)}
}

// push makes an image of one layer, by the registry's HTTP API, and gives the digest of its manifest.
func (r registry) push(t *testing.T, name, tag string, layer []byte) string {
	t.Helper()
	plain := sha256.New()
	unzipped, err := gzip.NewReader(bytes.NewReader(layer))
	if err == nil {
		_, err = io.Copy(plain, unzipped)
	}
	if err != nil {
		t.Fatal(err)
	}
	const docker = "application/vnd.docker."
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, plain.Sum(nil))
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": docker + "distribution.manifest.v2+json",
		"config": r.blob(t, name, docker+"container.image.v1+json", []byte(config)),
		"layers": []any{r.blob(t, name, docker+"image.rootfs.diff.tar.gzip", layer)},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.send(t, "PUT", r.url+"/v2/"+name+"/manifests/"+tag, docker+"distribution.manifest.v2+json", manifest, 201)
	return digestOf(manifest)
}

// layer is the file system of an image with bash, BusyBox, an agent and the stub of Ollama, and with something that can't be
// compressed, so that it takes a while to bring.
func layer(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	add := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		err := w.WriteHeader(&h)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"bin", "usr/bin", "lib/x86_64-linux-gnu", "lib64", "etc", "tmp", "proc", "sys", "dev", "root", "home", "run", "var/tmp", "opt", "srv", "store"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}, nil)
	}
	busybox := run(t, "as", "bench", "login", "apptainer", "-q", "exec", "/srv/images/dummy.sif", "cat", "/bin/busybox")
	add(tar.Header{Name: "bin/busybox", Mode: 0o755}, []byte(busybox))
	for _, name := range strings.Fields("sh sed grep cut head cat sha256sum tail mkdir env sleep mv rm tr") {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: "bin/" + name, Linkname: "busybox"}, nil)
	}
	for to, from := range map[string]string{
		"bin/bash": "/usr/bin/bash", "lib/x86_64-linux-gnu/libtinfo.so.6": "/usr/lib/x86_64-linux-gnu/libtinfo.so.6",
		"lib/x86_64-linux-gnu/libc.so.6": "/usr/lib/x86_64-linux-gnu/libc.so.6", "lib64/ld-linux-x86-64.so.2": "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
		"opt/agent": "/opt/hpcbench/bin/agent",
	} {
		add(tar.Header{Name: to, Mode: 0o755}, readFile(t, outside(from)))
	}
	add(tar.Header{Name: "usr/bin/ollama", Mode: 0o755}, readFile(t, "ollama-stub"))
	add(tar.Header{Name: "etc/passwd", Mode: 0o644}, []byte("root:x:0:0:root:/root:/bin/sh\n"))
	noise := make([]byte, 24<<20)
	_, _ = rand.Read(noise) // it never fails
	add(tar.Header{Name: "opt/noise", Mode: 0o644}, noise)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// prefetchBundle is a bundle of recipes/prefetch.yaml, all of whose files lie below a fresh directory of the test's.
func prefetchBundle(t *testing.T) (b *bundle, where string) {
	t.Helper()
	where = "/srv/jobs/" + t.Name() + "-files"
	if err := os.RemoveAll(outside(where)); err != nil {
		t.Fatal(err)
	}
	shell(t, "mkdir -p "+where+"/store")
	return compileText(t, "prefetch", 1, func(text string, _ []string) string { return strings.ReplaceAll(text, "WHERE", where) }), where
}

// pairs reads a file of keys and values with tabs between.
func pairs(t *testing.T, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(string(readFile(t, outside(path)))) {
		words := strings.Split(strings.TrimSpace(line), "\t")
		all[words[0]] = words[1]
	}
	return all
}

// prefetch.sh against a real registry: killed in the middle it leaves no image; two at once bring it once, atomically; what the
// name stood for is noted beside it, and the model's version; the job's account has both. Not t.Parallel: its ports are fixed.
func TestPrefetch(t *testing.T) {
	r := startRegistry(t)
	want := r.push(t, "bench/ollama", "1", layer(t))
	b, where := prefetchBundle(t)
	image := where + "/containers/ollama.sif"
	line := "export APPTAINER_NOHTTPS=1 APPTAINER_CACHEDIR=" + where + "/cache; cd " + b.dir + "; "

	killed := startOn(t, "login", line+"echo $$ >"+where+"/pid; exec setsid ./prefetch.sh")
	killed.until("pull", func() bool { return killed.says("pulling docker://login:5005/bench/ollama:1 (" + want + ")") })
	on(t, "login", "pkill", "-KILL", "-f", "apptainer pull --force "+image)
	if status := killed.wait(); status == 0 {
		t.Errorf("killed in the middle it says that all is well:\n%s", killed.text())
	}
	if _, err := os.Stat(outside(image)); err == nil {
		t.Errorf("killed in the middle it left %s:\n%s", image, killed.text())
	}

	one, two := startOn(t, "login", line+"./prefetch.sh"), startOn(t, "login", line+"./prefetch.sh")
	for _, c := range []*command{one, two} {
		if status := c.wait(); status != 0 || !c.says("all is there") {
			t.Fatalf("status %d:\n%s", status, c.text())
		}
	}
	if one.says("pulling ") == two.says("pulling ") {
		t.Errorf("of two at once not one brought the image:\n%s\n%s", one.text(), two.text())
	}
	source := pairs(t, image+".source")
	if sum := digestOf(readFile(t, outside(image))); source["digest"] != want || "sha256:"+source["sha256"] != sum {
		t.Errorf("%s.source is %v, want the digest %s and the image's own, %s", image, source, want, sum)
	}
	version := pairs(t, image+".models")["tiny"]
	if !strings.HasPrefix(version, "sha256-") {
		t.Errorf("the model's version is %q", version)
	}
	if left, err := filepath.Glob(outside(where) + "/containers/*.part"); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}

	j := b.submit()
	j.wait(completed)
	var account struct {
		Images []struct{ Digest, Remote string }
		Facts  map[string]string
	}
	readJSON(t, j.path("job.json"), &account)
	if len(account.Images) != 1 || account.Images[0].Digest != want || account.Facts["model tiny"] != version {
		t.Errorf("job.json has %+v, want the digest %s and the version %s", account, want, version)
	}
}
