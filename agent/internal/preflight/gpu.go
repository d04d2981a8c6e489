package preflight

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gpuPatience is for nvidia-smi, which wakes each GPU of a node whose driver has no persistence mode.
const gpuPatience = 20 * time.Second

// gpu is what `nvidia-smi --query-gpu` says of one. What it does not know stands there as [N/A] or [Not Supported].
type gpu struct {
	index, uuid, name string
	uncorrected       string // ECC errors since the driver was loaded
	remapFailure      string // Yes: a bad row of memory can't be replaced any more
	remapPending      string // Yes: it is replaced at the next reset
	throttle          string // the reasons for clocks below their most, as a mask
}

// queries are the fields asked for, the newest names first: an older driver knows clocks_throttle_reasons, one older still
// no remapped rows (nvidia-smi --help-query-gpu; the names changed in driver 535).
var queries = []string{
	"index,uuid,name,ecc.errors.uncorrected.volatile.total,remapped_rows.failure,remapped_rows.pending,clocks_event_reasons.active",
	"index,uuid,name,ecc.errors.uncorrected.volatile.total,remapped_rows.failure,remapped_rows.pending,clocks_throttle_reasons.active",
	"index,uuid,name,ecc.errors.uncorrected.volatile.total,index,retired_pages.pending,clocks_throttle_reasons.active",
}

// gpus looks at the GPUs by nvidia-smi, which comes with the driver.
func (c Config) gpus(ctx context.Context) []Row {
	if c.GPUs == 0 {
		return nil
	}
	all, driver, err := readGPUs(ctx)
	if errors.Is(err, exec.ErrNotFound) {
		return []Row{row("gpu", Warn, "nvidia-smi is not on PATH: the node's GPUs were not looked at")}
	}
	if err != nil {
		return []Row{row("gpu", Fail, "nvidia-smi: %v (the driver does not work here: tell the site)", err)}
	}
	all = visible(all, os.Getenv("CUDA_VISIBLE_DEVICES"))
	rows := []Row{count(all, c.GPUs)}
	rows = append(rows, memory(all), throttled(all), c.foreign(ctx, all))
	for _, image := range c.Images {
		rows = append(rows, cuda(image, driver))
	}
	return rows
}

// readGPUs gives the GPUs, and the newest CUDA that the driver supports; "" where nvidia-smi does not say.
func readGPUs(ctx context.Context) (all []gpu, driver string, err error) {
	for _, fields := range queries {
		var text string
		if text, err = smi(ctx, "--query-gpu="+fields, "--format=csv,noheader,nounits"); err == nil {
			all, err = parseGPUs(text)
			break
		}
		if !strings.Contains(err.Error(), "not a valid field") {
			return nil, "", err
		}
	}
	if err != nil {
		return nil, "", err
	}
	banner, err := smi(ctx)
	return all, driverCUDA(banner), err
}

// smi runs nvidia-smi. Its complaints go to standard output.
func smi(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "nvidia-smi", args...)
	cmd.WaitDelay = time.Second
	text, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return "", errors.New("it does not answer")
	case errors.Is(err, exec.ErrNotFound):
		return "", err
	case err != nil:
		return "", fmt.Errorf("%s (%w)", strings.Join(strings.Fields(string(text)), " "), err)
	}
	return string(text), nil
}

func parseGPUs(text string) ([]gpu, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	var all []gpu
	for _, c := range rows {
		if len(c) != 7 {
			return nil, fmt.Errorf("%d columns of 7: %q", len(c), c)
		}
		all = append(all, gpu{c[0], c[1], c[2], c[3], c[4], c[5], c[6]})
	}
	return all, nil
}

var cudaVersion = regexp.MustCompile(`CUDA (?:UMD )?Version *: *([0-9]+\.[0-9]+)`)

// driverCUDA reads nvidia-smi's banner: "CUDA Version: 12.4", since driver 590 "CUDA UMD Version: 13.1".
func driverCUDA(banner string) string {
	if m := cudaVersion.FindStringSubmatch(banner); m != nil {
		return m[1]
	}
	return ""
}

// visible are the GPUs that the step may use. Where Slurm confines steps the others are not even seen; elsewhere
// CUDA_VISIBLE_DEVICES tells, by index or UUID.
func visible(all []gpu, devices string) []gpu {
	mine := strings.Split(devices, ",")
	var found []gpu
	for _, g := range all {
		if slices.ContainsFunc(mine, func(d string) bool { return d == g.index || d != "" && strings.HasPrefix(g.uuid, d) }) {
			found = append(found, g)
		}
	}
	if len(found) == 0 { // nothing is said, or its numbers count from elsewhere
		return all
	}
	return found
}

