// Package nodes reads nodes.tsv: which node has which role in a job, and where it listens.
package nodes

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// Node is one row of nodes.tsv.
type Node struct {
	Role string `json:"role"` // monitor, client, server, idle
	Name string `json:"node"`
	IP   string `json:"ip"`
	Port int    `json:"port,omitempty"` // 0 where nothing listens
}

// Address is where the node listens, such as 10.0.0.1:20106.
func (n Node) Address() string { return net.JoinHostPort(n.IP, strconv.Itoa(n.Port)) }

// URL is the address as the base of requests.
func (n Node) URL() string { return "http://" + n.Address() }

// Table is the rows of nodes.tsv in their order: monitor, clients, servers, idle.
type Table []Node

// Read reads the table at path. A row that is none is an error that names its line.
func Read(path string) (Table, error) {
	text, err := os.ReadFile(path)
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
		t = append(t, n)
	}
	return t, nil
}

// Clients are the nodes of role client that listen: the executors.
func (t Table) Clients() Table { return t.listening("client") }

// Endpoints are the base URLs of the servers that listen. A server over several nodes listens on its first.
func (t Table) Endpoints() []string {
	var urls []string
	for _, n := range t.listening("server") {
		urls = append(urls, n.URL())
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
