package expose

import (
	"bytes"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/gate"
)

// Path is where metrics are shown.
const Path = "/metrics/prometheus"

// Page answers with what is gathered, in the format that was asked for: text, or protobuf, which alone carries native
// histograms.
func Page(c *fasthttp.RequestCtx, from prometheus.Gatherer) {
	families, err := from.Gather()
	if err != nil {
		gate.Refuse(c, fasthttp.StatusInternalServerError, "%v", err)
		return
	}
	format := expfmt.NegotiateAccept(map[string][]string{"Accept": {string(c.Request.Header.Peek("Accept"))}}, expfmt.DefaultAcceptedFormats()...)
	var body bytes.Buffer
	encoder := expfmt.NewEncoder(&body, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			gate.Refuse(c, fasthttp.StatusInternalServerError, "%v", err)
			return
		}
	}
	c.SetContentType(string(format))
	c.SetBody(body.Bytes())
}
