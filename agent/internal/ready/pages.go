package ready

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"hpcbench/agent/internal/probe"
	"hpcbench/agent/internal/wire"
	"hpcbench/agent/workload"
)

// proofs gathers what pages prove, by its name, in order of the first mention: a value for each endpoint.
type proofs struct {
	sync.Mutex
	names  []string
	values map[string]map[string]string // by name and endpoint
}

// pages looks at every page of every endpoint, and gives the first of them that shows something wrong.
func (c Config) pages(ctx context.Context) error {
	found := &proofs{values: map[string]map[string]string{}}
	for _, page := range c.Pages {
		look := func(ctx context.Context, endpoint string, left time.Duration) error {
			return c.look(ctx, page, endpoint, left, found)
		}
		if err := (stage{"page " + page.Path, "endpoints", c.HealthTimeout, c.HealthInterval, c.Say}).wait(ctx, c.Endpoints, look); err != nil {
			return err
		}
	}
	for _, name := range found.names {
		c.prove(name, found.values[name])
	}
	return nil
}

// look asks one endpoint for one page. What it shows is final; that it does not come may pass.
func (c Config) look(ctx context.Context, page workload.Page, endpoint string, left time.Duration, found *proofs) error {
	path, _ := wire.Probe(c.Dialect, c.Model)
	body, err := probe.Page(ctx, wire.Root(endpoint, path)+page.Path, c.Headers, min(left, pageWithin))
	if err != nil {
		return err
	}
	items, err := itemsOf(body, page.Items)
	if err != nil {
		return final{err}
	}
	for _, item := range items {
		if less, than := item[page.Less], item[page.Than]; smaller(less, than) {
			return final{fmt.Errorf("%s: %s %s < %s %s (%s)", page.Cause, page.Less, number(less), page.Than, number(than), page.Cure)}
		}
		for _, key := range page.Proof {
			found.add(key, endpoint, item[key])
		}
	}
	return nil
}

// itemsOf are the objects of a page: those of the list under key, or the page itself.
func itemsOf(body []byte, key string) ([]map[string]any, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("it is no JSON object: %w", err)
	}
	list, ok := answer[key]
	if key == "" {
		list, ok = slices.Concat([]byte("["), body, []byte("]")), true
	}
	if !ok {
		return nil, fmt.Errorf("it has no %q", key)
	}
	var items []map[string]any
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, fmt.Errorf("%q is no list of objects: %w", key, err)
	}
	return items, nil
}

// smaller tells whether a and b are numbers, and a the smaller one. What an answer does not tell is not wrong.
func smaller(a, b any) bool {
	x, isX := a.(float64)
	y, isY := b.(float64)
	return isX && isY && x < y
}

// number is a number without an exponent.
func number(v any) string {
	n, _ := v.(float64)
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// add keeps one value, where there is one.
func (p *proofs) add(name, endpoint string, v any) {
	text, _ := v.(string)
	if _, is := v.(float64); is {
		text = number(v)
	}
	if text == "" {
		return
	}
	p.Lock()
	defer p.Unlock()
	if p.values[name] == nil {
		p.names, p.values[name] = append(p.names, name), map[string]string{}
	}
	p.values[name][endpoint] = text
}

// prove tells a value once where all endpoints have it, and else each with its endpoint.
func (c Config) prove(name string, values map[string]string) {
	same := func(endpoint string) bool { return values[endpoint] == values[c.Endpoints[0]] }
	if !slices.ContainsFunc(c.Endpoints, func(e string) bool { return !same(e) }) {
		c.Prove(name, values[c.Endpoints[0]], "")
		return
	}
	for _, endpoint := range c.Endpoints {
		if text := values[endpoint]; text != "" {
			c.Prove(name, text, endpoint)
		}
	}
}
