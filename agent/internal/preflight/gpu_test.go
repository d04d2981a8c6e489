package preflight

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// There is no GPU here. A program in the place of nvidia-smi prints what NVIDIA's documents and drivers in the field print
// for these flags; what a driver really says of a sick GPU, this can't show.
const stub = `#!/bin/bash
case "$*" in
  *clocks_event_reasons.active*) [[ -e %DIR%/old ]] && { echo 'Field "clocks_event_reasons.active" is not a valid field to query.'; exit 2; }; cat %DIR%/gpus ;;
  *clocks_throttle_reasons.active*) cat %DIR%/gpus ;;
  *query-compute-apps*) cat %DIR%/apps ;;
  '') cat %DIR%/banner ;;
  *) echo "what is $*?"; exit 1 ;;
esac
`

const banner = `Thu Nov 26 08:00:00 2026
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.54.15              Driver Version: 550.54.15      CUDA Version: 12.4     |
|-----------------------------------------+------------------------+----------------------+
`

// healthy are two A100 as `nvidia-smi --query-gpu=… --format=csv,noheader,nounits` has them.
const healthy = `0, GPU-5ac9, NVIDIA A100-SXM4-40GB, 0, No, No, 0x0000000000000001
1, GPU-77d1, NVIDIA A100-SXM4-40GB, 0, No, No, 0x0000000000000001
`

// machine puts the stub and what it prints first on PATH, and asks for two GPUs.
func machine(t *testing.T, files map[string]string, images ...Image) string {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"nvidia-smi": strings.ReplaceAll(stub, "%DIR%", dir), "gpus": healthy, "apps": "", "banner": banner}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	var lines []string
	for _, r := range (Config{GPUs: 2, Images: images}).gpus(context.Background()) {
		lines = append(lines, r.String())
	}
	return strings.Join(lines, "\n")
}

func TestGPUsByNvidiaSMI(t *testing.T) {
	vllm := Image{Name: "vllm.sif", CUDA: "12.8.1", Require: "cuda>=12.8 brand=unknown,driver>=470,driver<471"}
	for name, c := range map[string]struct {
		files   map[string]string
		devices string // CUDA_VISIBLE_DEVICES
		image   Image
		want    []string // rows that are there
	}{
		"healthy": {image: Image{Name: "old.sif", CUDA: "11.8.0"}, want: []string{"gpu\tok\t2 × NVIDIA A100-SXM4-40GB", "ecc\tok\tno uncorrected errors",
			"throttle\tok\tno clock is held down", "processes\tok\tnothing runs on the GPUs", "cuda\tok\told.sif is of CUDA 11.8.0, the driver supports 12.4"}},
		"an older driver": {files: map[string]string{"old": ""}, want: []string{"gpu\tok\t2 × NVIDIA A100-SXM4-40GB"}},
		"one GPU of two": {files: map[string]string{"gpus": "0, GPU-5ac9, NVIDIA A100-SXM4-40GB, 0, No, No, 0x1\n"},
			want: []string{"gpu\tfail\t1 of 2 GPUs are there: 1 × NVIDIA A100-SXM4-40GB, no other (what Slurm granted: scontrol show job -d"}},
		"the step may use one of two": {devices: "1", want: []string{"gpu\tfail\t1 of 2 GPUs are there"}},
		"ECC": {files: map[string]string{"gpus": strings.Replace(healthy, "GB, 0, No", "GB, 3, No", 1)},
			want: []string{"ecc\twarn\tuncorrected memory errors of GPU 0: 3 (the GPU wants a reset: tell the site)"}},
		"worn memory": {files: map[string]string{"gpus": strings.Replace(healthy, "GB, 0, No", "GB, 0, Yes", 1)},
			want: []string{"ecc\tfail\tthe memory of GPU 0 is worn out: a bad row can't be replaced (leave the node out and tell the site)"}},
		"without ECC": {files: map[string]string{"gpus": strings.ReplaceAll(healthy, "0, No, No", "[N/A], [N/A], [N/A]")}, want: []string{"ecc\tok\tno uncorrected errors"}},
		"too hot": {files: map[string]string{"gpus": strings.Replace(healthy, "0x0000000000000001", "0x0000000000000048", 1)},
			want: []string{"throttle\twarn\tclocks are held down: GPU 0: hardware slowdown, 0: hardware thermal slowdown (cooling or power of the node: tell the site)"}},
		"another's work": {files: map[string]string{"apps": "GPU-77d1, 4242, 31000, python3\nGPU-none, 7, 30, x\n"},
			want: []string{"processes\tfail\tanother's programs are on the GPUs: GPU 1: pid 4242 python3, 31000 MiB (ask Slurm for the whole node, or leave this one out: --exclude)"}},
		"the site's MPS":           {files: map[string]string{"apps": "GPU-77d1, 900, 28, nvidia-cuda-mps-server\n"}, want: []string{"processes\twarn\tanother's programs are on the GPUs: GPU 1: pid 900"}},
		"memory that nobody tells": {files: map[string]string{"apps": "GPU-77d1, 900, [N/A], python3\n"}, want: []string{"processes\twarn\t"}},
		"the image is newer":       {image: vllm, want: []string{"cuda\twarn\tvllm.sif is of CUDA 12.8 and the driver supports up to 12.4"}},
		"the image is much newer":  {image: Image{Name: "new.sif", CUDA: "13.0.1"}, want: []string{"cuda\tfail\tnew.sif is of CUDA 13.0.1 and the driver supports up to 12.4 (an image of CUDA 12, or nodes with a newer driver)"}},
		"forward compatibility":    {image: Image{Name: "new.sif", CUDA: "13.0.1", Compat: true}, want: []string{"cuda\twarn\t", "/usr/local/cuda/compat"}},
		"a new driver's banner":    {files: map[string]string{"banner": "| NVIDIA-SMI 590.44   KMD Version: 590.44   CUDA UMD Version: 13.1 |"}, image: vllm, want: []string{"cuda\tok\tvllm.sif is of CUDA 12.8, the driver supports 13.1"}},
		"a driver that is broken": {files: map[string]string{"nvidia-smi": "#!/bin/bash\necho 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9\n"},
			want: []string{"gpu\tfail\tnvidia-smi: NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver. (exit status 9) (the driver does not work here: tell the site)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CUDA_VISIBLE_DEVICES", c.devices)
			var images []Image
			if c.image.Name != "" {
				images = append(images, c.image)
			}
			got := machine(t, c.files, images...)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("there is no %q in\n%s", w, got)
				}
			}
		})
	}
}

func TestNoNvidiaSMIIsNoFailure(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	rows := Config{GPUs: 1}.gpus(context.Background())
	if len(rows) != 1 || rows[0].State != Warn {
		t.Errorf("rows %v, want one warning", rows)
	}
	if rows := (Config{}).gpus(context.Background()); rows != nil {
		t.Errorf("without GPUs there is %v", rows)
	}
}
