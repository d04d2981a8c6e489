package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/push"

	"hpcbench/agent/internal/ask"
)

// Nothing of a job runs on after it, and a Pushgateway itself forgets nothing: what a job leaves there for a while is deleted by
// the executors of the next job that pushes there and finds its time over. A group says itself how long it is to stay, so no other
// program's groups are touched, nor those of jobs that say nothing.

// listing is the answer of a Pushgateway's GET /api/v1/metrics, of its data what is looked at here. Numbers are words in it.
type listing struct {
	Data []struct {
		Labels    map[string]string `json:"labels"`
		Retention family            `json:"hpcbench_push_retention_seconds"`
		Pushed    family            `json:"push_time_seconds"`
	} `json:"data"`
}

// family is a metric of a group.
type family struct {
	Metrics []struct {
		Value string `json:"value"`
	} `json:"metrics"`
}

// number is the family's value; false where it has none.
func (f family) number() (float64, bool) {
	if len(f.Metrics) != 1 {
		return 0, false
	}
	v, err := strconv.ParseFloat(f.Metrics[0].Value, 64)
	return v, err == nil
}

// forget deletes the groups whose time is over.
func (p *pusher) forget(ctx context.Context) error {
	url, err := p.url()
	if err != nil {
		return err
	}
	answer, err := ask.Send(ctx, ask.Request{URL: url + "/api/v1/metrics", Timeout: within, Most: mostAnswer})
	if err != nil {
		return err
	}
	var l listing
	if answer.Status != http.StatusOK {
		return fmt.Errorf("%s/api/v1/metrics: HTTP %d", url, answer.Status)
	}
	if err := json.Unmarshal(answer.Body, &l); err != nil {
		return fmt.Errorf("%s/api/v1/metrics: %w", url, err)
	}
	var all []error
	for _, g := range l.Data {
		stays, known := g.Retention.number()
		pushed, timed := g.Pushed.number()
		if over := float64(time.Now().Unix()) > pushed+stays; !known || !timed || !over {
			continue
		}
		p.log.Info("deleting readings whose retention is over", "jobid", g.Labels["jobid"], "node", g.Labels["node"])
		all = append(all, groupOf(url, g.Labels).Client(asker{ctx, within}).Delete())
	}
	return errors.Join(all...)
}

// groupOf is the group of these labels.
func groupOf(url string, labels map[string]string) *push.Pusher {
	g := push.New(url, labels["job"])
	for name, value := range labels {
		if name != "job" {
			g.Grouping(name, value)
		}
	}
	return g
}
