package service

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	leadingKey  = regexp.MustCompile(`^([a-z_]+)((?:\.[a-z_]+|\[\d+\])*)(:| is | has | needs | gives )`)
	step        = regexp.MustCompile(`[a-z_]+|\d+`)
	ofATemplate = regexp.MustCompile(`template: ([\w.-]+):(\d+)(?::\d+)?: (.*)`)
	startedAt   = regexp.MustCompile(`^(.*) started at \S+:(\d+)$`)
	ofAnAnswer  = regexp.MustCompile(`template: :\d+(?::\d+)?: `)
	executingAt = regexp.MustCompile(`executing "[^"]*" at (<.*?>): `)
)

// placed puts file and line before what is wrong with a service. A complaint begins with the key that it is about (health.path
// is …, causes[2]: …); one of text/template names the template, which is a file of the folder or a key of service.yaml.
func placed(file string, src []byte, err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, placed(file, src, e))
		}
		return errors.Join(all...)
	}
	var document yaml.Node
	if yaml.Unmarshal(src, &document) != nil || len(document.Content) == 0 {
		return fmt.Errorf("%s: %w", file, err)
	}
	root := document.Content[0]
	var there *misplaced
	if errors.As(err, &there) {
		return fmt.Errorf("%s:%d: %w", file, lineOf(root, there.steps), err)
	}
	if m := ofATemplate.FindStringSubmatch(err.Error()); m != nil {
		if open := startedAt.FindStringSubmatch(m[3]); open != nil { // the line of what is open, not that of the end
			m[2], m[3] = open[2], open[1]
		}
		return fmt.Errorf("%s: %s", templatePlace(file, root, m[1], m[2]), inWords(m[3]))
	}
	if m := leadingKey.FindStringSubmatch(err.Error()); m != nil {
		if line := lineOf(root, step.FindAllString(m[1]+m[2], -1)); line > 0 {
			return fmt.Errorf("%s:%d: %s", file, line, inWords(ofAnAnswer.ReplaceAllString(err.Error(), "")))
		}
	}
	return fmt.Errorf("%s: %w", file, err)
}

// templatePlace is where line n of a template stands.
func templatePlace(file string, root *yaml.Node, name, n string) string {
	key := strings.TrimSuffix(name, ".tmpl")
	node := child(root, key)
	if node == nil || node.Kind != yaml.ScalarNode {
		return path.Join(path.Dir(file), name) + ":" + n
	}
	line, err := strconv.Atoi(n)
	if err != nil {
		return file
	}
	if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		line-- // its text begins on the key's own line, not on the next
	}
	return fmt.Sprintf("%s:%d", file, node.Line+line)
}

// inWords is a complaint of text/template without what only this program knows.
func inWords(text string) string {
	text = executingAt.ReplaceAllString(text, "$1: ")
	for kind, words := range map[string]string{"Start": "a deployment", "Known": "the answers so far"} {
		text = strings.ReplaceAll(text, " in type service."+kind, " of "+words+" (docs/services.md has those that there are)")
	}
	return text
}

// lineOf is where the deepest key of a path stands that is there; 0 when not even the first is.
func lineOf(node *yaml.Node, steps []string) (line int) {
	for _, s := range steps {
		if node = child(node, s); node == nil {
			return line
		}
		line = node.Line
	}
	return line
}

// child is the value at a key, or at a place in a list; nil when there is none.
func child(node *yaml.Node, key string) *yaml.Node {
	if k, err := strconv.Atoi(key); err == nil && node.Kind == yaml.SequenceNode && k < len(node.Content) {
		return node.Content[k]
	}
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}
