package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// law is what a server does with each request.
type law struct {
	ttft, itl time.Duration
	together  int    // tokens that share a write; 0: 1
	truth     string // file; empty: none
	core      string // CPUs it may use, as taskset wants them; empty: all
}

// The kinds of servers.
const (
	dummy = "dummy" // agent dummy, on fasthttp
	epoll = "epoll" // package server: one thread and one epoll set
)

var kinds = []string{dummy, epoll}

// running is a server that runs.
type running struct {
	kind, url string
	cmd       *exec.Cmd
	ended     chan error
}

// start starts a server on a free port of an address, and returns when it answers.
func (b *bench) start(kind, ip string, l law) (*running, error) {
	ln, err := net.Listen("tcp4", ip+":0")
	if err != nil {
		return nil, err
	}
	address := ln.Addr().String()
	_ = ln.Close()
	args := []string{b.agent, "dummy"}
	if kind == epoll {
		args = []string{b.self, "serve"}
	}
	if l.core != "" {
		args = append([]string{"taskset", "-c", l.core}, args...)
	}
	args = append(args, "--listen", address, "--ttft", l.ttft.String(), "--itl", l.itl.String(), "--tokens-per-write", fmt.Sprint(max(1, l.together)))
	if l.truth != "" {
		args = append(args, "--truth", l.truth)
	}
	cmd := exec.CommandContext(context.WithoutCancel(b.ctx), args[0], args[1:]...)
	s := &running{kind: kind, url: "http://" + address, cmd: cmd, ended: make(chan error, 1)}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- cmd.Wait() }() // stop receives it
	for range 500 {
		if _, _, err = s.count(); err == nil {
			return s, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("the server %s does not answer: %w", kind, err), s.stop())
}

// stop ends it, and returns when its truth is written.
func (s *running) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stopping the server %s: %w", s.kind, err)
	}
	if err := <-s.ended; err != nil {
		return fmt.Errorf("the server %s: %w", s.kind, err)
	}
	return nil
}

// count is how many requests it got and tokens it wrote so far.
func (s *running) count() (requests, tokens int64, err error) {
	path := "/stats"
	if s.kind == dummy {
		path = "/metrics"
	}
	text, err := page(s.url + path)
	if err != nil {
		return 0, 0, err
	}
	if s.kind == dummy {
		return metric(text, "dummy_requests_total"), metric(text, "dummy_generation_tokens_total"), nil
	}
	var v struct{ Requests, Tokens int64 }
	err = json.Unmarshal([]byte(text), &v)
	return v.Requests, v.Tokens, err
}

// metric is the value of a line of Prometheus text.
func metric(text, name string) (value int64) {
	_, rest, _ := strings.Cut(text, "\n"+name+" ")
	if _, err := fmt.Sscan(rest, &value); err != nil {
		return 0
	}
	return value
}

func page(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	a, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	return string(text), err
}

// neighbour starts processes that take all the CPU they get, one for each two cores at least, until the function it returns
// is called.
func (b *bench) neighbour(n int) (stop func(), err error) {
	var all []*exec.Cmd
	stop = func() {
		for _, cmd := range all {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it was killed
		}
	}
	for range n {
		cmd := exec.CommandContext(b.ctx, b.self, "spin")
		cmd.Env = []string{"GOMAXPROCS=1"}
		cmd.Dir = filepath.Dir(b.self)
		if err := cmd.Start(); err != nil {
			stop()
			return nil, err
		}
		all = append(all, cmd)
	}
	return stop, nil
}
