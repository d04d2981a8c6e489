package submit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Where no port may be forwarded, a page is seen through commands of the place, a stream that goes on included.
func TestAPageThroughARelay(t *testing.T) {
	gone := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			fmt.Fprint(w, "the page")
			return
		}
		fmt.Fprintln(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	defer web.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	port, err := Relay(ctx, Here{}, 0, web.Listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	if !Answers(t.Context(), port) {
		t.Fatal("no answer")
	}
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	answer, err := http.Get(base + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "the page" {
		t.Errorf("%q, %v", text, err)
	}
	stream, err := http.Get(base + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || line != "first\n" {
		t.Errorf("%q, %v", line, err)
	}
	stream.Body.Close() // the other end is told of it
	<-gone
	if Answers(t.Context(), 1) {
		t.Error("a port that nobody has answers")
	}
}
