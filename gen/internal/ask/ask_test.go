package ask

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

// said asks one question with these lines for answers.
func said(q Question, lines string) (answer, out string, err error) {
	var b strings.Builder
	a := &Asker{In: bufio.NewReader(strings.NewReader(lines)), Out: &b, Echo: true}
	answer, err = a.Ask(q)
	return answer, b.String(), err
}

func TestAsk(t *testing.T) {
	small := func(s string) error {
		if len(s) > 3 {
			return errors.New("too long (write less)")
		}
		return nil
	}
	for _, c := range []struct {
		name, lines string
		q           Question
		want        string
		err         error
		says        string
	}{
		{"an answer", "x\n", Question{Text: "q"}, "x", nil, "  q: x\n"},
		{"blanks around it", "  x y \n", Question{Text: "q"}, "x y", nil, ""},
		{"the last line has no end", "x", Question{Text: "q"}, "x", nil, ""},
		{"the default", "\n", Question{Text: "q", Default: "d"}, "d", nil, "  q [d]: \n"},
		{"needed", "\nx\n", Question{Text: "q"}, "x", nil, "it needs an answer"},
		{"optional", "\n", Question{Text: "q", Optional: true}, "", nil, "  q []: \n"},
		{"left out", "-\n", Question{Text: "q", Optional: true, Default: "d"}, "", nil, ""},
		{"back", "<\n", Question{Text: "q"}, "", ErrBack, ""},
		{"the end", "", Question{Text: "q", Default: "d"}, "", ErrEnd, ""},
		{"refused", "long\nx\n", Question{Text: "q", Check: small}, "x", nil, "    too long (write less)\n"},
		{"a default that is refused", "\nx\n", Question{Text: "q", Default: "long", Check: small}, "x", nil, "too long"},
		{"help", "?\nx\n", Question{Text: "q", Help: "what it is", Choices: []string{"x", "y"}}, "x", nil, "    what it is\n    There are x, y.\n"},
		{"none of the choices", "z\nx\n", Question{Text: "q", Choices: []string{"x", "y"}, Fixed: true}, "x", nil, `"z" is none of x, y`},
		{"not among the choices", "z\n", Question{Text: "q", Choices: []string{"x", "y"}}, "z", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, out, err := said(c.q, c.lines)
			if got != c.want || !errors.Is(err, c.err) || !strings.Contains(out, c.says) {
				t.Errorf("%q, %v, said %q", got, err, out)
			}
		})
	}
}

func TestWithoutAnybodyEveryAnswerIsTheDefault(t *testing.T) {
	var b strings.Builder
	a := &Asker{Out: &b}
	if got, err := a.Ask(Question{Text: "q", Default: "d"}); got != "d" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := a.Ask(Question{Text: "q"}); err == nil || !strings.Contains(err.Error(), "q: there is no default for it") {
		t.Errorf("%v", err)
	}
}
