package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// misplaced is what is wrong at one place of service.yaml, given by its keys.
type misplaced struct {
	steps []string
	text  string
}

func (m *misplaced) Error() string { return strings.Join(m.steps, ".") + ": " + m.text }

// checkConfig refuses a config that is no JSON Schema.
func (s *Service) checkConfig() error {
	if s.Config == nil {
		return nil
	}
	text, err := json.Marshal(s.Config)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("mem:///config", document); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	_, err = c.Compile("mem:///config")
	return schemaMistake(err)
}

// atAPlace is a line of what jsonschema says: the last is about the deepest place.
var atAPlace = regexp.MustCompile(`- at '(/[^']*)': (.*)`)

func schemaMistake(err error) error {
	if err == nil {
		return nil
	}
	all := atAPlace.FindAllStringSubmatch(err.Error(), -1)
	if len(all) == 0 {
		return &misplaced{[]string{"config"}, lastLine(err)}
	}
	m := slices.MaxFunc(all, func(a, b []string) int { return strings.Count(a[1], "/") - strings.Count(b[1], "/") })
	for _, other := range all { // of one place the first that says something of its own
		if other[1] == m[1] && !strings.Contains(other[2], "failed") {
			m = other
			break
		}
	}
	return &misplaced{append([]string{"config"}, strings.Split(strings.TrimPrefix(m[1], "/"), "/")...), m[2]}
}

func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return lines[len(lines)-1]
}

// Undescribed are the settings of service_config, as dotted paths, that say nothing of what they are. One that is false is
// the job's own and needs no words.
func (s *Service) Undescribed() []string { return undescribed("", s.Config) }

func undescribed(prefix string, schema map[string]any) []string {
	var all []string
	properties, _ := schema["properties"].(map[string]any)
	for name, p := range properties {
		p, ok := p.(map[string]any)
		if !ok {
			continue
		}
		if text(p["description"]) == "" {
			all = append(all, prefix+name)
		}
		all = append(all, undescribed(prefix+name+".", p)...)
	}
	slices.Sort(all)
	return all
}

// Dialects are the APIs that the load speaks, and so those that a service may name (agent/internal/wire).
var Dialects = []string{"llamacpp-completion", "ollama-chat", "ollama-generate", "openai-chat", "openai-completions", "sglang-generate", "tgi-generate", "triton-generate"}

// checkDialects refuses a service that the load could not talk to.
func (s *Service) checkDialects() error {
	if len(s.Dialects) == 0 {
		return errors.New("dialects is empty: nothing could talk to it")
	}
	for k, d := range s.Dialects {
		if !slices.Contains(Dialects, d) {
			return fmt.Errorf("dialects[%d]: there is no dialect %q, only %s", k, d, strings.Join(Dialects, ", "))
		}
	}
	return nil
}
