package token

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ggufFile writes metadata as a GGUF file, version 3, and something after it that must not be read.
type ggufFile struct {
	bytes.Buffer
	keys uint64
}

func (g *ggufFile) put(values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			g.put(uint64(len(s)))
			g.WriteString(s)
			continue
		}
		if err := binary.Write(g, binary.LittleEndian, v); err != nil {
			panic(err) // a type without a fixed size
		}
	}
}

func (g *ggufFile) key(name string, value any) {
	g.keys++
	g.put(name)
	switch v := value.(type) {
	case uint32:
		g.put(uint32(ggufUint32), v)
	case bool:
		g.put(uint32(ggufBool), v)
	case string:
		g.put(uint32(ggufString), v)
	case []string:
		g.put(uint32(ggufArray), uint32(ggufString), uint64(len(v)))
		for _, s := range v {
			g.put(s)
		}
	case []float32:
		g.put(uint32(ggufArray), uint32(ggufFloat32), uint64(len(v)), v)
	case []int32:
		g.put(uint32(ggufArray), uint32(ggufInt32), uint64(len(v)), v)
	case []uint8:
		g.put(uint32(ggufArray), uint32(ggufUint8), uint64(len(v)), v)
	}
}

func (g *ggufFile) bytes() []byte {
	var all ggufFile
	all.WriteString(magic)
	all.put(uint32(3), uint64(1), g.keys)
	all.Write(g.Bytes())
	all.WriteString("weights")
	return all.Bytes()
}

// asGGUF is a tokenizer.json of testdata as a GGUF file.
func asGGUF(t *testing.T, name string) *ggufFile {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	tokens, kinds, scores := make([]string, len(f.Model.Vocab)), make([]int32, len(f.Model.Vocab)), make([]float32, len(f.Model.Vocab))
	for text, id := range f.Model.Vocab {
		tokens[id], kinds[id], scores[id] = text, 1, -1e6
	}
	for _, a := range f.Added {
		kinds[a.ID] = controlToken
	}
	var merges []string
	for rank, m := range f.Model.Merges {
		merges = append(merges, m[0]+" "+m[1])
		if id := f.Model.Vocab[m[0]+m[1]]; scores[id] == -1e6 {
			scores[id] = -float32(rank)
		}
	}
	var g ggufFile
	g.key("general.architecture", "llama")
	g.key("general.tags", []string{"passed", "over"})
	g.key("tokenizer.chat_template", "{{ x }}")
	g.key("tokenizer.ggml.tokens", tokens)
	g.key("tokenizer.ggml.token_type", kinds)
	g.key("tokenizer.ggml.some_bytes", []uint8{1, 2, 3})
	if name == "pieces" {
		g.key("tokenizer.ggml.model", "llama")
		g.key("tokenizer.ggml.scores", scores)
		g.key("tokenizer.ggml.unknown_token_id", uint32(0))
	} else {
		g.key("tokenizer.ggml.model", "gpt2")
		g.key("tokenizer.ggml.pre", map[string]string{"bytes": "llama-bpe", "tiny": "gpt-2"}[name])
		g.key("tokenizer.ggml.merges", merges)
	}
	return &g
}

func TestAVocabularyInAGGUFSaysTheSame(t *testing.T) {
	for _, name := range []string{"bytes", "pieces", "tiny"} {
		path := filepath.Join(t.TempDir(), name+".gguf")
		if err := os.WriteFile(path, asGGUF(t, name).bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		compare(t, path, "testdata/"+name+".jsonl")
	}
}

func TestBrokenGGUFFilesAreErrorsThatSayWhere(t *testing.T) {
	whole := asGGUF(t, "tiny").bytes()
	for n := 4; n < len(whole)-len("weights"); n++ {
		if _, err := readGGUF(bytes.NewReader(whole[:n])); err == nil || !strings.Contains(err.Error(), "the file ends in the middle") {
			t.Fatalf("cut after %d bytes of %d: %v", n, len(whole), err)
		}
	}
	edit := func(at int, b ...byte) []byte { return slices.Concat(whole[:at], b, whole[at+len(b):]) }
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"version":       {edit(4, 1, 0, 0, 0), "version 1: versions 2 and 3"},
		"big-endian":    {edit(4, 0, 0, 0, 3), "version 50331648"},
		"keys":          {edit(16, huge...), "byte 24: 9223372036854775807 keys"},
		"name":          {edit(24, huge...), "byte 32: a string of 9223372036854775807 bytes"},
		"type":          {edit(24+8+len("general.architecture"), 99), "unknown type 99"},
		"value":         {edit(24+8+len("general.architecture")+4, huge...), "longer than 256 MiB"},
		"no vocabulary": {(&ggufFile{}).bytes(), "no vocabulary in its metadata"},
	} {
		if _, err := readGGUF(bytes.NewReader(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestWhatIsNotKnownOfAGGUFIsNamed(t *testing.T) {
	for want, keys := range map[string]map[string]any{
		`tokenizer.ggml.model is "t5"`:                    {"model": "t5"},
		`tokenizer.ggml.model is ""`:                      {},
		`tokenizer.ggml.pre is "viking", which is not kn`: {"model": "gpt2", "pre": "viking"},
		"no merges in its metadata":                       {"model": "gpt2", "pre": "gpt-2"},
		`the merge "ab": want two tokens`:                 {"model": "gpt2", "pre": "gpt-2", "merges": []string{"ab"}},
		`merge 1, "a" and "c": they or`:                   {"model": "gpt2", "pre": "gpt-2", "merges": []string{"a c"}},
		"tokenizer.ggml.scores has 1 elements":            {"model": "llama", "scores": []float32{1}},
		"tokenizer.ggml.token_type has 1 elements":        {"model": "llama", "scores": []float32{1, 2}, "token_type": []int32{1}},
	} {
		var g ggufFile
		g.key("tokenizer.ggml.tokens", []string{"a", "b"})
		for k, v := range keys {
			g.key("tokenizer.ggml."+k, v)
		}
		if _, err := readGGUF(bytes.NewReader(g.bytes())); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", keys, err, want)
		}
	}
}

func FuzzReadGGUF(f *testing.F) {
	var g ggufFile
	g.key("tokenizer.ggml.tokens", []string{"a", "b", "ab", "<0x0A>"})
	g.key("tokenizer.ggml.model", "llama")
	g.key("tokenizer.ggml.scores", []float32{1, 2, 3, 4})
	f.Add(g.bytes())
	g.key("tokenizer.ggml.model", "gpt2")
	g.key("tokenizer.ggml.pre", "qwen2")
	g.key("tokenizer.ggml.merges", []string{"a b"})
	f.Add(g.bytes())
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if tok, err := readGGUF(bytes.NewReader(text)); err == nil {
			encodes(t, tok)
		}
	})
}

// encodes wants a tokenizer to end, with ids that it has.
func encodes(t *testing.T, tok *Tokenizer) {
	t.Helper()
	for _, text := range []string{"", "a ab b\n\nxy 12 ü\xff", strings.Repeat("ab", 500)} {
		ids, err := tok.Encode(nil, text)
		for _, id := range ids {
			if err == nil && (id < 0 || int(id) >= tok.Size()) {
				t.Fatalf("the id %d of %d", id, tok.Size())
			}
		}
	}
}
