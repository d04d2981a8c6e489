package logs

import (
	"bytes"
	"os"
	"testing"
	"time"
)

func BenchmarkParser(b *testing.B) {
	for _, name := range []string{"vllm", "ollama", "llamacpp", "ray", "others"} {
		text, err := os.ReadFile("testdata/formats/" + name + ".log")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				p := NewParser(Source{File: "logs/x.log", Rank: -1}, testJob(), time.Time{}, nil)
				for _, line := range lines {
					p.Entry(line, "").JSON()
				}
			}
		})
	}
}
