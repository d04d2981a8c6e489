package workload

// Logs is what becomes of the logs while a job runs (spec §9): the whole content of node/logs.json, and so in no trial's key.
type Logs struct {
	JSONLines   bool     `json:"json_lines,omitempty"`  // each line as JSON, too
	FlushS      float64  `json:"flush_s"`               // from one write to the next
	Aggregation string   `json:"aggregation,omitempty"` // merged, per-node or none: which files of JSON lines there are
	Categories  []string `json:"categories,omitempty"`  // none: all four
	Console     bool     `json:"console,omitempty"`     // lines go to the job's own output, too
	Format      string   `json:"format,omitempty"`      // of these: text or json
	SizeMB      int      `json:"size_mb"`               // MiB: the most that the JSON lines take together, and each server's log
	AgeS        float64  `json:"age_s,omitempty"`       // seconds: the oldest that a JSON line may be; 0: no bound
	Kernel      bool     `json:"kernel,omitempty"`      // the monitors read the kernel's messages
}
