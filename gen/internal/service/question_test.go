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
	for old, c := range map[string]struct{ new, want string }{
		"path: binds, ":  {"", "services/mine/service.yaml:9: ask[2] needs a path"},
		"{{.GPUs}}":      {"{{.Cores}}", "services/mine/service.yaml:8: ask[1]: servers.service_config.size: <.Cores>: can't evaluate field Cores of the answers so far (docs/services.md has those that there are)"},
		"{{gt .GPUs 0}}": {"{{gt .GPUs", "services/mine/service.yaml:8: ask[1]: servers.service_config.size: unclosed action"},
	} {
		if _, err := load(t, strings.Replace(asking, old, c.new, 1)); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.new, err, c.want)
		}
	}
}
