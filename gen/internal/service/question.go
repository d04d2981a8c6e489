package service

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"
)

// Question is what gen create asks about a service, besides what it asks about every one. Of a key that it asks about
// anyway, the service's words and default win.
type Question struct {
	Path     string `yaml:"path"`     // of the recipe: servers.service_config.max_model_len
	Text     string `yaml:"text"`     // "": the key's name
	Default  string `yaml:"default"`  // a template over the answers so far; "": none
	When     string `yaml:"when"`     // a template over the answers so far: asked where it makes true; "": always
	Optional bool   `yaml:"optional"` // it may be left out
}

// Known is what the templates of a question see of the answers so far.
type Known struct {
	Slurm     bool // not on this machine
	Container bool // an image is named
	Nodes     int  // of servers
	GPUs      int  // of a server node
	Account   string
	Model     string
	Config    map[string]any // service_config; see the function get
}

// Questions are those to be asked as things stand, with their defaults filled in.
func (s *Service) Questions(k Known) ([]Question, error) {
	var all []Question
	for _, q := range s.Ask {
		when, err := answered(q.When, k)
		if err != nil {
			return nil, fmt.Errorf("services/%s: ask %s: when: %w", s.Name, q.Path, err)
		}
		if q.When != "" && when != "true" {
			continue
		}
		if q.Default, err = answered(q.Default, k); err != nil {
			return nil, fmt.Errorf("services/%s: ask %s: default: %w", s.Name, q.Path, err)
		}
		all = append(all, q)
	}
	return all, nil
}

// answered fills in one template.
func answered(text string, k Known) (string, error) {
	t, err := template.New("").Funcs(functions).Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, k); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

// checkQuestions finds the questions that could not be asked.
func (s *Service) checkQuestions() error {
	nothing := Known{Config: map[string]any{}}
	for k, q := range s.Ask {
		if q.Path == "" {
			return fmt.Errorf("ask[%d] needs a path", k)
		}
		for _, text := range []string{q.When, q.Default} {
			if _, err := answered(text, nothing); err != nil {
				return fmt.Errorf("ask[%d]: %s: %w", k, q.Path, err)
			}
		}
	}
	return nil
}
