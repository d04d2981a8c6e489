// Package wizard asks a person, step by step, for what a recipe needs.
//
// Every answer is held against the rules of recipes as soon as it is given, together with those before it. What to ask
// about a service is in its folder, what a site has in its profile.
package wizard

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hpcbench/gen/internal/ask"
	"hpcbench/gen/internal/cluster"
	"hpcbench/gen/internal/diag"
	"hpcbench/gen/internal/recipe"
	"hpcbench/gen/internal/service"
)

// Wizard asks. All but Given must be set.
type Wizard struct {
	Asker    *ask.Asker
	Services []*service.Service
	Clusters []*cluster.Profile
	Given    []recipe.Set // answers that are there already, and not asked for
	// Judge reads a recipe of nothing but these settings, and tells all that is wrong with it. Each setting is the place
	// of what it has wrong.
	Judge func([]recipe.Set) (*recipe.File, diag.List)

	answers []recipe.Set // in the order in which they were given
	service *service.Service
	cluster *cluster.Profile
	file    *recipe.File      // of the answers so far
	known   diag.List         // what was wrong before the answer at hand
	earlier map[string]string // answers that were taken back, by path
}

// Run asks all questions and returns the answers. ask.ErrEnd is one who gave up.
func (w *Wizard) Run() ([]recipe.Set, error) {
	w.answers = slices.Clone(w.Given)
	w.judge()
	var asked []string
	step := 0
	for {
		if err := w.learn(); err != nil {
			return nil, err
		}
		q, ok, err := w.next(asked)
		if err != nil || !ok {
			return w.sets(), err
		}
		if q.step != step {
			step = q.step
			fmt.Fprintf(w.Asker.Out, "\n%d of %d  %s\n%s", step, len(steps), steps[step-1], q.intro)
		}
		answer, err := w.Asker.Ask(w.question(q))
		switch {
		case errors.Is(err, ask.ErrBack):
			if len(asked) > 0 {
				w.takeBack(asked[len(asked)-1])
				asked = asked[:len(asked)-1]
			}
		case err != nil && w.Asker.In == nil:
			return nil, fmt.Errorf("%w (--set %s=VALUE)", err, q.path)
		case err != nil:
			return nil, err
		default:
			asked = append(asked, q.path)
			w.put(q.path, answer)
		}
		w.judge()
	}
}

// next is the first question that was not asked and not answered beforehand.
func (w *Wizard) next(asked []string) (question, bool, error) {
	all, err := w.questions()
	if err != nil {
		return question{}, false, err
	}
	for _, q := range all {
		if !slices.Contains(asked, q.path) && w.value(q.path) == "" {
			return q, true, nil
		}
	}
	return question{}, false, nil
}

// question is a question as package ask has it, with the language's words about the key.
func (w *Wizard) question(q question) ask.Question {
	key, _ := w.file.About(q.path)
	if len(key.Words) > 0 && q.choices == nil {
		q.choices, q.fixed = key.Words, true
	}
	def := cmp.Or(w.earlier[q.path], q.def)
	if def == "" && !q.optional {
		def = key.Default
	}
	return ask.Question{
		Text: q.text, Default: def, Optional: q.optional, Choices: q.choices, Fixed: q.fixed,
		Help:  strings.TrimSpace(q.path + ": " + key.Doc + " " + key.Says),
		Check: func(answer string) error { return w.refuse(q.path, answer) },
	}
}

// refuse is what an answer would make wrong that was right before. What is missing is still to be asked for; warnings
// are told, and are no reason.
func (w *Wizard) refuse(path, answer string) error {
	before := w.answers
	defer func() { w.answers = before }()
	w.answers = slices.Clone(w.answers)
	w.put(path, answer)
	_, found := w.Judge(w.sets())
	for _, d := range found {
		if d.Code == "missing-field" || slices.ContainsFunc(w.known, func(k diag.Diagnostic) bool { return k.Message == d.Message }) {
			continue
		}
		text := d.Message
		if d.Cure != "" {
			text += " (" + d.Cure + ")"
		}
		if d.Severity == diag.Error {
			return errors.New(text)
		}
		if d.Pos.File == place(path) {
			fmt.Fprintf(w.Asker.Out, "    %s: %s\n", d.Severity, text)
		}
	}
	return nil
}

// place is the file that a diagnostic of a setting names.
func place(path string) string { return "--set " + path }

// judge reads the answers so far.
func (w *Wizard) judge() { w.file, w.known = w.Judge(w.sets()) }

// learn finds the service and the profile that were chosen.
func (w *Wizard) learn() error {
	w.service, w.cluster = nil, nil
	for _, s := range w.Services {
		if s.Name == w.value("workload.service") {
			w.service = s
		}
	}
	for _, c := range w.Clusters {
		if c.Name == w.value("cluster") {
			w.cluster = c
		}
	}
	switch {
	case w.service == nil && w.value("workload.service") != "":
		return fmt.Errorf("no service %q (there are %s)", w.value("workload.service"), strings.Join(w.serviceNames(), ", "))
	case w.cluster == nil && w.value("cluster") != "":
		return fmt.Errorf("no cluster profile %q (there are %s)", w.value("cluster"), strings.Join(w.clusterNames(), ", "))
	}
	return nil
}

// value is an answer as it was given; "" where there is none.
func (w *Wizard) value(path string) string {
	for _, s := range w.answers {
		if s.Path == path {
			return s.Value
		}
	}
	return ""
}

// put keeps an answer. What was left out is kept too, as nothing.
func (w *Wizard) put(path, answer string) {
	w.drop(path)
	if answer == "" {
		return
	}
	key, _ := w.file.About(path)
	w.answers = append(w.answers, recipe.Set{Path: path, Value: key.Value(answer)})
}

// takeBack forgets an answer, and offers it when the question is asked again. With another service or cluster the others
// would be wrong.
func (w *Wizard) takeBack(path string) {
	if w.earlier == nil || path == "workload.service" || path == "cluster" {
		w.earlier = map[string]string{}
	}
	w.earlier[path] = w.value(path)
	w.drop(path)
}

func (w *Wizard) drop(path string) {
	w.answers = slices.DeleteFunc(slices.Clone(w.answers), func(s recipe.Set) bool { return s.Path == path })
}

func (w *Wizard) serviceNames() []string {
	var names []string
	for _, s := range w.Services {
		names = append(names, s.Name)
	}
	return names
}

func (w *Wizard) clusterNames() []string {
	var names []string
	for _, c := range w.Clusters {
		names = append(names, c.Name)
	}
	return names
}
