package expose

import (
	"context"
	"errors"
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
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	door := gate.New(log, nil)
	web := door.Server(func(c *fasthttp.RequestCtx) { answer(c, from) })
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := web.Serve(gate.Listen(ln)); err != nil {
			cancel(err)
		}
	})
	<-ctx.Done()
	door.Shut(web, ln)
	wg.Wait()
	door.Last()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
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
