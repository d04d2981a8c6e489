package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// flags are a verb's flags in the order they were declared, with headings between them.
type flags struct {
	set    *flag.FlagSet
	order  []string          // names; a heading has a blank before it
	values map[string]string // what stands for a flag's value in the help text
	must   []string          // names of those that have to be given
}

func newFlags(name string) *flags {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	return &flags{set: set, values: map[string]string{}}
}

// heading begins a group of flags.
func (f *flags) heading(text string) { f.order = append(f.order, " "+text) }

// need makes the flags declared under these names obligatory.
func (f *flags) need(names ...string) { f.must = append(f.must, names...) }

// Each of these declares a flag. Its value is called kind in the help text.

func (f *flags) text(name, kind, standard, usage string) *string {
	f.add(name, kind)
	return f.set.String(name, standard, usage)
}

func (f *flags) number(name, kind string, standard int, usage string) *int {
	f.add(name, kind)
	return f.set.Int(name, standard, usage)
}

func (f *flags) real(name, kind string, standard float64, usage string) *float64 {
	f.add(name, kind)
	return f.set.Float64(name, standard, usage)
}

func (f *flags) is(name, usage string) *bool {
	f.add(name, "")
	return f.set.Bool(name, false, usage)
}

func (f *flags) time(name string, standard time.Duration, usage string) *time.Duration {
	f.add(name, "TIME")
	f.set.Var((*span)(&standard), name, usage)
	return &standard
}

func (f *flags) value(name, kind string, v flag.Value, usage string) {
	f.add(name, kind)
	f.set.Var(v, name, usage)
}

// each calls set for each time the flag is given.
func (f *flags) each(name, kind, usage string, set func(string) error) {
	f.add(name, kind)
	f.set.Func(name, usage, set)
}

func (f *flags) add(name, kind string) {
	f.order = append(f.order, name)
	f.values[name] = kind
}

// span is a duration with its unit. Unlike flag's own, its error says what to write instead.
type span time.Duration

func (s *span) String() string {
	text := time.Duration(*s).String()
	text = strings.TrimSuffix(text, "0s")
	if text == "" {
		return "0"
	}
	if m, ok := strings.CutSuffix(text, "h0m"); ok {
		return m + "h"
	}
	if time.Duration(*s) < time.Minute {
		return time.Duration(*s).String()
	}
	return text
}

func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		if _, err := time.ParseDuration(text + "s"); err == nil {
			return fmt.Errorf("a time needs its unit: %ss", text)
		}
		return errors.New("want a time such as 500ms, 30s or 2m")
	}
	if d < 0 {
		return errors.New("a time can't be negative")
	}
	*s = span(d)
	return nil
}

// given reports whether the command line has the flag.
func (f *flags) given(name string) bool {
	found := false
	f.set.Visit(func(g *flag.Flag) { found = found || g.Name == name })
	return found
}

// parse reads flags wherever they stand and returns the operands between them; "--" ends the flags.
func (f *flags) parse(args []string) ([]string, error) {
	var operands []string
	var wrong []error
	line := args
	for len(args) > 0 {
		if err := f.set.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			wrong = append(wrong, f.explain(err))
			args = f.after(err)
			continue
		}
		rest := f.set.Args()
		read := len(args) - len(rest)
		if read > 0 && args[read-1] == "--" {
			operands = append(operands, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
	for _, name := range f.must {
		if !f.given(name) && !mentions(line, name) {
			wrong = append(wrong, usage("--%s is missing; agent %s -h shows how it is used", name, f.set.Name()))
		}
	}
	return operands, errors.Join(wrong...)
}

// mentions reports whether a command line names a flag, whatever its value.
func mentions(args []string, name string) bool {
	return slices.ContainsFunc(args, func(arg string) bool {
		own, _, _ := strings.Cut(arg, "=")
		return own == "-"+name || own == "--"+name
	})
}

// unknown begins flag's error about one that is not declared.
const unknown = "flag provided but not defined: -"

// after is the arguments behind one that was wrong. An unknown flag is taken to have a value where a word follows it.
func (f *flags) after(err error) []string {
	rest := f.set.Args()
	if name, is := strings.CutPrefix(err.Error(), unknown); is && !strings.Contains(name, "=") && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return rest[1:]
	}
	return rest
}

// problems are what is wrong with a command line, told all at once.
type problems struct{ all []error }

// note takes a problem in, where there is one.
func (p *problems) note(wrong bool, format string, args ...any) {
	if wrong {
		p.all = append(p.all, usage(format, args...))
	}
}

// err is all of them; nil where there is none.
func (p *problems) err() error { return errors.Join(p.all...) }

var dashed = regexp.MustCompile(`(: |flag |for )-{1,2}([A-Za-z])`)

// explain makes flag's errors read as ours do, and adds what was probably meant.
func (f *flags) explain(err error) error {
	if name, is := strings.CutPrefix(err.Error(), unknown); is {
		var names []string
		f.set.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
		return usage("unknown flag --%s%s; agent %s -h lists them", strings.TrimLeft(name, "-"), guess(name, names), f.set.Name())
	}
	return usage("%s", dashed.ReplaceAllString(f.wanted(err.Error()), "$1--$2"))
}

// misread is the end of flag's error about a value that it could not read.
var misread = regexp.MustCompile(`-([^ -]\S*): (parse error|value out of range)$`)

// wanted puts what a flag's value has to be in the place of flag's own words, which don't say it.
func (f *flags) wanted(text string) string {
	at := misread.FindStringSubmatchIndex(text)
	if at == nil {
		return text
	}
	want := "true or false"
	switch f.set.Lookup(text[at[2]:at[3]]).Value.(flag.Getter).Get().(type) {
	case int:
		want = "a whole number"
	case float64:
		want = "a number"
	}
	return text[:at[4]] + "want " + want
}

// usage is the flags of the usage line: those that have to be given, and a word for the others.
func (f *flags) usage() string {
	var words []string
	for _, name := range f.must {
		words = append(words, "--"+name+" "+f.values[name])
	}
	if len(f.order) > len(f.must) {
		words = append(words, "[flags]")
	}
	return strings.Join(words, " ")
}

// help is the list of flags with their defaults.
func (f *flags) help() string {
	var b strings.Builder
	for k, name := range f.order {
		if heading, ok := strings.CutPrefix(name, " "); ok {
			fmt.Fprintf(&b, "\n%s\n", heading)
			continue
		}
		if k == 0 {
			b.WriteString("\n")
		}
		g := f.set.Lookup(name)
		usage := g.Usage
		if g.DefValue != "" && g.DefValue != "0" && g.DefValue != "false" {
			usage += " (default " + g.DefValue + ")"
		}
		dashes := "--"[:min(2, len(name))]
		indent := fmt.Sprintf("  %-26s ", strings.TrimSpace(dashes+name+" "+f.values[name]))
		b.WriteString(indent + strings.ReplaceAll(usage, "\n", "\n"+strings.Repeat(" ", len(indent))) + "\n")
	}
	return b.String()
}
