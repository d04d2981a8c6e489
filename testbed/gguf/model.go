package main

import "math/bits"

// The model's shape. Width must be a power of two and hold one orthogonal row for each token.
const (
	width  = 512
	layers = 2
	heads  = 4
	hidden = 64  // of the feed-forward part
	peak   = 32. // logit of the wanted token; of any other: 0
)

type tensor struct {
	name   string
	shape  []int // the fastest index first, as GGUF has it
	values []float32
}

type model struct {
	vocabulary *vocabulary
	context    int
	tensors    []tensor
}

func newModel(loop bool, context int) *model {
	v := newVocabulary(chain)
	if len(v.tokens) > width {
		panic("the chain's vocabulary is larger than the model is wide")
	}
	m := &model{vocabulary: v, context: context}
	m.add("token_embd.weight", embeddings(len(v.tokens)), width, len(v.tokens))
	for i := range layers {
		m.addLayer("blk." + string(rune('0'+i)) + ".")
	}
	m.add("output_norm.weight", ones(), width)
	m.add("output.weight", outputs(v.followers(loop)), width, len(v.tokens))
	return m
}

func (m *model) add(name string, values []float32, shape ...int) {
	m.tensors = append(m.tensors, tensor{name, shape, values})
}

// addLayer adds a layer that computes and adds nothing: its two outputs are zero.
func (m *model) addLayer(prefix string) {
	square, wide := noise(width*width), noise(width*hidden)
	m.add(prefix+"attn_norm.weight", ones(), width)
	m.add(prefix+"attn_q.weight", square, width, width)
	m.add(prefix+"attn_k.weight", square, width, width)
	m.add(prefix+"attn_v.weight", square, width, width)
	m.add(prefix+"attn_output.weight", make([]float32, width*width), width, width)
	m.add(prefix+"ffn_norm.weight", ones(), width)
	m.add(prefix+"ffn_gate.weight", wide, width, hidden)
	m.add(prefix+"ffn_up.weight", wide, width, hidden)
	m.add(prefix+"ffn_down.weight", make([]float32, hidden*width), hidden, width)
}

// embeddings are the first n rows of the Hadamard matrix: entries ±1, rows orthogonal. Their norm is that of the
// final RMS normalisation, which so changes nothing.
func embeddings(n int) []float32 {
	rows := make([]float32, 0, n*width)
	for t := range n {
		for i := range width {
			rows = append(rows, 1-2*float32(bits.OnesCount(uint(t&i))&1))
		}
	}
	return rows
}

// outputs adds to the row of each token the embeddings of those that it follows.
func outputs(next []int) []float32 {
	rows := make([]float32, len(next)*width)
	e := embeddings(len(next))
	for t, n := range next {
		for i := range width {
			rows[n*width+i] += peak / width * e[t*width+i]
		}
	}
	return rows
}

func ones() []float32 {
	v := make([]float32, width)
	for i := range v {
		v[i] = 1
	}
	return v
}

// noise is small values of no meaning, the same on every machine.
func noise(n int) []float32 {
	v := make([]float32, n)
	state := uint32(1)
	for i := range v {
		state = state*1664525 + 1013904223
		v[i] = (float32(state>>8)/(1<<24) - 0.5) / 25
	}
	return v
}
