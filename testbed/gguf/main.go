// Gguf writes a tiny llama model that says a fixed chain of words, for a real llama-server under test.
//
//	go run ./testbed/gguf [-loop] [-context N] OUT.gguf
//
// The attention and feed-forward outputs are zero, so what reaches the output layer is the last token's own
// embedding. Embeddings are rows of a Hadamard matrix, orthogonal to one another, and the output layer holds at
// row next(t) the embedding of t: the wanted token's logit is Peak, every other one's is 0. Whatever the prompt,
// the answer is the chain from its start; with -loop it never ends, so that any output length can be asked for.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

func run(args []string, stderr io.Writer) int {
	fs := flag.NewFlagSet("gguf", flag.ContinueOnError)
	fs.SetOutput(stderr)
	loop := fs.Bool("loop", false, "begin the chain anew where it would end")
	context := fs.Int("context", 4096, "tokens of context the model claims to know")
	if fs.Parse(args) != nil {
		return 2
	}
	if fs.NArg() != 1 {
		fmt.Fprintln(stderr, "usage: gguf [-loop] [-context N] OUT.gguf")
		return 2
	}
	if err := os.WriteFile(fs.Arg(0), newModel(*loop, *context).encode(), 0o644); err != nil {
		fmt.Fprintln(stderr, "gguf:", err)
		return 2
	}
	return 0
}
