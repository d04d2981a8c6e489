package expose

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/gate"
)

// Serve answers GET /metrics/prometheus on ln, and nothing else, until ctx ends, which is no error. It holds its own against
// strangers as the executor does; nothing that it is asked changes anything.
func Serve(ctx context.Context, ln net.Listener, from prometheus.Gatherer, log *slog.Logger) error {
	asked := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	door := gate.New(log, nil)
	web := door.Server(func(c *fasthttp.RequestCtx) { answer(c, from) })
	var err error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		err = web.Serve(gate.Listen(ln))
	})
	<-ctx.Done()
	door.Shut(web, ln)
	wg.Wait()
	door.Last()
	if asked.Err() != nil {
		return nil
	}
	return err
}

func answer(c *fasthttp.RequestCtx, from prometheus.Gatherer) {
	switch {
	case string(c.Path()) != Path:
		gate.Refuse(c, fasthttp.StatusNotFound, "no %s here", c.Path())
	case !c.IsGet() && !c.IsHead():
		c.Response.Header.Set("Allow", "GET")
		gate.Refuse(c, fasthttp.StatusMethodNotAllowed, "%s takes GET", Path)
	default:
		Page(c, from)
	}
}
