package gate

import (
	"container/list"
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// doors is a listener that keeps no more than so many connections open. One more than that closes the one that is open longest
// without having shown the token: so strangers who hold connections open keep nobody out.
type doors struct {
	net.Listener
	most int

	mu   sync.Mutex
	open int        // connections, trusted or not
	idle *list.List // of *door, the oldest first: those that have not shown the token
}

// door is one connection.
type door struct {
	net.Conn
	of    *doors
	once  sync.Once
	place *list.Element // in of.idle; nil: it has shown the token, or is closed
}

func newDoors(ln net.Listener, most int) *doors {
	return &doors{Listener: ln, most: most, idle: list.New()}
}

// Stay keeps the connection of a request that has the token: no stranger pushes it out.
func Stay(c *fasthttp.RequestCtx) {
	if d, ok := c.Conn().(*door); ok {
		d.leave()
	}
}

// Accept implements net.Listener.
func (d *doors) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	in := &door{Conn: conn, of: d}
	d.mu.Lock()
	in.place = d.idle.PushBack(in)
	d.open++
	var out *door
	if first := d.idle.Front(); d.open > d.most && first != nil {
		out = first.Value.(*door)
	}
	d.mu.Unlock()
	if out != nil {
		_ = out.Close() // it is a stranger's
	}
	return in, nil
}

// Close implements net.Conn.
func (d *door) Close() error {
	d.once.Do(func() {
		d.leave()
		d.of.mu.Lock()
		d.of.open--
		d.of.mu.Unlock()
	})
	return d.Conn.Close()
}

// leave takes the connection off the list of those that may be closed.
func (d *door) leave() {
	d.of.mu.Lock()
	defer d.of.mu.Unlock()
	if d.place != nil {
		d.of.idle.Remove(d.place)
		d.place = nil
	}
}
