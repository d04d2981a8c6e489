package workload

// Push says to which Pushgateway readings are pushed: executors push what they tell Prometheus as job client, monitors what they
// read as job node.
type Push struct {
	URL        string  `json:"url,omitempty"`         // such as http://mel2109:9091; "": the job's own, at addresses/pushgateway of its results
	IntervalS  float64 `json:"interval_s"`            // from one push to the next
	RetentionS float64 `json:"retention_s,omitempty"` // how long the last readings are to stay there after the job; 0: they go with it
	Scenario   string  `json:"scenario"`              // as written, a part of the grouping key
}
