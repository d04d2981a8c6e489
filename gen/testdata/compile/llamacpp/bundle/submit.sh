#!/bin/bash
# Submits llamacpp: 4 trials of llamacpp, 1 deployment, on 2 nodes: 1 server, 1 client.
# Checks what can be checked before a node is asked for; then hands its arguments to sbatch, so that no file needs an
# edit for an account: ./submit.sh -A p200981 --mail-user=me@example.org
#
# --smoke, as the first argument, tries the plan before it is paid for: the real servers, each with one short trial that
# counts for nothing, in the queue that the site keeps for tests where the cluster profile knows one.
#
# --hold 20m, before what is sbatch's, keeps what still runs after a failure for so long, and says how to reach it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

readonly IMAGES=('/srv/images/llama.sif')
readonly BINDS=('/srv/models:/srv/models:ro')
readonly SECRETS=() # VARIABLE=file that holds it
readonly FILES=() # what the load reads

bad=0
missing() { printf 'submit.sh: %s\n' "$*" >&2; bad=1; }
command -v sbatch >/dev/null || missing 'sbatch is not on PATH: run this on a login node of the cluster'
[[ -x bin/agent ]] || missing 'bin/agent is not there, or may not be executed'
for image in "${IMAGES[@]}"; do [[ -r $image ]] || missing "no such image: $image (run $PWD/prefetch.sh)"; done
for bind in "${BINDS[@]}"; do [[ -e ${bind%%:*} ]] || missing "no such file or directory: ${bind%%:*} (bound as $bind)"; done
for secret in "${SECRETS[@]}"; do [[ -r ${secret#*=} ]] || missing "${secret%%=*}: ${secret#*=} can't be read"; done
for file in "${FILES[@]}"; do [[ -r $file ]] || missing "$file can't be read"; done
((bad == 0)) || exit 1
sha256sum --check --quiet MANIFEST 2>/dev/null | sed 's/^/edited since it was compiled: /' || :

# Variables of the shell would win over the script's own directives.
unset "${!SBATCH_@}"

# submit SCRIPT AFTER ARGUMENTS...: AFTER is the id of a job that must end first, or empty.
submit() {
  local script=$1 after=$2
  shift 2
  [[ -z $after ]] || set -- "$@" --dependency="afterany:$after" # last, for of two the last counts
  id=$(sbatch --parsable "$@" "$script" "${smoke[@]}" "${hold[@]}")
  id=${id%%;*}
  [[ $id =~ ^[0-9]+$ ]] || { printf '%s\n' "$id"; exit; } # --help and the like: there is no job
  ids+=("$id")
  printf '%s: job %s\n' "$script" "$id"
}

id='' ids=() results=results overall=", and $PWD/results/report.html over all jobs" smoke=() hold=()
if [[ ${1-} == --hold ]]; then
  hold=(--hold "${2-}")
  shift $(($# > 1 ? 2 : 1))
fi
if [[ ${1-} == --smoke ]]; then
  shift
  smoke=(--smoke) results=results/smoke overall='' # it counts for nothing
  submit 'job.sbatch' '' '--time=00:03:00' '--signal=B:USR1@45' "$@"
else
  submit 'job.sbatch' "$id" "$@"
fi
cat <<WORDS
follow it:   tail -F $PWD/slurm-${ids[0]}.out
stop well:   scancel --batch --signal=USR1 ${ids[0]}   (ends the running trial in good order; submit again for the rest)
cancel:      scancel ${ids[*]}
results:     ${ids[*]/#/$PWD/$results/}$overall
WORDS
