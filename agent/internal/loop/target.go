package loop

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hpcbench/agent/internal/wire"
)

// Target is where the connections of an endpoint go.
type Target struct {
	url    string
	family int
	addr   syscall.Sockaddr
}

// LookUp finds where the endpoints with these base URLs are, so that it takes no time of a load; nil where an https endpoint
// is among them, for its driver looks names up itself.
func LookUp(ctx context.Context, endpoints []string) ([]Target, error) {
	if encrypted(endpoints) {
		return nil, nil
	}
	var all []Target
	for _, base := range endpoints {
		t, err := targetOf(ctx, base)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// encrypted reports whether an endpoint is none that the loop carries.
func encrypted(endpoints []string) bool {
	return slices.ContainsFunc(endpoints, func(s string) bool { return strings.HasPrefix(s, "https:") })
}

// targetOf reads a base URL, http://host:port or unix:///path, and finds the address of its host.
func targetOf(ctx context.Context, base string) (Target, error) {
	u, err := wire.Endpoint(base)
	if err != nil {
		return Target{}, err
	}
	if u.Scheme == "unix" {
		path := strings.TrimPrefix(strings.TrimPrefix(base, "unix:"), "//")
		return Target{base, syscall.AF_UNIX, &syscall.SockaddrUnix{Name: path}}, nil
	}
	port := 80
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return Target{}, fmt.Errorf("endpoint %q: %w", base, err)
		}
	}
	ip, err := resolve(ctx, u.Hostname(), port)
	if err != nil {
		return Target{}, fmt.Errorf("finding endpoint %q: %w", base, err)
	}
	t := Target{url: base, family: syscall.AF_INET6, addr: &syscall.SockaddrInet6{Port: port, Addr: [16]byte(ip.To16())}}
	if four := ip.To4(); four != nil {
		t.family, t.addr = syscall.AF_INET, &syscall.SockaddrInet4{Port: port, Addr: [4]byte(four)}
	}
	return t, nil
}

// resolve finds the address of a host. Of several it takes the first that accepts a connection within a second: a
// server on localhost listens on ::1 or 127.0.0.1, and rarely on both.
func resolve(ctx context.Context, host string, port int) (net.IP, error) {
	if ip := net.ParseIP(host); ip != nil {
		return ip, nil
	}
	addrs, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: time.Second}
	for _, a := range addrs[:len(addrs)*min(1, len(addrs)-1)] { // a single one needs no trial
		c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(a.String(), strconv.Itoa(port)))
		if err == nil {
			return a.IP, c.Close()
		}
	}
	return addrs[0].IP, nil
}

// own returns the target with an address of its own: connecting writes into it, so that threads can't share one.
func (t Target) own() Target {
	switch a := t.addr.(type) {
	case *syscall.SockaddrInet4:
		t.addr = new(*a)
	case *syscall.SockaddrInet6:
		t.addr = new(*a)
	case *syscall.SockaddrUnix:
		t.addr = new(*a)
	}
	return t
}

// dial begins a connection that does not block. It is made when the socket becomes writable.
func (t *Target) dial() (fd int, err error) {
	fd, err = syscall.Socket(t.family, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening a socket: %w", err)
	}
	if t.family != syscall.AF_UNIX {
		err = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	}
	if err == nil {
		err = syscall.Connect(fd, t.addr)
	}
	if err != nil && err != syscall.EINPROGRESS {
		_ = syscall.Close(fd) // the first error is the one that tells
		if err == syscall.EADDRNOTAVAIL {
			err = fmt.Errorf("no local port is left for %s (net.ipv4.ip_local_port_range): %w", t.url, err)
		}
		return -1, err
	}
	return fd, nil
}
