package preflight

import (
	"regexp"
	"strconv"
	"strings"
)

// Image is what a container said of itself, by Inside.
type Image struct {
	Name    string // its file
	CUDA    string // that it was made with: the variable CUDA_VERSION of NVIDIA's base images; "" without one
	Require string // what it wants of the driver: NVIDIA_REQUIRE_CUDA
	Compat  bool   // it brings the libraries that let an older driver of a data centre's GPUs run newer CUDA
}

var required = regexp.MustCompile(`cuda>=([0-9]+\.[0-9]+)`)

// wants is the CUDA that an image needs a driver for; "" when it does not say. NVIDIA_REQUIRE_CUDA begins with it
// ("cuda>=12.4 brand=tesla,driver>=470,…"), and CUDA_VERSION has it with a patch level ("12.4.1").
func (i Image) wants() string {
	if m := required.FindStringSubmatch(i.Require); m != nil {
		return m[1]
	}
	return i.CUDA
}

// cuda holds the driver's CUDA against the image's. A driver runs all older CUDA, and newer of its own major version with
// what is missing left out (docs.nvidia.com/deploy/cuda-compatibility: minor version compatibility, forward compatibility).
func cuda(i Image, driver string) Row {
	need := i.wants()
	switch {
	case need == "":
		return row("cuda", OK, "%s names no CUDA version", i.Name)
	case driver == "":
		return row("cuda", Warn, "%s is of CUDA %s; nvidia-smi does not say which the driver supports", i.Name, need)
	}
	wantMajor, wantMinor := version(need)
	major, minor := version(driver)
	switch {
	case major > wantMajor, major == wantMajor && minor >= wantMinor:
		return row("cuda", OK, "%s is of CUDA %s, the driver supports %s", i.Name, need, driver)
	case major == wantMajor:
		return row("cuda", Warn, "%s is of CUDA %s and the driver supports up to %s: kernels that are compiled at run time may fail (an image of CUDA %s, or a newer driver)",
			i.Name, need, driver, driver)
	case i.Compat:
		return row("cuda", Warn, "%s is of CUDA %s and the driver supports up to %s: it depends on the image's /usr/local/cuda/compat, which works on GPUs for data centres only",
			i.Name, need, driver)
	}
	return row("cuda", Fail, "%s is of CUDA %s and the driver supports up to %s (an image of CUDA %d, or nodes with a newer driver)", i.Name, need, driver, major)
}

// version are the first two numbers of one; what is no number is 0.
func version(text string) (major, minor int) {
	parts := strings.SplitN(text, ".", 3)
	major, _ = strconv.Atoi(parts[0])
	if len(parts) > 1 {
		minor, _ = strconv.Atoi(parts[1])
	}
	return major, minor
}
