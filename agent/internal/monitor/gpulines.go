package monitor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// parseAgentGPU reads a line of agent-gpu: one JSON object.
func parseAgentGPU(line []byte) ([]reading, error) {
	var r reading
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("reading agent-gpu's line %q: %w", line, err)
	}
	if r.GPU < 0 {
		return nil, fmt.Errorf("agent-gpu's line %q has no GPU index", line)
	}
	return []reading{r}, nil
}

// smiBasics is what every nvidia-smi knows. It has no field for the energy counter, for NVLink, for what goes over PCIe, nor
// for the number of processes.
const smiBasics = "index,utilization.gpu,memory.used,memory.total,power.draw,temperature.gpu"

// smiFields are what nvidia-smi is asked for, the most first (nvidia-smi --help-query-gpu).
var smiFields = []string{
	smiBasics + ",clocks.sm,clocks.mem,clocks_event_reasons.active,ecc.errors.corrected.volatile.total,ecc.errors.uncorrected.volatile.total",
	smiBasics + ",clocks.sm,clocks.mem,clocks_throttle_reasons.active,ecc.errors.corrected.volatile.total,ecc.errors.uncorrected.volatile.total",
	smiBasics,
}

// smiParser reads a line of nvidia-smi --format=csv,noheader,nounits, such as "0, 37, 2173, 81559, 118.52, 41": index,
// percent, MiB, MiB, watts, degrees Celsius; then MHz, MHz, a mask, and two counts. What it can't read it writes as [N/A],
// N/A, [Not Supported], [Unknown Error] or [GPU requires reset]: whatever is no number is missing.
func smiParser(asked string) func(line []byte) ([]reading, error) {
	want := strings.Count(asked, ",") + 1
	return func(line []byte) ([]reading, error) {
		fields := strings.Split(string(line), ",")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if len(fields) != want {
			return nil, fmt.Errorf("nvidia-smi's line %q has %d fields, not %d", line, len(fields), want)
		}
		var r reading
		var err error
		if r.GPU, err = strconv.Atoi(fields[0]); err != nil || r.GPU < 0 {
			return nil, fmt.Errorf("nvidia-smi's line %q has no GPU index", line)
		}
		r.Utilization, r.MemoryUsed, r.MemoryTotal = scaled(fields[1], 1.0/100), scaled(fields[2], 1<<20), scaled(fields[3], 1<<20)
		r.Power, r.Temperature = scaled(fields[4], 1), scaled(fields[5], 1)
		if more := fields[6:]; len(more) > 0 {
			r.SMClock, r.MemoryClock, r.Throttle = scaled(more[0], 1e6), scaled(more[1], 1e6), reasons(more[2])
			r.ECCCorrected, r.ECCUncorrected = scaled(more[3], 1), scaled(more[4], 1)
		}
		return []reading{r}, nil
	}
}

// throttleBits are the bits of nvmlClocksEventReasons by our words, which are agent-gpu's; that of idling, 1, is left out: an
// idle GPU is not held down.
var throttleBits = []struct {
	bit  uint64
	word string
}{
	{0x2, "applications_clocks"}, {0x4, "sw_power_cap"}, {0x8, "hw_slowdown"}, {0x10, "sync_boost"}, {0x20, "sw_thermal"},
	{0x40, "hw_thermal"}, {0x80, "hw_power_brake"}, {0x100, "display_clock"},
}

// reasons are the words of a mask such as 0x0000000000000004; nil where it is none.
func reasons(mask string) []string {
	bits, err := strconv.ParseUint(mask, 0, 64)
	if err != nil {
		return nil
	}
	words := []string{}
	for _, r := range throttleBits {
		if bits&r.bit != 0 {
			words = append(words, r.word)
		}
	}
	return words
}

// rocmArgv asks rocm-smi for what the table of metrics has of it. It has no mask of throttle reasons, and its counts of ECC
// errors and of processes are tables for people.
var rocmArgv = []string{"rocm-smi", "--showuse", "--showmeminfo", "vram", "--showpower", "--showtemp", "--showclocks", "--showenergycounter", "--json"}

// parseROCm reads rocm-smi's line of JSON: an object by card, each an object of strings such as {"card0": {"GPU use (%)":
// "10", "sclk clock speed:": "(800Mhz)"}} (rocm_smi.py, formatJson). Other lines are its warnings. Of two dies in one socket
// the second one's power is "N/A (Secondary die)", for the first shows that of both; so is its energy here.
func parseROCm(line []byte) ([]reading, error) {
	if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		return nil, nil
	}
	var cards map[string]map[string]any
	if err := json.Unmarshal(line, &cards); err != nil {
		return nil, fmt.Errorf("reading rocm-smi's line %q: %w", line[:min(len(line), 80)], err)
	}
	var all []reading
	for _, name := range slices.Sorted(maps.Keys(cards)) {
		k, err := strconv.Atoi(strings.TrimPrefix(name, "card"))
		if err != nil || k < 0 {
			continue // "system"
		}
		all = append(all, rocmCard(k, cards[name]))
	}
	return all, nil
}

func rocmCard(k int, card map[string]any) reading {
	text := func(key string) string { s, _ := card[key].(string); return s }
	r := reading{GPU: k,
		Utilization: scaled(text("GPU use (%)"), 1.0/100),
		MemoryUsed:  scaled(text("VRAM Total Used Memory (B)"), 1), MemoryTotal: scaled(text("VRAM Total Memory (B)"), 1),
		SMClock: scaled(megahertz(text("sclk clock speed:")), 1e6), MemoryClock: scaled(megahertz(text("mclk clock speed:")), 1e6),
	}
	for _, sensor := range []string{"edge", "junction"} { // MI300 has no edge
		if r.Temperature == nil {
			r.Temperature = scaled(text("Temperature (Sensor "+sensor+") (C)"), 1)
		}
	}
	const power = "Graphics Package Power (W)" // behind Average, Current Socket or Current, as the chip has it
	second := false
	for _, kind := range []string{"Average ", "Current Socket ", "Current "} {
		second = second || strings.Contains(text(kind+power), "Secondary die")
		if r.Power == nil {
			r.Power = scaled(text(kind+power), 1)
		}
	}
	if !second {
		r.Energy = scaled(text("Accumulated Energy (uJ)"), 1e-6)
	}
	return r
}

// megahertz is the number in "(800Mhz)".
func megahertz(text string) string { return strings.TrimSuffix(strings.TrimPrefix(text, "("), "Mhz)") }

// scaled is the number in text times unit; nil where there is none.
func scaled(text string, unit float64) *float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	n *= unit
	return &n
}
