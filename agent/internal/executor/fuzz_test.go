package executor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hpcbench/agent/workload"
)

// said is a connection whose other end has said all that it will say.
type said struct {
	io.Reader
	answers bytes.Buffer
}

func (w *said) Write(b []byte) (int, error)      { return w.answers.Write(b) }
func (w *said) Close() error                     { return nil }
func (w *said) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 20106} }
func (w *said) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 66), Port: 40000} }
func (w *said) SetDeadline(time.Time) error      { return nil }
func (w *said) SetReadDeadline(time.Time) error  { return nil }
func (w *said) SetWriteDeadline(time.Time) error { return nil }

// Whatever a stranger sends, each answer is HTTP, has JSON where it is an error, and nothing of the token; no trial starts, and no
// file is made. A request with a token that is not the job's never passes.
func FuzzRequest(f *testing.F) {
	const secret = "5ec0e75ec0e75ec0e75ec0e75ec0e7aa"
	good, err := json.Marshal(assignment("http://127.0.0.1:1"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /health?challenge=abc HTTP/1.1\r\nHost: x\r\n\r\nGET /status HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /metrics HTTP/1.0\r\n\r\n",
		"GET /metrics/prometheus HTTP/1.1\r\nHost: x\r\nAccept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited\r\n\r\n",
		"POST /start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sesame\r\nContent-Length: 2\r\n\r\n{}",
		"POST /start HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \r\nContent-Length: 900\r\n\r\n" + string(good),
		"POST /stop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"POST /stop HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
		"POST /start HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 60\r\n\r\n--b\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nc\r\n--b--",
		"HEAD //start/../stop HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST http://other/start HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		if bytes.Contains(text, []byte(secret)) {
			t.Skip("it has the token")
		}
		var log bytes.Buffer
		e := New(Config{Token: secret, Out: dir, Node: "mel2001", Registry: prometheus.NewRegistry(), Log: slog.New(slog.NewJSONHandler(&log, nil))})
		conn := &said{Reader: bytes.NewReader(text)}
		_ = e.gate.Server(e.handle).ServeConn(conn) // its errors are the stranger's
		if s := conn.answers.String() + log.String(); strings.Contains(s, secret) {
			t.Errorf("the token is in %q", s)
		}
		if e.latest() != nil {
			t.Error("a trial was started")
		}
		if made, err := os.ReadDir(dir); err != nil || len(made) != 0 {
			t.Errorf("files were made: %v, %v", made, err)
		}
		wantAnswers(t, text, conn.answers.Bytes())
	})
}

// wantAnswers wants nothing but whole HTTP answers.
func wantAnswers(t *testing.T, request, answers []byte) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(answers))
	if bytes.Contains(request, []byte("HEAD")) || bytes.Contains(request, []byte("100-continue")) || bytes.Contains(request, []byte("100-Continue")) {
		return // an answer without a body, or one before the answer: which is which the bytes do not tell
	}
	for {
		if _, err := in.Peek(1); err == io.EOF {
			return
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%v: answers %q", err, answers)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%v: answers %q", err, answers)
		}
		var answer struct{ Error string }
		if resp.StatusCode >= 400 && (json.Unmarshal(body, &answer) != nil || answer.Error == "") {
			t.Errorf("status %d without a reason: %q", resp.StatusCode, body)
		}
	}
}

// Whatever comes with the token, an assignment is understood whole or refused, and names a directory of its own below the results.
func FuzzStart(f *testing.F) {
	good, err := json.Marshal(assignment("http://127.0.0.1:1"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, seed := range []string{
		`{"schema":1}`, `{"schema":1e0,"trial":{"schema":1,"trial":"..","workload":{}}}`, `[]`, `null`, `{"schema":1,"SCHEMA":1}`,
		strings.Replace(string(good), `"0001"`, `"0001/../../x"`, 1), strings.Replace(string(good), `"part":0`, `"part":-1,"parts":0`, 1),
		strings.Replace(string(good), `"concurrency":4`, `"rate":1e308,"arrival":"poisson"`, 1),
		strings.Replace(string(good), `"input_tokens":8`, `"input_tokens":9223372036854775807`, 1),
		strings.Replace(string(good), "http://127.0.0.1:1", "http://user:pass@[::1%25lo]:99999/?a#b", 1),
		strings.Replace(string(good), `"concurrency":4`, `"search":{},"concurrency":4`, 1),
	} {
		f.Add([]byte(seed))
	}
	e := New(Config{Token: token, Out: "results/4711", Node: "mel2001", Registry: prometheus.NewRegistry()})
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := decode(text)
		if err != nil || long(a.Trial.Workload) {
			return
		}
		if err := e.check(a); err != nil {
			return
		}
		dir := Dir(a)
		if strings.Contains(dir, "..") && strings.Contains("/"+dir+"/", "/../") || strings.HasPrefix(dir, "/") || !strings.HasSuffix(dir, "/mel2001") {
			t.Errorf("its files would lie in %q", dir)
		}
		w := a.Trial.Workload
		if w.Dataset == "" && w.Trace == "" && w.Tokenizer == "" && w.APIKeyFile == "" { // files of this machine are not read
			_, _ = prepare(a)
		}
	})
}

// long reports whether to reckon through a workload would take longer than a fuzzer has. load has a limit of its own.
func long(w workload.Workload) bool {
	fastest := w.Rate
	if w.Ramp != nil {
		fastest = max(fastest, w.Ramp.From, w.Ramp.To)
	}
	for _, s := range w.Steps {
		fastest = max(fastest, s.Rate)
	}
	return fastest*max(1, w.WarmupS, w.MinDurationS) > 1e4 || w.Requests > 1e5 || w.Concurrency > 1e5
}
