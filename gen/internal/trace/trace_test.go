package trace

import (
	"fmt"
	"strings"
	"testing"
	"text/template"
)

func TestLinesComeFromTheirTemplate(t *testing.T) {
	const src = `#!{{.Shell}}
# one {{.A}}
{{- range .List}}
item {{.}}
{{- end}}

{{if .A}}{{.B}}{{else}}no{{end}}
{{- /* a comment of
two lines */}}
{{with .Two}}  {{.}}{{end}}
end
{{.Two}}
{{- if .A}}
{{- end}}
`
	values := map[string]any{"Shell": "/bin/sh", "A": "a", "B": "b", "List": []string{"x", "y"}, "Two": "first\nsecond"}
	var plain, marked strings.Builder
	if err := template.Must(template.New("t").Parse(src)).Execute(&plain, values); err != nil {
		t.Fatal(err)
	}
	m := template.Must(template.New("t").Parse(src))
	Mark(m, "t", src)
	if err := m.Execute(&marked, values); err != nil {
		t.Fatal(err)
	}
	if got := string(Strip([]byte(marked.String()))); got != plain.String() {
		t.Errorf("stripped it is\n%q, not\n%q", got, plain.String())
	}
	var got strings.Builder
	for _, line := range Lines(marked.String()) {
		fmt.Fprintf(&got, "%s|%v\n", line.Text, line.Places)
	}
	want := `#!/bin/sh|[{t 1}]
# one a|[{t 2}]
item x|[{t 4}]
item y|[{t 4}]
|[{t 6}]
b|[{t 7}]
  first|[{t 10}]
second|[{t 10}]
end|[{t 11}]
first|[{t 12}]
second|[{t 12}]
|[{t 14}]
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestTagsGoRoundThroughAValue(t *testing.T) {
	words := Lines(Place{"a", 1}.Tag() + "one\n" + Place{"a", 2}.Tag() + "two")
	text := "rest\n" + words[0].Text + words[0].Tags() + "\n" + Place{"b", 7}.Tag() + "'" + words[1].Text + words[1].Tags() + "'"
	if got := fmt.Sprint(Lines(text)); got != "[{rest []} {one [{a 1}]} {'two' [{b 7} {a 2}]}]" {
		t.Errorf("got %s", got)
	}
	if got := Lines("x\ny"); len(got) != 2 || got[1].Text != "y" || got[1].Places != nil {
		t.Errorf("text without tags is %+v", got)
	}
}
