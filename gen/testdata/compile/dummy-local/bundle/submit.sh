#!/bin/bash
# Submits demo: 6 trials of dummy, 1 deployment, on 1 node: 1 server.
# Runs it here and now: there is no Slurm in it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

exec bash ./job.sbatch
