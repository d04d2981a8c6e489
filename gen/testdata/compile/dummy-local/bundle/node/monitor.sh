#!/bin/bash
# Becomes the monitor of this node: a row a reading in monitor-NODE.csv. Called by the job script:
# monitor.sh RUN BLOCK
set -euo pipefail

readonly RUN=$1
readonly NODE=${BENCH_NODE:-${SLURMD_NODENAME:-$(hostname -s)}}
BUNDLE=$(cd -- "$(dirname -- "$0")/.." && pwd)
exec "$BUNDLE/bin/agent" monitor --node "$NODE" --interval '1s' --watch "$BUNDLE/node/watch.json" --out "$RUN/monitor-$NODE.csv"
