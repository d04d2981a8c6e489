package workload

import (
	"reflect"
	"testing"
)

func TestSelectors(t *testing.T) {
	for text, want := range map[string]Selector{
		"up":                       {Name: "up"},
		`vllm:x{a="b"}`:            {Name: "vllm:x", Labels: map[string]string{"a": "b"}},
		`x{}`:                      {Name: "x"},
		`x{a="b",c="d"}`:           {Name: "x", Labels: map[string]string{"a": "b", "c": "d"}},
		`x{ a = "}\"," , c="\\"} `: {Name: "x", Labels: map[string]string{"a": `}",`, "c": `\`}},
	} {
		if got, err := ParseSelector(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1x", "x y", `x{a}`, `x{a=b}`, `x{a="b"`, `x{a="b" c="d"}`, `x{a=~"b"}`, `{a="b"}`, `sum(x)`} {
		if got, err := ParseSelector(text); err == nil {
			t.Errorf("%s: %v, want an error", text, got)
		}
	}
}

func TestColumnsCarryTheirUnit(t *testing.T) {
	for want, m := range map[string]Metric{
		"custom_fan":           {Name: "fan"},
		"custom_fan_rpm":       {Name: "fan", Unit: "rpm"},
		"custom_fan_speed_rpm": {Name: "fan_speed_rpm", Unit: "rpm"},
		"custom_fan_1_s":       {Name: "fan", Unit: "1/s"},
		"custom_load":          {Name: "load", Unit: "%"},
	} {
		if got := m.Column(); got != want {
			t.Errorf("%+v: %s, want %s", m, got, want)
		}
	}
}

func TestMetricNames(t *testing.T) {
	for name, want := range map[string]bool{"fan_speed": true, "_x1": true, "a:b": false, "1x": false, "": false, "__name": false, "é": false} {
		if MetricName(name) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	}
}
