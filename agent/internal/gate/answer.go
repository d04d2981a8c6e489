package gate

import (
	"encoding/json"
	"fmt"

	"github.com/valyala/fasthttp"
)

// Tell answers with JSON.
func Tell(c *fasthttp.RequestCtx, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		Refuse(c, fasthttp.StatusInternalServerError, "%v", err)
		return
	}
	c.SetStatusCode(status)
	c.SetContentType("application/json")
	c.SetBody(append(text, '\n'))
}

// Refuse answers with an error.
func Refuse(c *fasthttp.RequestCtx, status int, format string, args ...any) {
	Tell(c, status, map[string]string{"error": fmt.Sprintf(format, args...)})
}