func count(all []gpu, want int) Row {
	names := map[string]int{}
	for _, g := range all {
		names[g.name]++
	}
	var kinds []string
	for name, n := range names {
		kinds = append(kinds, fmt.Sprintf("%d × %s", n, name))
	}
	slices.Sort(kinds)
	if words := strings.Join(kinds, ", "); len(all) >= want {
		return row("gpu", OK, "%s", words)
	}
	return row("gpu", Fail, "%d of %d GPUs are there: %s (what Slurm granted: scontrol show job -d; how the site wants GPUs asked for: the cluster profile)",
		len(all), want, strings.Join(append(kinds, "no other"), ", "))
}

// memory tells of ECC errors.
func memory(all []gpu) Row {
	var worn, hurt []string
	for _, g := range all {
		switch n, err := strconv.Atoi(g.uncorrected); {
		case g.remapFailure == "Yes":
			worn = append(worn, g.index)
		case err == nil && n > 0:
			hurt = append(hurt, fmt.Sprintf("%s: %d", g.index, n))
		case g.remapPending == "Yes":
			hurt = append(hurt, g.index+": a row waits to be replaced")
		}
	}
	switch {
	case len(worn) > 0:
		return row("ecc", Fail, "the memory of GPU %s is worn out: a bad row can't be replaced (leave the node out and tell the site)", strings.Join(worn, ", "))
	case len(hurt) > 0:
		return row("ecc", Warn, "uncorrected memory errors of GPU %s (the GPU wants a reset: tell the site)", strings.Join(hurt, ", "))
	}
	return row("ecc", OK, "no uncorrected errors")
}

// slowdowns are the reasons for low clocks that spoil numbers, by their bits (nvml.h, nvmlClocksEventReasons).
var slowdowns = []struct {
	bit  uint64
	what string
}{
	{0x08, "hardware slowdown"}, {0x20, "software thermal slowdown"}, {0x40, "hardware thermal slowdown"}, {0x80, "power brake"},
}

// throttled tells of GPUs that are slowed down though nothing runs on them yet.
func throttled(all []gpu) Row {
	var slow []string
	for _, g := range all {
		mask, err := strconv.ParseUint(strings.TrimPrefix(g.throttle, "0x"), 16, 64)
		if err != nil {
			continue // it is not known
		}
		for _, s := range slowdowns {
			if mask&s.bit != 0 {
				slow = append(slow, g.index+": "+s.what)
			}
		}
	}
	if len(slow) > 0 {
		return row("throttle", Warn, "clocks are held down: GPU %s (cooling or power of the node: tell the site)", strings.Join(slow, ", "))
	}
	return row("throttle", OK, "no clock is held down")
}

// muchMemory of a GPU, in MiB, is more than what services of a site take, such as MPS (some 30 MiB) or a health monitor.
const muchMemory = 1024

// foreign tells of programs on the GPUs: this job has started none.
func (c Config) foreign(ctx context.Context, all []gpu) Row {
	text, err := smi(ctx, "--query-compute-apps=gpu_uuid,pid,used_memory,process_name", "--format=csv,noheader,nounits")
	if err != nil {
		return row("processes", Warn, "not looked at: %v", err)
	}
	return judgeForeign(all, text)
}

func judgeForeign(all []gpu, text string) Row {
	state, found := OK, []string(nil)
	for line := range strings.Lines(text) {
		c := strings.SplitN(strings.TrimSpace(line), ", ", 4)
		k := slices.IndexFunc(all, func(g gpu) bool { return g.uuid == c[0] })
		if len(c) < 4 || k < 0 {
			continue // another GPU's, or "No running processes found"
		}
		used, err := strconv.Atoi(c[2])
		if state == OK {
			state = Warn
		}
		if err == nil && used >= muchMemory {
			state = Fail
		}
		found = append(found, fmt.Sprintf("GPU %s: pid %s %s, %s MiB", all[k].index, c[1], c[3], c[2]))
	}
	if state == OK {
		return row("processes", OK, "nothing runs on the GPUs")
	}
	return row("processes", state, "another's programs are on the GPUs: %s (ask Slurm for the whole node, or leave this one out: --exclude)", strings.Join(found, "; "))
}
