package cli

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"
)

// browse opens the page in a browser, if this machine has one. The command line that does so is anybody's to read, so it has
// not the page's token but another address, which leads there once.
func (w *watching) browse(ctx context.Context, address string) {
	program := opener()
	if program == "" {
		return
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.screen.say("no browser was opened: " + err.Error())
		return
	}
	word := rand.Text()
	go once(ctx, door, "/"+word, address)
	c := exec.CommandContext(ctx, program, "http://"+door.Addr().String()+"/"+word)
	if err := c.Start(); err != nil {
		w.screen.say("no browser was opened: " + err.Error())
		return
	}
	go func() { _ = c.Wait() }() // what became of it is to be seen on the screen
}

// browseWithin is how long a browser may take to come.
const browseWithin = time.Minute

// once sends the first who asks for a path on to an address, and nobody after him.
func once(ctx context.Context, door net.Listener, path, address string) {
	ctx, cancel := context.WithTimeout(ctx, browseWithin)
	defer cancel()
	var asked atomic.Bool
	web := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || asked.Swap(true) {
			http.NotFound(a, r)
			return
		}
		a.Header().Set("Referrer-Policy", "no-referrer")
		a.Header().Set("Cache-Control", "no-store")
		http.Redirect(a, r, address, http.StatusSeeOther)
		time.AfterFunc(time.Second, cancel)
	})}
	go func() { <-ctx.Done(); _ = web.Close() }()
	_ = web.Serve(door) // until the page was shown
}

// opener is the program that opens a URL for a person; "" where nobody sits before this machine.
func opener() string {
	program := "xdg-open"
	if runtime.GOOS == "darwin" {
		program = "open"
	} else if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return ""
	}
	if !onPath(program) {
		return ""
	}
	return program
}
