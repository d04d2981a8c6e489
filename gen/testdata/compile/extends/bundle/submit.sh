#!/bin/bash
# Submits extends: 3 trials of dummy, 1 deployment, on 1 node: 1 server, client on the server's node.
# Runs it here and now: there is no Slurm in it. With --smoke: of each server one short trial that counts
# for nothing. With --hold 20m: what still runs after a failure is kept for so long.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

exec bash ./job.sbatch "$@"
