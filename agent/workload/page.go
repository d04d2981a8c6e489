package workload

// Page is a look at a server that generates: a GET, whose answer is JSON. pages/DEPLOYMENT.json is a list of them, in the bundle,
// beside argv/ and env/.
type Page struct {
	Path  string   `json:"path"`            // on each endpoint, such as /api/ps
	Items string   `json:"items,omitempty"` // key of the list in the answer whose items are looked at; "": the answer is the only one
	Less  string   `json:"less,omitempty"`  // key of an item's number that must not be smaller than that of Than; "": nothing is wrong
	Than  string   `json:"than,omitempty"`
	Cause string   `json:"cause,omitempty"` // what it means when it is smaller, and what helps
	Cure  string   `json:"cure,omitempty"`
	Proof []string `json:"proof,omitempty"` // keys of an item that are worth keeping in job.json
}
