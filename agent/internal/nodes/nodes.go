// Package nodes reads nodes.tsv: which node has which role in a job, and where it listens.
package nodes

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"hpcbench/agent/internal/whole"
)

// Node is one row of nodes.tsv.
type Node struct {
	Role string `json:"role"` // monitor, client, server, idle; endpoint: a server outside the job
	Name string `json:"node"`
	IP   string `json:"ip"`             // of an endpoint: its base URL
	Port int    `json:"port,omitempty"` // 0 where nothing listens
}

// Address is where the node listens, such as 10.0.0.1:20106.
func (n Node) Address() string { return net.JoinHostPort(n.IP, strconv.Itoa(n.Port)) }

// URL is the base of requests to the node.
func (n Node) URL() string {
	if n.Role == outside {
		return strings.TrimRight(n.IP, "/")
	}
	return "http://" + n.Address()
}

// outside is the role of a server that the job does not run.
const outside = "endpoint"

// Table is the rows of nodes.tsv in their order: monitor, clients, servers, endpoints, idle. A node has a row for each
// server on it.
type Table []Node

// Read reads the table at path. A row that is none is an error that names its line.
func Read(path string) (Table, error) {
	text, err := whole.Read(path)
	if err != nil {
		return nil, err
	}
	var t Table
	for k, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		columns := strings.Split(line, "\t")
		if len(columns) != 4 {
			return nil, fmt.Errorf("%s:%d: %d columns, want role, node, ip and port", path, k+1, len(columns))
		}
		n := Node{Role: columns[0], Name: columns[1], IP: columns[2]}
		if columns[3] != "-" {
			if n.Port, err = strconv.Atoi(columns[3]); err != nil || n.Port < 1 || n.Port > 65535 {
				return nil, fmt.Errorf("%s:%d: port %q", path, k+1, columns[3])
			}
		}
		if err := n.check(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, k+1, err)
		}
		t = append(t, n)
	}
	return t, nil
}

// check says what is wrong with the row of an endpoint.
func (n Node) check() error {
	if n.Role != outside {
		return nil
	}
	u, err := url.Parse(n.IP)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || n.Port != 0 {
		return fmt.Errorf("endpoint %s: want http://host:port or https://host/path in the third column and - in the fourth", n.IP)
	}
	return nil
}

// Clients are the nodes of role client that listen: the executors.
func (t Table) Clients() Table { return t.listening("client") }

// Endpoints are the base URLs of the servers that listen, those of the job before those outside. A server over several
// nodes listens on its first.
func (t Table) Endpoints() []string {
	var urls []string
	for _, n := range t.listening("server") {
		urls = append(urls, n.URL())
	}
	for _, n := range t {
		if n.Role == outside {
			urls = append(urls, n.URL())
		}
	}
	return urls
}

func (t Table) listening(role string) Table {
	var found Table
	for _, n := range t {
		if n.Role == role && n.Port != 0 {
			found = append(found, n)
		}
	}
	return found
}
