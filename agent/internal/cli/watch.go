package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"hpcbench/agent/internal/live"
)

var watchVerb = command{
	name:     "watch",
	operands: "RESULTS",
	short:    "show a run while it goes on, as a page in a browser",
	long: `
RESULTS is results/<jobid>, or a bundle's results/, of which the newest job is shown, also one that begins later. The page's URL
is printed, the only line on stdout. Behind its # is a token of this page alone, which is in no log and no other place, and without
which the page stays empty. The page is read-only. It shows what the files of results/<jobid> say, and what each executor answers
to GET /live once a second; both are read only while somebody looks on. Who comes late, or loads the page again, sees the whole
run; after the end it shows the report.

A viewer needs no browser: GET /events with the token as "Authorization: Bearer …" is the run as server-sent events, whose data is
JSON; curl -N reads it. GET /report is report.html.

Without --listen it is to be seen on this machine alone, at a free port. On another interface the page goes unencrypted over the
network: better forward a port by ssh, as gen watch does. Ends on TERM, INT or USR1, and with --until-eof when its standard input
does: so it does not stay behind on a login node when the connection is lost.`,
	example: "agent watch results/4711\nagent watch results --listen 127.0.0.1:8080",
	declare: func(f *flags) action {
		listen := f.text("listen", "IP:PORT", "127.0.0.1:0", "where to listen")
		eof := f.is("until-eof", "end when standard input does")
		return func(ctx context.Context, c *call) error {
			if len(c.operands) != 1 {
				return usage("want one directory of results; agent watch -h shows how it is used")
			}
			results := c.operands[0]
			if _, err := os.Stat(filepath.Join(results, "MANIFEST")); err == nil { // a bundle's own directory
				results = filepath.Join(results, "results")
			}
			if _, err := live.Newest(results); err != nil {
				return err
			}
			ln, err := bind(cmp.Or(*listen, "127.0.0.1:0"))
			if err != nil {
				return err
			}
			if *eof {
				var end context.CancelFunc
				ctx, end = context.WithCancel(ctx)
				go func() { _, _ = io.Copy(io.Discard, c.stdin); end() }() // ends with the program at the latest
			}
			page := live.New(live.Config{Results: results})
			if _, err := fmt.Fprintln(c.stdout, page.URL(ln.Addr().String())); err != nil {
				return err
			}
			return page.Serve(ctx, ln)
		}
	},
}
