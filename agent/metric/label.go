package metric

// Label is one that metrics have, and what bounds the number of its values.
type Label struct{ Name, Is, Bound string }

// Labels are all labels of the table, and those that Prometheus or a Pushgateway adds.
var Labels = []Label{
	{"host", "the node's name", "the nodes of the job"},
	{"trial", "the trial's number, as in results/<jobid>", "the trials of the plan, one at a time"},
	{"name", "what the trial is called, such as c8-r1", "the trials of the plan, one at a time"},
	{"phase", "when the request was due; of trial_info where the trial is", "warmup, measure, cooldown, drain"},
	{"outcome", "how a request failed", "http_status, refused, timeout, disconnect, truncated, stream_error, empty, invalid, cancelled, not_sent"},
	{"kind", "whose tokens", "prompt, output"},
	{"endpoint", "a server's base URL", "the servers of the job; \"\" of what a command on a node says"},
	{"collector", "what was read", "the collectors of a monitor; of a client node the metrics that the recipe and the service add"},
	{"gpu", "the driver's index", "the GPUs of the node"},
	{"core", "the kernel's index", "the cores of the node"},
	{"reason", "why the GPU's clock is held down", "the reasons that the driver knows, about ten"},
	{"type", "of memory errors", "corrected, uncorrected"},
	{"scenario", "the recipe's scenario; added by prometheus.yml and in a Pushgateway", "the recipes of who watches"},
	{"jobid", "the job's directory below results/; added in the same way", "the jobs that are watched"},
	{"job", "client or node; added in the same way", "those two"},
	{"node", "the node's name, in a Pushgateway's grouping key alone", "the nodes of the job"},
}
