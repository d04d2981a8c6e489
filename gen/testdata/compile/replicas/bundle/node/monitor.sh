#!/bin/bash
# Becomes the monitor of this node: a row a reading in monitor-NODE.csv, the last one for Prometheus too. Called by the job script:
# monitor.sh RUN BLOCK
set -euo pipefail

readonly RUN=$1
readonly NODE=${BENCH_NODE:-${SLURMD_NODENAME:-$(hostname -s)}}
BUNDLE=$(cd -- "$(dirname -- "$0")/.." && pwd)
readonly BLOCK=$2 # the job's ports; where another program has the first, the others that no server has
mkdir -p "$RUN/exporters"
SHOWN=(--listen "$(<"$RUN/address/$NODE"):$((BLOCK + 8))" --or-ports "$((BLOCK + 92))-$((BLOCK + 95))" --ready-file "$RUN/exporters/$NODE")
exec "$BUNDLE/bin/agent" monitor --node "$NODE" --interval '1s' --watch "$BUNDLE/node/watch.json" --kernel "${SHOWN[@]}" --out "$RUN/monitor-$NODE.csv"
