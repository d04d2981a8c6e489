package dashboard

// frame is a dashboard without panels. Its variables' values are those of the series called by; hosts is a regular expression on names of
// series that each node has one of, for Prometheus refuses a query that could be for all series.
func frame(uid, title, description, by, hosts string) Dashboard {
	return Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"hpcbench"}, Timezone: "browser", Editable: true,
		GraphTooltip: 1, Refresh: "10s", Time: span{"now-30m", "now"}, SchemaVersion: 39,
		Links: []link{{Title: "hpcbench", Type: "dashboards", Icon: "external link", Tooltip: "the other dashboards of hpcbench", Tags: []string{"hpcbench"},
			AsDropdown: true, IncludeVars: true, KeepTime: true}},
		Annotations: annotations{List: []annotation{}},
		Templating: templating{List: []variable{
			{Name: "datasource", Label: "Prometheus", Type: "datasource", Query: "prometheus"},
			chooser("scenario", "Scenario", "label_values("+by+", scenario)"),
			chooser("jobid", "Job", "label_values("+by+`{scenario=~"$scenario"}, jobid)`),
			chooser("host", "Node", `label_values({__name__=~"`+hosts+`",scenario=~"$scenario",jobid=~"$jobid"}, host)`),
		}},
	}
}

// chooser is a variable whose values Prometheus has: one, several or all of them. All is everything, so that a series without the
// label counts too.
func chooser(name, label, values string) variable {
	return variable{
		Name: name, Label: label, Type: "query", Datasource: prometheus, Query: labelValues{values, name}, Refresh: 2, Sort: 1,
		Multi: true, IncludeAll: true, AllValue: ".*", Current: &option{[]string{"All"}, []string{"$__all"}},
	}
}

// during marks the times at which the series of an expression are there.
func during(name, iconColor, expr, title, text string) annotation {
	return annotation{Name: name, Datasource: prometheus, Enable: true, IconColor: iconColor, Expr: expr, Step: "15s", TitleFormat: title, TextFormat: text}
}
