// Package dashboard makes what Prometheus and Grafana are given of a bundle: a dashboard of its service, one of nodes and GPUs, and
// alert rules. All of it follows from the table of agent/metric and from what the service's folder says of its own metrics.
package dashboard

import (
	"bytes"
	"encoding/json"
)

// Dashboard is one of Grafana's, in its classic JSON (schema 39: Grafana 11 and later read it as it is; its published form is
// kinds/dashboard/dashboard_kind.cue of grafana/grafana).
type Dashboard struct {
	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Description   string      `json:"description"`
	Tags          []string    `json:"tags"`
	Timezone      string      `json:"timezone"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"` // 1: the crosshair is shared
	Refresh       string      `json:"refresh"`
	Time          span        `json:"time"`
	SchemaVersion int         `json:"schemaVersion"`
	Links         []link      `json:"links"`
	Annotations   annotations `json:"annotations"`
	Templating    templating  `json:"templating"`
	Panels        []Panel     `json:"panels"`
}

// JSON is the dashboard as a file that a person can read.
func (d Dashboard) JSON() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(d)
	return out.Bytes(), err
}

type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// link leads to the other dashboards of hpcbench, with the variables and the time kept.
type link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	TargetBlank bool     `json:"targetBlank"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// prometheus is the data source that the variable of that name chooses.
var prometheus = &source{Type: "prometheus", UID: "${datasource}"}

type annotations struct {
	List []annotation `json:"list"`
}

// annotation marks the time over which a series is there: Grafana joins readings that follow each other.
type annotation struct {
	Name        string  `json:"name"`
	Datasource  *source `json:"datasource"`
	Enable      bool    `json:"enable"`
	IconColor   string  `json:"iconColor"`
	Expr        string  `json:"expr"`
	Step        string  `json:"step"`
	TitleFormat string  `json:"titleFormat"`
	TextFormat  string  `json:"textFormat"`
}

type templating struct {
	List []variable `json:"list"`
}

type variable struct {
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	Type       string  `json:"type"`
	Datasource *source `json:"datasource,omitempty"`
	Query      any     `json:"query"` // text, of a data source; else a labelValues
	Refresh    int     `json:"refresh,omitempty"`
	Sort       int     `json:"sort,omitempty"`
	Multi      bool    `json:"multi"`
	IncludeAll bool    `json:"includeAll"`
	AllValue   string  `json:"allValue,omitempty"`
	Current    *option `json:"current,omitempty"`
}

type labelValues struct {
	Query string `json:"query"`
	RefID string `json:"refId"`
}

type option struct {
	Text  []string `json:"text"`
	Value []string `json:"value"`
}

// Panel is a panel, or the row above some.
type Panel struct {
	ID              int            `json:"id"`
	Type            string         `json:"type"`
	Title           string         `json:"title"`
	Description     string         `json:"description,omitempty"`
	Grid            grid           `json:"gridPos"`
	Collapsed       *bool          `json:"collapsed,omitempty"` // of a row
	Panels          *[]Panel       `json:"panels,omitempty"`    // of a row: none, since it is open
	Datasource      *source        `json:"datasource,omitempty"`
	Targets         []Target       `json:"targets,omitempty"`
	Transformations []transform    `json:"transformations,omitempty"`
	Options         map[string]any `json:"options,omitempty"` // Grafana's, by the panel's type
	Fields          *fields        `json:"fieldConfig,omitempty"`
}

// grid is a place on the page, which is 24 wide.
type grid struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Target is a query of a panel.
type Target struct {
	RefID      string  `json:"refId"`
	Datasource *source `json:"datasource"`
	Expr       string  `json:"expr"`
	Legend     string  `json:"legendFormat,omitempty"`
	Instant    bool    `json:"instant,omitempty"`
	Range      bool    `json:"range,omitempty"`
	Format     string  `json:"format"` // time_series or table
}

type transform struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}

type fields struct {
	Defaults  defaults   `json:"defaults"`
	Overrides []struct{} `json:"overrides"`
}

type defaults struct {
	Unit       string         `json:"unit,omitempty"`
	Decimals   *int           `json:"decimals,omitempty"`
	Min        *float64       `json:"min,omitempty"`
	Max        *float64       `json:"max,omitempty"`
	NoValue    string         `json:"noValue,omitempty"`
	Color      *color         `json:"color,omitempty"`
	Mappings   []mapping      `json:"mappings,omitempty"`
	Thresholds *thresholds    `json:"thresholds,omitempty"`
	Custom     map[string]any `json:"custom,omitempty"`
}

type color struct {
	Mode string `json:"mode"`
}

type mapping struct {
	Type    string             `json:"type"`
	Options map[string]mapInto `json:"options"`
}

type mapInto struct {
	Text  string `json:"text"`
	Color string `json:"color"`
}

type thresholds struct {
	Mode  string      `json:"mode"`
	Steps []threshold `json:"steps"`
}

type threshold struct {
	Value *float64 `json:"value"` // nil: from below
	Color string   `json:"color"`
}
