package monitor

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// parseAgentGPU reads a line of agent-gpu: one JSON object.
func parseAgentGPU(line []byte) (r reading, err error) {
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("reading agent-gpu's line %q: %w", line, err)
	}
	return r, nil
}

// smiFields is what nvidia-smi is asked for. It has no field for the energy counter.
const smiFields = "index,utilization.gpu,memory.used,power.draw,temperature.gpu"

// parseSMI reads a line of nvidia-smi --format=csv,noheader,nounits, such as "0, 37, 2173, 118.52, 41": index, percent,
// MiB, watts, degrees Celsius. What it can't read it writes as [N/A], N/A, [Not Supported], [Unknown Error] or
// [GPU requires reset]: whatever is no number is missing.
func parseSMI(line []byte) (r reading, err error) {
	fields := strings.Split(string(line), ",")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	if want := strings.Count(smiFields, ",") + 1; len(fields) != want {
		return r, fmt.Errorf("nvidia-smi's line %q has %d fields, not %d", line, len(fields), want)
	}
	if r.GPU, err = strconv.Atoi(fields[0]); err != nil || r.GPU < 0 {
		return r, fmt.Errorf("nvidia-smi's line %q has no GPU index", line)
	}
	r.Utilization = scaled(fields[1], 1.0/100)
	r.MemoryUsed = scaled(fields[2], 1<<20)
	r.Power = scaled(fields[3], 1)
	r.Temperature = scaled(fields[4], 1)
	return r, nil
}

// scaled is the number in text times unit; nil where there is none.
func scaled(text string, unit float64) *float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	n *= unit
	return &n
}
