package record

import (
	"fmt"
	"io"
	"testing"
)

// BenchmarkWrite is what a line costs, of an answer without gaps and with 15 (make bench).
func BenchmarkWrite(b *testing.B) {
	for _, gaps := range []int{0, 15} {
		b.Run(fmt.Sprint("gaps=", gaps), func(b *testing.B) {
			w := NewWriter(io.Discard, Header{Schema: Schema})
			r := &Record{
				ID: 12345, Phase: Measure, Scheduled: 12.345678901, Sent: 12.345679123, FirstToken: 12.365, FirstAnswer: 12.365, LastToken: 12.5, Done: 12.500001,
				Outcome: OK, Status: 200, PromptTokens: 128, OutputTokens: gaps + 1, TokenSource: Usage, Bytes: 3000, Batch: -1,
				ServerLoad: Unknown, ServerPrompt: Unknown, ServerDecode: Unknown,
			}
			for range gaps {
				r.Gaps = append(r.Gaps, 0.009123)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(appendRecord(nil, r, r.Gaps))))
			for b.Loop() {
				if err := w.Write(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
