package service

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"text/template"

	"hpcbench/gen/internal/trace"
)

// Start is what a service's templates see of a deployment and, in argv.tmpl, of one rank of it.
type Start struct {
	Model       string            // as requests name it
	Config      map[string]any    // service_config as written
	Environment map[string]string // of the recipe and the cluster profile, which win over the service's own
	Launcher    string            // what it is started by
	Nodes       int               // server nodes
	Rank        int               // of this server, or this node of it, among all of the deployment, from 0
	Tasks       int               // of the server on each of its nodes, by launcher tasks
	GPUs        int               // of a server on its node; 0: none
	CPUs        int               // of a server on its node; 0: the recipe is silent
	MemGB       int               // of a server on its node; 0: the recipe is silent
	Image       string            // path, "" when it runs on the node itself
	Concurrency int               // most requests in flight at one endpoint, over the deployment's trials
	Context     int               // tokens of prompt and answer that a request must have room for, over the deployment's trials
}

// LauncherOf says how this deployment is started: one of s.Launchers, or an error in the recipe's words.
func (s *Service) LauncherOf(start Start) (string, error) {
	words, err := s.lines("launcher", s.Launcher, start, false)
	if err != nil {
		return "", err
	}
	if len(words) == 0 {
		return s.Launchers[0], nil
	}
	if !slices.Contains(s.Launchers, words[0]) {
		return "", fmt.Errorf("%s can't be started by %q, only by %s", s.Name, words[0], strings.Join(s.Launchers, ", "))
	}
	return words[0], nil
}

// Words are the arguments that the template file (such as "argv") gives; none where the folder has no such file.
func (s *Service) Words(file string, start Start) ([]string, error) {
	text, err := s.text(file)
	if err != nil {
		return nil, err
	}
	return s.lines(file+".tmpl", text, start, s.Trace)
}

// Variables are the server's environment as NAME=value, each name once: what the recipe says wins over what the service
// says, and that over the variable of ConcurrencyEnv.
func (s *Service) Variables(start Start) ([]string, error) {
	lines, err := s.Words("env", start)
	if err != nil {
		return nil, err
	}
	if s.ConcurrencyEnv != "" && start.Concurrency > 0 {
		lines = append(lines, fmt.Sprintf("%s=%d", s.ConcurrencyEnv, start.Concurrency))
	}
	var all []string
	seen := map[string]bool{}
	for _, line := range lines {
		name, _, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("env gives %q, which is not NAME=value", line)
		}
		if _, theirs := start.Environment[name]; !theirs && !seen[name] {
			all = append(all, line)
		}
		seen[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(start.Environment)) {
		all = append(all, name+"="+start.Environment[name])
	}
	return all, nil
}

// text is the content of a template: the file's, or that which service.yaml has in its place.
func (s *Service) text(file string) (string, error) {
	src, err := fs.ReadFile(s.Files, file+".tmpl")
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{"argv": s.Argv, "env": s.Env, "files": s.Needs}[file], nil
	}
	if err != nil {
		return "", fmt.Errorf("reading %s.tmpl of service %s: %w", file, s.Name, err)
	}
	return string(src), nil
}

// lines runs a template and returns its lines. A line's own indentation goes, and so do lines on which nothing stands;
// what arg and flags print stays as it is, blanks at its ends and empty values included.
func (s *Service) lines(name, text string, start Start, traced bool) ([]string, error) {
	t, err := parse(name, text)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", s.Name, err)
	}
	if traced {
		trace.Mark(t, name, text)
	}
	var out strings.Builder
	if err := t.Execute(&out, start); err != nil {
		return nil, plain(err)
	}
	var all []string
	for _, traced := range trace.Lines(out.String()) {
		line := strings.TrimLeft(traced.Text, " \t")
		if !strings.Contains(line, mark) {
			line = strings.TrimRight(line, " \t")
		}
		if line != "" {
			all = append(all, strings.ReplaceAll(line, mark, "")+traced.Tags())
		}
	}
	return all, nil
}

// plain leaves of a template's error what one of its functions said, which is in the recipe's words.
func plain(err error) error {
	var complaint *valueError
	if errors.As(err, &complaint) {
		return complaint
	}
	return err
}

// checkTemplates finds those that no recipe can be made anything of: they are tried with a start of each kind.
func (s *Service) checkTemplates() error {
	if _, err := s.LauncherOf(Start{}); err != nil && !isComplaint(err) {
		return err
	}
	files, err := fs.Glob(s.Files, "*.tmpl")
	if err != nil {
		return err
	}
	files = append(files, "argv.tmpl", "env.tmpl", "files.tmpl") // which may stand in service.yaml
	slices.Sort(files)
	for _, file := range slices.Compact(files) {
		name := strings.TrimSuffix(file, ".tmpl")
		text, err := s.text(name)
		if err != nil {
			return err
		}
		if name == "argv" && text == "" && !s.External() {
			return errors.New("there is no argv.tmpl, and no argv in service.yaml")
		}
		for _, launcher := range s.Launchers {
			start := sample(launcher)
			if _, err := s.Words(name, start); err != nil && !isComplaint(err) {
				return err
			}
			if _, err := s.Variables(start); err != nil && !isComplaint(err) {
				return err
			}
		}
	}
	return nil
}

// sample is a start by which templates are tried before there is a recipe.
func sample(launcher string) Start {
	return Start{Model: "owner/model", Launcher: launcher, Nodes: 2, Rank: 1, GPUs: 1, Tasks: 1, Concurrency: 1, Context: 1}
}

// isComplaint tells an error of a recipe's value from one of a template.
func isComplaint(err error) bool {
	var complaint *valueError
	return errors.As(err, &complaint)
}

func parse(name, text string) (*template.Template, error) {
	return template.New(name).Option("missingkey=error").Funcs(functions).Parse(text)
}
