package main

import (
	"bytes"
	"encoding/binary"
)

// Types of values in GGUF's metadata (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
const (
	typeUint32  = 4
	typeInt32   = 5
	typeFloat32 = 6
	typeBool    = 7
	typeString  = 8
	typeArray   = 9
)

const alignment = 32 // of each tensor's data

// file is a GGUF file, version 3, little endian, as it is written.
type file struct {
	bytes.Buffer
	keys uint64
}

func (f *file) put(values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			f.put(uint64(len(s)))
			f.WriteString(s)
			continue
		}
		if err := binary.Write(f, binary.LittleEndian, v); err != nil {
			panic(err) // a type that has no fixed size: a mistake of ours
		}
	}
}

// key writes one pair of the metadata: value is a uint32, float32, bool, string, []string, []float32 or []int32.
func (f *file) key(name string, value any) {
	f.keys++
	f.put(name)
	switch v := value.(type) {
	case uint32:
		f.put(uint32(typeUint32), v)
	case float32:
		f.put(uint32(typeFloat32), v)
	case bool:
		f.put(uint32(typeBool), v)
	case string:
		f.put(uint32(typeString), v)
	case []string:
		f.put(uint32(typeArray), uint32(typeString), uint64(len(v)))
		for _, s := range v {
			f.put(s)
		}
	case []float32:
		f.put(uint32(typeArray), uint32(typeFloat32), uint64(len(v)), v)
	case []int32:
		f.put(uint32(typeArray), uint32(typeInt32), uint64(len(v)), v)
	}
}

func (f *file) pad() { f.Write(make([]byte, -f.Len()&(alignment-1))) }

// encode gives the model as a GGUF file: header, metadata, the tensors' table and their data.
func (m *model) encode() []byte {
	var meta, out file
	m.metadata(&meta)
	out.WriteString("GGUF")
	out.put(uint32(3), uint64(len(m.tensors)), meta.keys)
	out.Write(meta.Bytes())
	var data file
	for _, t := range m.tensors {
		out.put(t.name, uint32(len(t.shape)))
		for _, n := range t.shape {
			out.put(uint64(n))
		}
		out.put(uint32(0), uint64(data.Len())) // 0: float32
		data.put(t.values)
		data.pad()
	}
	out.pad()
	out.Write(data.Bytes())
	return out.Bytes()
}

func (m *model) metadata(f *file) {
	var texts []string
	var scores []float32
	var kinds []int32
	for _, t := range m.vocabulary.tokens {
		texts, scores, kinds = append(texts, t.text), append(scores, t.score), append(kinds, t.kind)
	}
	f.key("general.architecture", "llama")
	f.key("general.name", "hpcbench-chain")
	f.key("general.file_type", uint32(0))
	f.key("general.alignment", uint32(alignment))
	f.key("llama.vocab_size", uint32(len(texts)))
	f.key("llama.context_length", uint32(m.context))
	f.key("llama.embedding_length", uint32(width))
	f.key("llama.block_count", uint32(layers))
	f.key("llama.feed_forward_length", uint32(hidden))
	f.key("llama.attention.head_count", uint32(heads))
	f.key("llama.attention.head_count_kv", uint32(heads))
	f.key("llama.attention.layer_norm_rms_epsilon", float32(1e-5))
	f.key("llama.rope.dimension_count", uint32(width/heads))
	f.key("tokenizer.ggml.model", "llama")
	f.key("tokenizer.ggml.pre", "default")
	f.key("tokenizer.ggml.tokens", texts)
	f.key("tokenizer.ggml.scores", scores)
	f.key("tokenizer.ggml.token_type", kinds)
	f.key("tokenizer.ggml.bos_token_id", uint32(bos))
	f.key("tokenizer.ggml.eos_token_id", uint32(eos))
	f.key("tokenizer.ggml.unknown_token_id", uint32(unk))
	f.key("tokenizer.ggml.add_bos_token", true)
	f.key("tokenizer.ggml.add_eos_token", false)
	// Without a template of its own a model gets one made of many more tokens than the message.
	f.key("tokenizer.chat_template", "{% for m in messages %}{{ m['content'] }}{% endfor %}")
}
