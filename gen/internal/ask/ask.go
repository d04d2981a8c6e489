// Package ask puts questions to a person on a terminal, a line for an answer. A script answers the same way through a
// pipe; its answers are echoed, so that what comes out reads like a conversation.
package ask

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrBack is the answer "<": to the question before.
var ErrBack = errors.New("back to the question before")

// ErrEnd is the end of the answers: ctrl-D, or a pipe that has no more lines.
var ErrEnd = errors.New("no more answers")

// Asker asks. Out must be set; In may be nil, and then every answer is the default.
type Asker struct {
	In       *bufio.Reader
	Out      io.Writer
	Echo     bool // answers don't come from a terminal, which would show them itself
	Answered int  // lines that were read
}

// Question is one question. What is empty is not used.
type Question struct {
	Text     string // "model"
	Default  string // what an empty line means
	Optional bool   // "-" leaves it out
	Choices  []string
	Help     string                    // the answer to "?"
	Check    func(answer string) error // what is wrong with an answer, for the person
	Fixed    bool                      // a choice is one of Choices, not only like one
}

// Line reads one line after a prompt, without blanks around it.
func (a *Asker) Line(prompt string) (string, error) {
	if _, err := io.WriteString(a.Out, prompt); err != nil {
		return "", err
	}
	if a.In == nil {
		fmt.Fprintln(a.Out)
		return "", nil
	}
	line, err := a.In.ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" {
		fmt.Fprintln(a.Out)
		return "", ErrEnd
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading an answer: %w", err)
	}
	a.Answered++
	line = strings.TrimSpace(line)
	if a.Echo {
		fmt.Fprintln(a.Out, line)
	}
	return line, nil
}

// Ask asks until there is an answer that Check accepts. A default is held against Check, too, and one that it refuses
// is no default. The answer to what is optional may be "".
func (a *Asker) Ask(q Question) (string, error) {
	for {
		line, err := a.Line(q.prompt())
		if err != nil {
			return "", err
		}
		switch {
		case line == "<":
			return "", ErrBack
		case line == "?":
			fmt.Fprint(a.Out, q.help())
			continue
		case line == "-" && q.Optional, line == "" && q.Optional && q.Default == "":
			return "", nil
		case line == "":
			line = q.Default
		}
		complaint := q.refuse(line)
		switch {
		case complaint == "":
			return line, nil
		case a.In == nil && line == "":
			return "", fmt.Errorf("%s: there is no default for it", q.Text)
		case a.In == nil:
			return "", fmt.Errorf("%s: %s", q.Text, complaint) // the same again would be refused again
		}
		fmt.Fprintf(a.Out, "    %s\n", complaint)
	}
}

// refuse is what is wrong with an answer; "" if nothing is.
func (q Question) refuse(line string) string {
	switch {
	case line == "":
		return "it needs an answer (? tells more, < goes a step back)"
	case q.Fixed && !slices.Contains(q.Choices, line):
		return fmt.Sprintf("%q is none of %s", line, strings.Join(q.Choices, ", "))
	case q.Check != nil:
		if err := q.Check(line); err != nil {
			return err.Error()
		}
	}
	return ""
}

// prompt is the question on one line, with what an empty answer means in brackets.
func (q Question) prompt() string {
	text := "  " + q.Text
	if q.Default != "" {
		text += " [" + q.Default + "]"
	} else if q.Optional {
		text += " []"
	}
	return text + ": "
}

// help is what "?" tells.
func (q Question) help() string {
	var b strings.Builder
	for _, line := range wrap(q.Help, 100) {
		b.WriteString("    " + line + "\n")
	}
	if len(q.Choices) > 0 {
		for _, line := range wrap("There are "+strings.Join(q.Choices, ", ")+".", 100) {
			b.WriteString("    " + line + "\n")
		}
	}
	if q.Optional {
		b.WriteString("    - leaves it out.\n")
	}
	b.WriteString("    < goes a step back, ctrl-C ends it all without a trace.\n")
	return b.String()
}

// wrap breaks a text into lines between words.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
