package executor

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/ask"
	"hpcbench/agent/internal/share"
)

// liveWithin is how long an executor may take to tell how its trial goes, and liveMost how much it may say, in bytes: who looks
// on looks again a second later.
const (
	liveWithin = 3 * time.Second
	liveMost   = 1 << 20
)

// getLive tells how a trial goes, by the second: GET /live?after=SECOND has the rows later than that one.
func (e *Executor) getLive(c *fasthttp.RequestCtx) {
	after := int64(-1)
	if word := c.QueryArgs().Peek("after"); len(word) > 0 {
		var err error
		if after, err = strconv.ParseInt(string(word), 10, 64); err != nil || after < -1 {
			refuse(c, fasthttp.StatusBadRequest, "after: want a second of the trial, or -1")
			return
		}
	}
	r := e.latest()
	if r == nil {
		refuse(c, fasthttp.StatusNotFound, "no trial has run here yet")
		return
	}
	tell(c, fasthttp.StatusOK, r.share.Live(after))
}

// Live asks how the latest trial goes, with the rows later than the second after. ok is false where none has run yet.
func (c Client) Live(ctx context.Context, after int64) (live share.Live, ok bool, err error) {
	answer, err := ask.Send(ctx, ask.Request{URL: fmt.Sprintf("%s/live?after=%d", c.URL, after), Timeout: liveWithin, Most: liveMost})
	if err == nil && answer.Status == fasthttp.StatusNotFound {
		return live, false, nil
	}
	if err == nil {
		err = read(answer, &live)
	}
	if err != nil {
		err = fmt.Errorf("executor of %s (%s): %w", c.Node, c.URL, err)
	}
	return live, err == nil, err
}
