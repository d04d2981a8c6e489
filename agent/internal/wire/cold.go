package wire

// How a cold start shows. load_duration is the time from a request's arrival to the moment its model is ready, so it is never
// 0: a loaded model takes what it takes to find that out. That was 1.4 to 5.6 ms with Ollama 0.24
// (testdata/ollama-0.24.tsv), and users report 0.66 to 0.85 s with 0.32, which reads the model's metadata anew for each request,
// where a load took 3 s. While a runner starts, Ollama looks every 250 ms whether it is up (WaitUntilRunning in
// llm/, as of August 2026): no load is much shorter, and a tiny model's took 280 ms. So a second is a load; from a quarter of a
// second on it is one where the endpoint was ten times as quick before.
const (
	coldAlways     = 1.0  // s
	coldAtLeast    = 0.25 // s
	coldThanBefore = 10
)

// Cold reports whether the server loaded its model for a request, by the time in seconds that it says it took to have it
// ready; 0: it does not say. The encoder remembers the shortest of its endpoint.
func (e *Encoder) Cold(load float64) bool {
	if load <= 0 {
		return false
	}
	cold := load >= coldAlways || load >= coldAtLeast && e.readiest > 0 && load >= coldThanBefore*e.readiest
	if e.readiest == 0 || load < e.readiest {
		e.readiest = load
	}
	return cold
}
