# What there is to make. `make demo` and `make test` need Go alone; the others say what they miss.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
STATIC      = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w'
SCRIPTS     = templates/lib/*.sh templates/services/*/*.sh gen/internal/submit/*.sh .ci/run \
              testbed/cluster testbed/tree testbed/images testbed/smol testbed/vllm testbed/ollama-stub testbed/e2e testbed/vllmparts/played/*
GENERATED   = $(shell find gen/testdata/compile -name '*.sh' -o -name '*.sbatch' -o -name status)

.PHONY: build agent-gpu agent-amd64 agent-arm64 demo test check race lint golden e2e e2e-full bench accuracy clean

## build: bin/gen, bin/agent and, where there is a C compiler, bin/agent-gpu
build: agent-gpu
	$(STATIC) -o bin/ ./gen ./agent

## agent-gpu: a cgo program, for NVML is a C library
agent-gpu:
	@if command -v "$${CC:-cc}" >/dev/null; then CGO_ENABLED=1 CGO_CFLAGS=-Wno-deprecated-declarations go build -trimpath -buildvcs=false -ldflags '-s -w' -tags gpu -o bin/agent-gpu ./agent/gpu; \
	else echo 'no C compiler: bin/agent-gpu is not built, GPUs are read by nvidia-smi'; fi

## agent-arm64, agent-amd64: the agent for clusters of another architecture than this machine's
agent-arm64 agent-amd64:
	GOOS=linux GOARCH=$(@:agent-%=%) $(STATIC) -o bin/agent-linux-$(@:agent-%=%) ./agent

## demo: the main job from a recipe to its report, on this machine
demo: build
	bin/gen recipes/demo.yaml
	out/demo/submit.sh

## test: unit tests, goldens and, where it is installed, shellcheck
test:
	go test -short ./...

## golden: writes the goldens and the generated documents anew; read the diff as you read code
golden:
	go test ./gen/internal/cli ./agent/internal/report ./agent/internal/executor ./agent/internal/cli -update

## check: all that a change must pass without a cluster
check: lint test race

## race: the tests of what does several things at once; the rest of gen does one after the other, and is slow under the detector
race:
	go test -race -short ./agent/... ./gen/internal/submit
	go test -race -short -run Run ./gen/internal/cli

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not formatted: gofmt -w .'; exit 1; }
	go vet ./...
	go vet -tags e2e ./testbed/...
	go mod tidy -diff
	CGO_ENABLED=0 go build -o /dev/null ./gen && CGO_ENABLED=0 go build -o /dev/null ./agent
	go run $(STATICCHECK) ./...
	@echo shellcheck; shellcheck $(SCRIPTS) $(GENERATED)

## e2e: what users do, and one fault of each class, on a real Slurm and Apptainer cluster made here (root, Debian)
e2e: build
	testbed/e2e

## e2e-full: the same, every fault of the matrix and the soak; writes docs/reliability.md. A quiet machine takes about an hour
e2e-full: build
	FULL=1 testbed/e2e

## bench: the tables of docs/performance.md: the agent against other load generators, which it installs outside of the tree, and what
## it costs to watch a run; then the Go benchmarks: requests and token events per CPU-second of the load thread, allocations, and what a large sweep costs gen. ONLY=requests: a part
bench: build
	go run ./testbed/bench speed -only '$(ONLY)'
	go run ./testbed/bench watching -only '$(ONLY)'
	go test -run '^$$' -bench TenThousand -benchtime 3x -cpu 1 ./gen/internal/cli
	go test -run '^$$' -bench . -benchtime 1s ./agent/internal/loop ./agent/internal/wire ./agent/internal/hist ./agent/internal/dummy ./agent/internal/logs

## accuracy: the table of docs/accuracy.md: what the agent and the others measured, against what the server did
accuracy: build
	go run ./testbed/bench accuracy -only '$(ONLY)'

clean:
	rm -rf bin out/*/
