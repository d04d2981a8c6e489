package main

import (
	"bytes"
	"slices"
	"testing"
)

// A word that stood twice in the chain would have two followers, and the model only knows one.
func TestChainRepeatsNoWord(t *testing.T) {
	words := slices.Sorted(slices.Values(chain))
	if n := len(slices.Compact(words)); n != len(chain) {
		t.Errorf("the chain has %d words, %d of them distinct", len(chain), n)
	}
}

// The output layer applied to a token's embedding must single out its follower.
func TestEachTokenHasOneFollower(t *testing.T) {
	for _, loop := range []bool{false, true} {
		v := newVocabulary(chain)
		next := v.followers(loop)
		e, out := embeddings(len(next)), outputs(next)
		for t1, want := range next {
			for t2 := range next {
				var logit float32
				for i := range width {
					logit += e[t1*width+i] * out[t2*width+i]
				}
				if got := logit > peak/2; got != (t2 == want) {
					t.Fatalf("loop %v: after %q the logit of %q is %v", loop, v.tokens[t1].text, v.tokens[t2].text, logit)
				}
			}
		}
	}
}

func TestLastWordEndsOrBeginsAnew(t *testing.T) {
	v := newVocabulary(chain)
	last := v.words[len(v.words)-1]
	if got := v.followers(false)[last]; got != eos {
		t.Errorf("after the last word comes token %d, not </s>", got)
	}
	if got := v.followers(true)[last]; got != v.words[0] {
		t.Errorf("with -loop, after the last word comes token %d, not the first word", got)
	}
}

func TestFileBeginsAsGGUFAndIsTheSameEachTime(t *testing.T) {
	a, b := newModel(true, 2048).encode(), newModel(true, 2048).encode()
	if !bytes.HasPrefix(a, []byte("GGUF\x03\x00\x00\x00")) {
		t.Errorf("the file begins with % x", a[:8])
	}
	if !bytes.Equal(a, b) {
		t.Error("two runs wrote different files")
	}
}
