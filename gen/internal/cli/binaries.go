package cli

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hpcbench/gen/internal/bundle"
)

// besideGen is the directory of the running gen, where make puts the agents too.
var besideGen = func() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding gen's own directory: %w", err)
	}
	return filepath.Dir(program), nil
}

// machines are ELF's names of our architectures.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// binaries are the files of bin/: the agent for an architecture ("": whatever this machine's is), and the reader of GPUs
// where there is one.
func binaries(arch string) ([]bundle.File, error) {
	dir, err := besideGen()
	if err != nil {
		return nil, err
	}
	agent, err := program(dir, "agent", arch)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (the agent goes into every job directory, and is looked for beside gen: make build makes both)", err)
	}
	if err != nil {
		return nil, err
	}
	all := []bundle.File{{Path: "bin/agent", Mode: 0o755, Data: agent}}
	gpu, err := program(dir, "agent-gpu", arch)
	var unreadable *fs.PathError
	switch {
	case err == nil:
		all = append(all, bundle.File{Path: "bin/agent-gpu", Mode: 0o755, Data: gpu})
	case errors.As(err, &unreadable) && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return all, nil // without one for this architecture, GPUs are read by nvidia-smi
}

// program reads NAME-linux-ARCH, or else NAME, and makes sure that it runs on that architecture.
func program(dir, name, arch string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(dir, name+"-linux-"+arch))
	file := name + "-linux-" + arch
	if errors.Is(err, fs.ErrNotExist) {
		file = name
		data, err = os.ReadFile(filepath.Join(dir, name))
	}
	if err != nil {
		return nil, err
	}
	file = filepath.Join(dir, file)
	parsed, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s is no program for Linux: %w", file, err)
	}
	if want, known := machines[arch]; known && parsed.Machine != want {
		return nil, fmt.Errorf("%s is for %v, and the cluster profile says %s: make agent-%s makes %s",
			file, parsed.Machine, arch, arch, filepath.Join(dir, name+"-linux-"+arch))
	}
	return data, nil
}
