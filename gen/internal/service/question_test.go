package service

import (
	"strings"
	"testing"
	"testing/fstest"
)

const asking = `name: mine
dialects: [openai-chat]
health: {path: /health}
argv: |
  x
ask:
  - {path: workload.model, default: m1}
  - {path: servers.service_config.size, when: "{{gt .GPUs 0}}", default: "{{.GPUs}}"}
  - {path: binds, text: the models first, default: "/p/{{.Account}}:/m", optional: true, when: '{{get .Config "deep.er"}}'}
`

func load(t *testing.T, text string) (*Service, error) {
	t.Helper()
	return Load(fstest.MapFS{"mine/service.yaml": {Data: []byte(text)}}, "mine")
}

func TestQuestions(t *testing.T) {
	s, err := load(t, asking)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		known Known
		want  string
	}{
		{Known{}, "workload.model=m1"},
		{Known{GPUs: 4}, "workload.model=m1 servers.service_config.size=4"},
		{Known{Account: "p1", Config: map[string]any{"deep": map[string]any{"er": true}}}, "workload.model=m1 binds=/p/p1:/m"},
	} {
		all, err := s.Questions(c.known)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, q := range all {
			got = append(got, q.Path+"="+q.Default)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: got %v, want %s", c.known, got, c.want)
		}
	}
}

func TestQuestionsThatCannotBeAsked(t *testing.T) {
	for old, new := range map[string]string{"path: binds, ": "", "{{.GPUs}}": "{{.Cores}}", "{{gt .GPUs 0}}": "{{gt .GPUs"} {
		if _, err := load(t, strings.Replace(asking, old, new, 1)); err == nil || !strings.Contains(err.Error(), "services/mine/service.yaml: ") {
			t.Errorf("%q: %v", new, err)
		}
	}
}
