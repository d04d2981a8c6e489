#!/bin/bash
# Submits demo: 6 trials of dummy, 1 deployment, on 2 nodes: 1 server, 1 client.
# Runs it here and now: there is no Slurm in it. With --smoke: of each server one short trial that counts for nothing.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

exec bash ./job.sbatch "$@"
