#!/bin/bash
# Submits demo: 6 trials of dummy, 1 deployment, on 1 node: 1 server, client on the server's node.
# Runs it here and now: there is no Slurm in it. With --smoke: of each server one short trial that counts for nothing. With
# --hold 20m: what still runs after a failure is kept for so long. With --until-done 3, first: again, up to three times, as long
# as trials are left.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

[[ ${1-} == --until-done ]] || exec bash ./job.sbatch "$@"

again=${2-}
[[ $again =~ ^[1-9][0-9]?$ ]] || { echo 'submit.sh: --until-done wants a number of further runs, from 1 to 99' >&2; exit 2; }
shift 2
job='' heard=''
trap 'heard=yes; kill -TERM "$job" 2>/dev/null' TERM INT HUP
trap 'heard=yes; kill -USR1 "$job" 2>/dev/null' USR1
for ((k = 0; k <= again; k++)); do
  bash ./job.sbatch "$@" &
  job=$! status=0
  wait "$job" || status=$?
  while kill -0 "$job" 2>/dev/null; do status=0; wait "$job" || status=$?; done # a signal ends the first wait early
  [[ $status != 0 && $status != 2 && ! $heard ]] || break # 2: it could not even begin
done
exit "$status"
