// Package push sends what an agent shows to Prometheus to a Pushgateway too, for a Prometheus that can't reach the nodes.
//
// A group is job (client or node), scenario, jobid and node; a push replaces all of it, so that what is missing is missing there.
// A Pushgateway that is dead or slow costs a line in the log: nobody waits for a push, none begins before the one before is over,
// and the last word at the end of the job is a short one.
package push

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"

	"hpcbench/agent/internal/expose"
	"hpcbench/agent/metric"
	"hpcbench/agent/workload"
)

const (
	within     = 5 * time.Second         // for one push
	lastWithin = 1500 * time.Millisecond // for the last word, which the job's end may wait for
	comes      = 30 * time.Second        // in which the job's own is to listen, as start_stores of templates/lib/stores.sh has it
	mostAnswer = 16 << 20                // bytes of an answer
)

// Address is where a job's own Pushgateway is published, below its results.
const Address = "addresses/pushgateway"

// The values of the label job.
const (
	Client = "client" // an executor
	Node   = "node"   // a monitor
)

// Config says what is pushed, and where to.
type Config struct {
	workload.Push
	Job  string              // Client or Node
	Node string              // this node's name
	Dir  string              // results/<jobid>
	From prometheus.Gatherer // what is pushed
	Log  *slog.Logger
}

// Run pushes at once and each interval until ctx ends; then it deletes the group, or where it is to stay pushes a last time.
func Run(ctx context.Context, cfg Config) {
	p := &pusher{Config: cfg, log: cfg.Log.With("category", "metrics")}
	if p.URL != "" && p.Job == Client { // the job's own is new; and a job has fewer client nodes than nodes, of which each asks for all groups
		p.note(unless(ctx, p.forget(ctx)), "looking for readings that were to go by now")
	}
	p.await(ctx, comes)
	every := time.Duration(cfg.IntervalS * float64(time.Second))
	start := time.Now()
	for {
		p.note(unless(ctx, p.push(ctx, within)), "pushing")
		next := time.Since(start)/every + 1 // the first that is not past
		select {
		case <-ctx.Done():
			p.last()
			return
		case <-time.After(time.Until(start.Add(next * every))):
		}
	}
}

// await waits for the job's own Pushgateway, which is started after the monitors: until it listens, a push would fail for nothing.
func (p *pusher) await(ctx context.Context, most time.Duration) {
	for end := time.Now().Add(most); p.URL == "" && ctx.Err() == nil && time.Now().Before(end); {
		if _, err := p.url(); err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// pusher is one agent's group.
type pusher struct {
	Config
	log    *slog.Logger
	failed bool // the last push did: a failure is logged when it begins
}

// last is the last word. The job's own Pushgateway needs none: it ends too.
func (p *pusher) last() {
	ctx := context.Background()
	if p.URL == "" {
		return
	}
	if p.RetentionS > 0 {
		p.note(p.push(ctx, lastWithin), "pushing the last readings")
		return
	}
	to, err := p.group(ctx, lastWithin)
	if err == nil {
		err = to.Delete()
	}
	p.note(err, "deleting the readings")
}

// note logs a failure when it begins, and its end.
func (p *pusher) note(err error, what string) {
	switch {
	case err != nil && !p.failed:
		p.log.Warn("the Pushgateway does not take the readings: "+what, "error", err.Error())
	case err == nil && p.failed:
		p.log.Info("the Pushgateway takes the readings again")
	}
	p.failed = err != nil
}

// unless is an error, but for one that the end of ctx made.
func unless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// push sends all there is.
func (p *pusher) push(ctx context.Context, within time.Duration) error {
	to, err := p.group(ctx, within)
	if err == nil {
		err = to.Gatherer(prometheus.Gatherers{p.From, p.kept()}).Push()
	}
	return err
}

// group is this agent's group at the Pushgateway.
func (p *pusher) group(ctx context.Context, within time.Duration) (*push.Pusher, error) {
	url, err := p.url()
	if err != nil {
		return nil, err
	}
	return push.New(url, p.Job).Grouping("scenario", p.Scenario).Grouping("jobid", filepath.Base(p.Dir)).Grouping("node", p.Node).
		Client(asker{ctx, within}), nil
}

// url is where the Pushgateway is. The job's own may come to be there later.
func (p *pusher) url() (string, error) {
	if p.URL != "" {
		return p.URL, nil
	}
	address, err := os.ReadFile(filepath.Join(p.Dir, Address))
	if err == nil && strings.TrimSpace(string(address)) == "" {
		err = errors.New(Address + " is empty")
	}
	return "http://" + strings.TrimSpace(string(address)), err
}

// kept tells how long the group is to stay.
func (p *pusher) kept() prometheus.Gatherer {
	reg := prometheus.NewRegistry()
	if p.RetentionS > 0 {
		reg.MustRegister(constant{expose.Value(expose.Desc(retention, ""), retention, p.RetentionS, p.Node)})
	}
	return reg
}

var retention = metric.Of(metric.Push, "push_retention_seconds")

// constant is one metric that does not change, as a collector.
type constant struct{ prometheus.Metric }

// Describe implements prometheus.Collector.
func (c constant) Describe(out chan<- *prometheus.Desc) { out <- c.Desc() }

// Collect implements prometheus.Collector.
func (c constant) Collect(out chan<- prometheus.Metric) { out <- c.Metric }
