package loop

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"hpcbench/agent/internal/record"
	"hpcbench/agent/workload"
)

// alone runs test in a process of its own, with the attributes given, so that it may change what all of a process shares.
func alone(t *testing.T, attr *syscall.SysProcAttr, test func(t *testing.T)) {
	t.Helper()
	const mark = "HPCBENCH_TEST_ALONE"
	if os.Getenv(mark) == t.Name() {
		test(t)
		return
	}
	self := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	self.Env, self.SysProcAttr = append(os.Environ(), mark+"="+t.Name()), attr
	out, err := self.CombinedOutput()
	switch {
	case attr != nil && attr.Cloneflags != 0 && (os.IsPermission(err) || strings.Contains(fmt.Sprint(err), "operation not permitted")):
		t.Skipf("a namespace of its own: %v", err)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	case err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Errorf("%v\n%s", err, out)
	}
}

// loopback brings up the loopback device of a new network namespace (netdevice(7)).
func loopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{name: [16]byte{'l', 'o'}, flags: syscall.IFF_UP}
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); e != 0 {
		return e
	}
	return nil
}

func TestLocalPortsThatRunOutAreCounted(t *testing.T) {
	alone(t, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}, func(t *testing.T) {
		if err := loopback(); err != nil {
			t.Skipf("the new namespace's loopback: %v", err)
		}
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40000 40009"), 0o644); err != nil {
			t.Skipf("its ports: %v", err)
		}
		held := make(chan struct{})
		url := "http://" + raw(t, "tcp", "127.0.0.1:8000", func(net.Conn, int, int) bool { <-held; return false }).String()
		w := workload.Workload{Dialect: "openai-chat", Stream: true, Rate: 1000, Arrival: "constant", Requests: 30, DurationS: 0.3}
		a := assignment(w, url)
		a.Trial.Workload.DrainS = 0.1
		records, facts := run(t, a, Options{})
		close(held)
		refused := 0
		for _, r := range records {
			if r.Outcome == record.Refused && strings.Contains(r.Error, "no local port is left") {
				refused++
			}
		}
		if refused != 20 || facts.ConnErrors != 20 || facts.Ports != 10 {
			t.Errorf("%d refused, %d counted, of 30 requests with %d ports", refused, facts.ConnErrors, facts.Ports)
		}
	})
}

// good counts the requests that ended ok.
func good(records []record.Record) (n int) {
	for _, r := range records {
		if r.Outcome == record.OK {
			n++
		}
	}
	return n
}

// fewFiles lets the process open no more than so many.
func fewFiles(t *testing.T, n uint64) {
	t.Helper()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatRunOutInAnOpenLoopAreCounted(t *testing.T) {
	alone(t, nil, func(t *testing.T) {
		held := make(chan struct{})
		url := "http://" + raw(t, "tcp", "127.0.0.1:0", func(net.Conn, int, int) bool { <-held; return false }).String()
		fewFiles(t, 60)
		w := workload.Workload{Dialect: "openai-chat", Stream: true, Rate: 1000, Arrival: "constant", Requests: 100, DurationS: 0.3}
		a := assignment(w, url)
		a.Trial.Workload.DrainS = 0.1
		_, facts := run(t, a, Options{})
		close(held)
		if facts.ConnErrors < 50 || facts.ConnErrors+facts.Connections < 100 {
			t.Errorf("%d connection errors beside %d connections, of 100 requests with 60 files", facts.ConnErrors, facts.Connections)
		}
	})
}

func TestMoreInFlightThanFilesIsAnErrorBeforeTheFirstRequest(t *testing.T) {
	alone(t, nil, func(t *testing.T) {
		var seen atomic.Int64
		web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
		defer web.Close()
		fewFiles(t, 300)
		for name, w := range map[string]workload.Workload{
			"closed loop":  {Concurrency: 1000, Requests: 2000},
			"batches":      {Concurrency: 1000, Requests: 2000, Batch: 4},
			"cap":          {Rate: 10, Arrival: "constant", Concurrency: 400, Requests: 5},
			"fasthttp too": {Concurrency: 1000, Requests: 2000},
		} {
			w.Dialect, w.InputTokens, w.MaxTokens = "openai-chat", 3, 3
			a, url := assignment(w, web.URL), web.URL
			if name == "fasthttp too" {
				url = "https://127.0.0.1:1"
			}
			a.Endpoints = []string{url}
			_, err := Run(t.Context(), a, Options{}, func(*record.Record) { t.Error("a record") })
			if err == nil || !strings.Contains(err.Error(), "may have 300") || !strings.Contains(err.Error(), "ulimit -n") || seen.Load() > 0 {
				t.Errorf("%s: %v; the server saw %d requests", name, err, seen.Load())
			}
		}
		a := assignment(workload.Workload{Dialect: "openai-chat", Concurrency: 1000, Requests: 1, InputTokens: 3, MaxTokens: 3}, web.URL)
		a.Part, a.Parts = 1, 10 // a tenth of them is within the limit
		if _, err := Run(t.Context(), a, Options{}, func(*record.Record) {}); err != nil {
			t.Errorf("a share of 100 of them: %v", err)
		}
	})
}

func TestConnectionsAreKeptForSoManyRequests(t *testing.T) {
	both(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		for most, want := range map[int]int64{0: 2, 1: 24, 5: 5, 100: 2} {
			s := &server{ids: map[string]string{}}
			web := serve(s)
			w := workload.Workload{Dialect: "openai-chat", Stream: true, Concurrency: 2, Requests: 24, ConnRequests: most, MaxTokens: 3, InputTokens: 5}
			records, facts := run(t, assignment(w, web.URL), Options{Insecure: true})
			web.Close()
			// Two slots share 24 requests, and one may do more of them than the other.
			if good(records) != 24 || facts.Connections < want || facts.Connections > want+1 || facts.Broken+facts.Resent > 0 {
				t.Errorf("%d requests a connection: %d ok, %d connections, want %d; %d broken, %d sent again",
					most, good(records), facts.Connections, want, facts.Broken, facts.Resent)
			}
		}
	})
}

func TestAnIdleConnectionGivesWayWhereFilesRunOut(t *testing.T) {
	alone(t, nil, func(t *testing.T) {
		listen := func() string {
			return "http://" + raw(t, "tcp", "127.0.0.1:0", func(net.Conn, int, int) bool { return false }).String()
		}
		e, err := newEngine(t.Context(), assignment(one(1), listen(), listen()), Options{Zero: time.Now(), Observe: new(Live)})
		if err != nil {
			t.Fatal(err)
		}
		th, err := newThread(e, 0, 1, newOutlet(1))
		if err != nil {
			t.Fatal(err)
		}
		defer th.close()
		idle, err := th.connect(0)
		if err != nil {
			t.Fatal(err)
		}
		th.rest(idle)
		fewFiles(t, 200)
		for f, err := os.Open("/dev/null"); err == nil; f, err = os.Open("/dev/null") {
			defer f.Close()
		}
		r := th.machine.Next(e.now())
		r.Endpoint = 1
		th.dispatch(r)
		if th.starved > 0 || len(th.idle[0]) > 0 || th.opened != 2 || th.conns[r.Tag].endpoint != 1 {
			t.Errorf("%d starved, %d idle, %d opened, the request's at endpoint %d", th.starved, len(th.idle[0]), th.opened, th.conns[r.Tag].endpoint)
		}
	})
}
