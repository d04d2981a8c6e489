//go:build e2e

package testbed

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A pusher is a machine with internet whose prefetch.sh brings a bundle's files to the login node, into a directory with an awkward name.
type pusher struct {
	*bundle
	desk, key, cache string
	there            string // on the login node
	image            string // there, as this process sees it
}

func newPusher(t *testing.T) pusher {
	t.Helper()
	b, where := prefetchBundle(t)
	p := pusher{bundle: b, desk: b.nodes[0], key: where + "/desk/key", cache: where + "/cache", there: where + "/a $(touch pwned)'s"}
	p.image = outside(p.there + where + "/containers/ollama.sif")
	shell(t, "mkdir "+where+"/desk")
	letIn(t, p.desk, where+"/desk")
	startSSHD(t)
	return p
}

// push runs prefetch.sh --push and wants it to end with this status and to say these words.
func (p pusher) push(status int, words ...string) {
	p.t.Helper()
	c := startOn(p.t, p.desk, "export APPTAINER_NOHTTPS=1 APPTAINER_CACHEDIR="+p.cache+" PREFETCH_SSH='ssh -p 2222 -i "+p.key+"'; cd "+p.dir+
		" && ./prefetch.sh --push 'login:"+strings.ReplaceAll(p.there, "'", `'\''`)+"'")
	if got := c.wait(); got != status {
		p.t.Fatalf("status %d, want %d:\n%s", got, status, c.text())
	}
	for _, w := range words {
		if !c.says(w) {
			p.t.Errorf("it does not say %q:\n%s", w, c.text())
		}
	}
}

// breaks leaves, instead of the image, the beginning of a transfer of it.
func (p pusher) breaks(whole, begun []byte) {
	p.t.Helper()
	part := p.image + "." + strings.TrimPrefix(digestOf(whole), "sha256:") + ".part"
	err := os.Remove(p.image)
	if err == nil {
		err = os.WriteFile(part, begun, 0o644)
	}
	if err == nil {
		err = os.Chown(part, benchID, benchID)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// prefetch.sh --push brings all to one machine and from there over ssh to the cluster: what is there is not sent again, what is there
// in part goes on where it broke off, and what came wrong is not taken.
func TestPrefetchPush(t *testing.T) {
	startRegistry(t).push(t, "bench/ollama", "1", layer(t))
	p := newPusher(t)
	p.push(0, "from byte 0 on")
	whole := readFile(t, p.image)
	if got := pairs(t, strings.TrimPrefix(p.image, root)+".source")["sha256"]; "sha256:"+got != digestOf(whole) {
		t.Errorf("the image there is %s, want %s", digestOf(whole), got)
	}
	where := filepath.Dir(p.cache)
	if models, err := filepath.Glob(filepath.Join(outside(p.there+where), "store", "*")); err != nil || len(models) != 1 {
		t.Errorf("the store there has %v (%v), want one model", models, err)
	}
	if _, err := os.Stat(outside(where + "/containers")); err == nil {
		t.Errorf("it wrote to %s/containers of the machine that it ran on", where)
	}
	p.push(0, "login has ")

	p.breaks(whole, whole[:len(whole)/2])
	p.push(0, fmt.Sprintf("from byte %d on", len(whole)/2))
	if !bytes.Equal(readFile(t, p.image), whole) {
		t.Error("what went on in the middle is not the image")
	}
	p.breaks(whole, make([]byte, len(whole)/2))
	p.push(1, "came to login as something else")
	p.push(0, "from byte 0 on")
	if !bytes.Equal(readFile(t, p.image), whole) {
		t.Error("what came after a wrong one is not the image")
	}
	if found, _ := filepath.Glob(outside("/home/bench/pwned")); len(found) > 0 {
		t.Error("a directory's name was run")
	}
}
