package summary

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"hpcbench/agent/internal/record"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

// schema compiles schemas/<name>.schema.yaml.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("../../../schemas/" + name + ".schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, value(t, asJSON)); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// value is a JSON text in the form the validator takes.
func value(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSummariesKeepTheirSchema(t *testing.T) {
	s := schema(t, "summary")
	tr := trial()
	tr.Workload.SLO = map[string]float64{"ttft": 1}
	whole := collect(tr, 0, 1, answer(3, 3, 0.1), failed(4, record.Timeout), failed(5, record.NotSent))
	whole.Client = &Client{CPUS: 3, WallS: 15, Threads: 2, ReadLag: lag(0.5)}
	up := failed(4, record.Cancelled)
	up.GivenUp = true
	searched := Merge(tr, []*Part{whole})
	searched.Search = &Search{
		Found: new(5.0), Holds: new(5.0), Fails: new(5.2), Attain: 0.99, Confidence: 0.95, WhyEnded: "precise enough",
		Probes: []Probe{{Rate: 5, N: 3, Good: 1, ShareGood: new(1.0 / 3), Verdict: ProbeFails}, {Rate: 1, Verdict: ProbeOpen, Why: "nothing was due"}},
	}
	told := Merge(tr, []*Part{whole})
	told.Server = &Server{IntervalS: 1, Told: All([]Told{full("http://a:1", 1), full("http://b:1", 2)}), Endpoints: []Told{full("http://a:1", 1), full("http://b:1", 2)}}
	costly := Merge(tr, []*Part{whole})
	level := &Level{Mean: 0.5, Max: 1}
	costly.Resources = &Resources{Began: 1, Window: [2]float64{2, 3}, Late: true, Nodes: []NodeUse{
		{Node: "cn02", Role: "server, client", Readings: 3, GapS: 0.5, CPU: level, Memory: level, GPUs: []GPUUse{{GPU: 0, Utilization: level, Memory: level, Power: level}}},
		{Node: "cn03"}}}
	costly.Energy = &Energy{Joules: new(10.0), Source: ByPower, Sensor: PowerSensor, IdleWatts: new(1.0), IdleJoules: new(2.0), IdleS: 3,
		GPUs: []GPUEnergy{{Node: "cn02", Joules: new(10.0), Source: ByPower, GapS: 0.5, IdleWatts: new(1.0)}}}
	costly.Share()
	unknown := Merge(tr, []*Part{whole})
	unknown.Energy = &Energy{Why: "GPU 0 of cn02 has too few readings", GPUs: []GPUEnergy{{Node: "cn02", GapS: 9}}}
	for name, summary := range map[string]*Summary{
		"told":     told,
		"costly":   costly,
		"unknown":  unknown,
		"searched": searched,
		"whole":    Merge(tr, []*Part{whole}), "none ok": Merge(tr, []*Part{collect(tr, 0, 1, failed(4, record.Refused))}), "no parts": Merge(tr, nil),
		"given up": Merge(tr, []*Part{collect(tr, 0, 1, answer(3, 3, 0.1), up)}),
	} {
		text, err := json.Marshal(summary)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value(t, text)); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	if s.Validate(value(t, []byte(`{"schema":1}`))) == nil {
		t.Error("the schema takes anything")
	}
}

func TestRecordsKeepTheirSchema(t *testing.T) {
	s := schema(t, "record")
	var file bytes.Buffer
	w := record.NewWriter(&file, record.Header{Trial: "0001", Node: "n1", Dialect: "openai-chat"})
	for _, outcome := range record.Outcomes() {
		r := failed(4, outcome)
		if outcome == record.OK {
			r = answer(3, 3, 0.1)
		}
		r.Error, r.Phase, r.GivenUp = "reset", record.Cooldown, outcome == record.Cancelled
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(file.String()) {
		if err := s.Validate(value(t, []byte(line))); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
	}
	if s.Validate(value(t, []byte(`{"id":1,"phase":"measure","endpoint":0,"outcome":"fine","bytes":0}`))) == nil {
		t.Error("the schema takes an unknown outcome")
	}
}
