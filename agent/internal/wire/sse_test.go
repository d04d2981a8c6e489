package wire

import (
	"slices"
	"testing"
)

// heard is the data of each event.
type heard []string

func (h *heard) event(data []byte, failed bool) { *h = append(*h, string(data)) }

// quickEvents is what the parser dispatches when the stream comes in pieces.
func quickEvents(b []byte, piece int) []string {
	var got heard
	var e events
	for p := range pieces(string(b), piece) {
		e.feed([]byte(p), &got)
	}
	return got
}

// slowEvents are the events of a stream whose end completes none, read slowly.
func slowEvents(b []byte) (events []string) {
	for _, e := range slowSSE(b).events {
		events = append(events, e.data)
	}
	return events
}

func TestEventsAsTheStandardHasThem(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		want         []string
	}{
		{"the standard's first example", "data: YHOO\ndata: +2\ndata: 10\n\n", []string{"YHOO\n+2\n10"}},
		{"its second", ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n", []string{"first event", "second event"}},
		{"its third", "data\n\ndata\ndata\n\ndata:\n", []string{"", "\n"}},
		{"its fourth", "data:test\n\ndata: test\n\n", []string{"test", "test"}},
		{"mark within", "data: a\n\n\xEF\xBB\xBFdata: b\n\n", []string{"a"}},
		{"LF after CR at the end of a piece", "data: a\r\n\r\ndata: b\r\n\r\n", []string{"a", "b"}},
	} {
		for piece := 1; piece < 30; piece++ {
			if got := quickEvents([]byte(c.stream), piece); !slices.Equal(got, c.want) {
				t.Errorf("%s in pieces of %d: %q, want %q", c.name, piece, got, c.want)
			}
		}
		if got := slowEvents([]byte(c.stream)); !slices.Equal(got, c.want) {
			t.Errorf("%s, slowly: %q, want %q", c.name, got, c.want)
		}
	}
}
