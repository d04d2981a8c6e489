package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Seats are the nodes of each role: places in the allocation, counted from 0, or host names.
type Seats struct {
	Monitors []string `json:"monitors,omitempty"`
	Clients  []string `json:"clients,omitempty"`
	Servers  []string `json:"servers,omitempty"`
	Idle     []string `json:"idle,omitempty"`
}

// seat deals the nodes to the roles. What the recipe's node ranges leave open goes to monitor, clients and servers, in
// this order, so that the job script, on the first node, shares no CPU with a server where another node exists.
func (m *maker) seat(j *Job) {
	ranges, s := j.recipe.Orchestration.NodeRange, &j.Seats
	asked := map[*[]string]string{&s.Monitors: ranges.Monitors, &s.Clients: ranges.Clients, &s.Servers: ranges.Servers}
	free := places(j.Total)
	names := false
	for seats, text := range asked {
		if text == "" {
			continue
		}
		*seats = strings.Split(text, ",")
		names = names || !isPlace((*seats)[0])
		free = slices.DeleteFunc(free, func(p string) bool { return slices.Contains(*seats, p) })
	}
	for _, role := range []struct {
		seats *[]string
		nodes int
		path  string
	}{{&s.Monitors, j.Monitors, "monitors"}, {&s.Clients, j.Clients, "clients"}, {&s.Servers, j.Servers, "servers"}} {
		if asked[role.seats] != "" || role.nodes == 0 {
			continue
		}
		if names {
			m.bad(nodesOf+role.path, fmt.Errorf("other roles have nodes by name: give %s a node_range of names, too", role.path))
			continue
		}
		n := min(role.nodes, len(free))
		*role.seats, free = free[:n:n], free[n:]
	}
	if !names {
		s.Idle = free
	}
	if j.Beside > 0 {
		s.Clients = s.Servers[:min(j.Beside, len(s.Servers))]
	}
}

// named are the host names among a job's seats, for --nodelist.
func (s Seats) named() []string {
	all := slices.Concat(s.Monitors, s.Clients, s.Servers)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), isPlace)
}

// isPlace tells a place in the allocation from a host name.
func isPlace(seat string) bool {
	_, err := strconv.Atoi(seat)
	return err == nil
}

// places are the first n places.
func places(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	return all
}

// Spans writes runs of places as "0-3", for lists that a person reads; host names stay as they are.
func Spans(seats []string) []string {
	var all []string
	for i := 0; i < len(seats); {
		last := i
		for isPlace(seats[i]) && last+1 < len(seats) && follows(seats[last], seats[last+1]) {
			last++
		}
		word := seats[i]
		if last > i {
			word += "-" + seats[last]
		}
		all = append(all, word)
		i = last + 1
	}
	return all
}

func follows(a, b string) bool {
	m, err := strconv.Atoi(a)
	return err == nil && b == strconv.Itoa(m+1)
}
