package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/valyala/fasthttp"

	"hpcbench/agent/internal/ask"
	"hpcbench/agent/internal/share"
	"hpcbench/agent/internal/summary"
	"hpcbench/agent/workload"
)

// Client asks the executor of one node. Every error names the node.
type Client struct {
	Node  string
	URL   string // http://host:port
	Token string
}

// Health asks who is there, and how long the question took.
func (c Client) Health(ctx context.Context) (h Health, took time.Duration, err error) {
	took, err = c.ask(ctx, "/health", nil, &h, answerWithin)
	return h, took, err
}

// Start begins a share of a trial, start_in_s after the request arrives. Until then the node may read the dataset before it
// answers.
func (c Client) Start(ctx context.Context, a workload.Assignment) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	within := answerWithin + time.Duration(a.StartInS*float64(time.Second))
	_, err = c.ask(ctx, "/start", body, new(share.Progress), within)
	return err
}

// Status tells how far the trial has come.
func (c Client) Status(ctx context.Context) (p share.Progress, err error) {
	_, err = c.ask(ctx, "/status", nil, &p, answerWithin)
	return p, err
}

// Part fetches what was counted.
func (c Client) Part(ctx context.Context) (*summary.Part, error) {
	p := new(summary.Part)
	_, err := c.ask(ctx, "/metrics", nil, p, answerWithin)
	return p, err
}

// Stop ends the trial, waits for its end, and returns how far it came.
func (c Client) Stop(ctx context.Context) (p share.Progress, err error) {
	_, err = c.ask(ctx, "/stop", []byte("{}"), &p, answerWithin)
	return p, err
}

// answerWithin is how long an executor may take for an answer: longer than a stop takes.
const answerWithin = stopWithin + 5*time.Second

func (c Client) ask(ctx context.Context, path string, body []byte, into any, within time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("no answer within %v", within))
	defer cancel()
	answer, err := c.exchange(ctx, path, body)
	if err == nil {
		err = read(answer, into)
	}
	if err != nil {
		return 0, fmt.Errorf("executor of %s (%s): %w", c.Node, c.URL, err)
	}
	return answer.Took, nil
}

// exchange asks; what needs the token, or has the trial's numbers, after the other end of the connection has proved that it has
// the token too.
func (c Client) exchange(ctx context.Context, path string, body []byte) (ask.Answer, error) {
	conn, err := ask.Dial(ctx, c.URL)
	if err != nil {
		return ask.Answer{}, err
	}
	defer conn.Close()
	r := ask.Request{URL: c.URL + path, Body: body}
	if body != nil || path == "/metrics" {
		if err := c.challenge(ctx, conn); err != nil {
			return ask.Answer{}, err
		}
	}
	if body != nil {
		r.Header = map[string]string{"Authorization": "Bearer " + c.Token}
	}
	return conn.Send(ctx, r)
}

func read(answer ask.Answer, into any) error {
	if answer.Status == fasthttp.StatusOK || answer.Status == fasthttp.StatusAccepted {
		return json.Unmarshal(answer.Body, into)
	}
	var said struct{ Error string }
	if err := json.Unmarshal(answer.Body, &said); err != nil || said.Error == "" {
		return fmt.Errorf("HTTP %d", answer.Status)
	}
	return errors.New(said.Error)
}
