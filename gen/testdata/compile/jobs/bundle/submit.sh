#!/bin/bash
# Submits jobs: 16 trials of ollama, 4 deployments, in 2 jobs.
# Checks what can be checked before a node is asked for; then hands its arguments to sbatch, so that no file needs an
# edit for an account: ./submit.sh -A p200981 --mail-user=me@example.org
#
# Before what is sbatch's may stand:
#   --smoke          tries the plan before it is paid for: the real servers, each with one short trial that counts for nothing, in
#                    the queue that the site keeps for tests where the cluster profile knows one.
#   --until-done 3   queues up to three successors, each of which runs when the jobs before it left something, and leaves out
#                    nodes that two of them blamed. When all is done Slurm forgets the rest; a cancelled job stops them.
#   --hold 20m       keeps what still runs after a failure for so long, and says how to reach it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

readonly IMAGES=('/c/ollama.sif')
readonly BINDS=('/models:/root/.ollama')
readonly SECRETS=() # VARIABLE=file that holds it
readonly FILES=() # what the load reads

# ── What a person edited: each file of this directory that is not as MANIFEST has it, a line each ────────────────

edited_files() {
  local sums=(sha256sum) listed=0 meant='' odd=0 line
  while IFS= read -r line || [[ $line ]]; do
    case $line in
      '# files '*) meant=${line#'# files '} ;;
      '#'*) ;;
      *) if [[ $line =~ ^[0-9a-f]{64}'  '. ]]; then listed=$((listed + 1)); else odd=$((odd + 1)); fi ;;
    esac
  done <MANIFEST
  if [[ $odd != 0 || $listed == 0 || ($meant && $meant != "$listed") ]]; then
    printf 'MANIFEST (broken: it names %s files, and %s lines are none of its own; what else was edited is not all known)\n' "$listed${meant:+ of $meant}" "$odd"
  fi
  command -v sha256sum >/dev/null || sums=(shasum -a 256) # a laptop may have no other
  LC_ALL=C "${sums[@]}" -c MANIFEST 2>/dev/null | sed -n -e 's/: FAILED open or read$/ (missing)/p' -e 's/: FAILED$//p' || : # its status says that something differs
}

bad=0
missing() { printf 'submit.sh: %s\n' "$*" >&2; bad=1; }
command -v sbatch >/dev/null || missing 'sbatch is not on PATH: run this on a login node of the cluster'
[[ -w . ]] || missing "$PWD is not writable: Slurm writes the job's output there, and the job its results"
[[ ! -e results || -w results ]] || missing "$PWD/results is not writable: the job writes its results there"
[[ -x bin/agent ]] || missing 'bin/agent is not there, or may not be executed'
for image in "${IMAGES[@]}"; do [[ -r $image ]] || missing "no such image: $image (run $PWD/prefetch.sh)"; done
for bind in "${BINDS[@]}"; do [[ -e ${bind%%:*} ]] || missing "no such file or directory: ${bind%%:*} (bound as $bind)"; done
for secret in "${SECRETS[@]}"; do [[ -r ${secret#*=} ]] || missing "${secret%%=*}: ${secret#*=} can't be read"; done
for file in "${FILES[@]}"; do [[ -r $file ]] || missing "$file can't be read"; done
((bad == 0)) || exit 1
edited_files | sed 's/^/edited since it was compiled: /'

# Variables of the shell would win over the script's own directives.
unset "${!SBATCH_@}"

# submit SCRIPT AFTER ARGUMENTS...: AFTER is the id of a job that must end first, or empty.
submit() {
  local script=$1 after=$2
  shift 2
  [[ -z $after ]] || set -- "$@" --dependency="afterany:$after" # last, for of two the last counts
  hand_in "$script" "$@"
  printf '%s: job %s\n' "$script" "$id"
}

# succeed SCRIPT ARGUMENTS...: the successors of the job ID: each runs when of ID and those before it none has completed.
# The job that ends finds them by results/chain.tsv.
succeed() {
  local script=$1 before=$id k
  shift
  for ((k = 0; k < again; k++)); do
    hand_in "$script" "$@" --kill-on-invalid-dep=yes --dependency="afternotok:${before// /:}"
    mkdir -p results
    printf '%s\t%s\t%s\n' "$id" "$script" "$before" >>results/chain.tsv
    printf '%s: job %s, if job %s leaves something\n' "$script" "$id" "${before##* }"
    before+=" $id"
  done
}

# hand_in SCRIPT ARGUMENTS...: ID of the job that sbatch makes of it.
hand_in() {
  id=$(sbatch --parsable "${@:2}" "$1" "${smoke[@]}" "${hold[@]}")
  id=${id%%;*}
  [[ $id =~ ^[0-9]+$ ]] || { printf '%s\n' "$id"; exit; } # --help and the like: there is no job
  ids+=("$id")
}

id='' ids=() results=results overall=", and $PWD/results/report.html over all jobs" smoke=() hold=() again=0
wrong() { printf 'submit.sh: %s\n' "$*" >&2; exit 2; }
while :; do
  case ${1-} in
    --smoke) smoke=(--smoke) results=results/smoke overall='' ;; # it counts for nothing
    --until-done)
      [[ ${2-} =~ ^[1-9][0-9]?$ ]] || wrong '--until-done wants a number of further jobs, from 1 to 99'
      again=$2
      shift
      ;;
    --hold)
      [[ ${2-} =~ ^[0-9]{1,6}[smh]?$ ]] || wrong '--hold wants a time such as 20m'
      hold=(--hold "$2")
      shift
      ;;
    *) break ;;
  esac
  shift
done
if [[ ${smoke[*]} ]]; then
  ((again == 0)) || wrong '--until-done is for the plan: one --smoke tries it all'
  submit 'job-01.sbatch' '' '--time=00:06:00' '--signal=B:USR1@90' "$@"
  submit 'job-02.sbatch' '' '--time=00:06:00' '--signal=B:USR1@90' "$@"
else
  submit 'job-01.sbatch' "$id" "$@"
  succeed 'job-01.sbatch' "$@"
  submit 'job-02.sbatch' "$id" "$@"
  succeed 'job-02.sbatch' "$@"
fi
cat <<WORDS
follow it:   tail -F $PWD/slurm-${ids[0]}.out
watch it:    gen watch ${ids[0]}, or monitoring/tunnel.sh in a copy of this directory on your own machine (README.md)
stop well:   scancel --batch --signal=USR1 ${ids[0]}   (ends the running trial in good order; submit again for the rest)
cancel:      scancel ${ids[*]}   (all of them: the next starts when the one before has ended, even if that was cancelled)
results:     ${ids[*]/#/"$PWD/$results/"}$overall
WORDS
