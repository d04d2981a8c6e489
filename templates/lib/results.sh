# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── The job's own directory, the checks before anything starts ──────────────────────────────────────────────────

# make_results: results/<jobid>; a script that runs twice under one id, in one allocation or because Slurm requeued the job,
# gets <jobid>.2, and trusts no file of the first. What --smoke leaves stands apart.
make_results() {
  local k=1 before='' words results=$BUNDLE/results
  AGENT=$BUNDLE/bin/agent
  try_agent
  [[ $PLANNED == smoke ]] && results+=/smoke
  RUN=$results/$JOB
  mkdir -p "$results" "$BUNDLE/results/claims" # which a group may share
  umask g-w,o-rwx # what this job writes, its user's group may read, where his own umask says so, and nobody else changes
  until words=$(mkdir "$RUN" 2>&1); do
    words=${words##*: }
    [[ -d $RUN ]] || die "$RUN can't be made: ${words,} (on $(hostname -s); results must be writable on the compute nodes)"
    before=$RUN k=$((k + 1)) RUN=$results/$JOB.$k
  done
  LOGS=$RUN/logs
  # ballast: finish throws it off, so that even on a full disk it can write down how the job ended
  if ! mkdir "$LOGS" || ! head -c 524288 /dev/urandom >"$RUN/ballast" ||
    ! (umask 077; od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$RUN/control.token"); then
    words=$(unwritable)
    rm -rf "$RUN"
    die "$RUN can't be written to: ${words:-is the disk full, or your quota used up?}"
  fi
  say "job $JOB: results in $RUN"
  [[ ! $before || ${SLURM_RESTART_COUNT:-0} == 0 ]] || requeued "$before"
}

# requeued DIRECTORY: of the run that Slurm ended; what it finished counts, and its job.json says that it did not go on.
requeued() {
  say "Slurm requeued the job: ${1##*/} is over, its finished trials count"
  local mine=$RUN
  RUN=$1
  note fact successor "${mine##*/}"
  RUN=$mine
  "$AGENT" job --dir "$1" || rm -f "$1/job.json"
  rm -f "$1/control.token" "$1/ballast"
  EVENTS=()
}

# try_agent: the agent does most of the work, and must run here.
try_agent() {
  local words machine
  words=$("$AGENT" version 2>&1) && return
  machine=$(built_for)
  [[ $machine && $machine != "$(uname -m)" ]] || die "bin/agent can't be run on $(hostname -s): ${words##*: }"
  die "bin/agent is for $machine, and $(hostname -s) is $(uname -m): compile the recipe with a cluster profile whose arch is $(uname -m)"
}

# load_modules: modules are a shell function, where a site has them, and what it does with unset variables is its own affair.
load_modules() {
  local module
  set +u
  for module in "${MODULES[@]}"; do
    module load "$module" || { fail modules 1 "module load $module failed"; return 1; }
  done
  set -u
}

# check_files: everything that must be there before a node is billed for waiting. All that is missing is said.
check_files() {
  local bad=0 item source
  [[ ! $RUNTIME ]] || command -v "$RUNTIME" >/dev/null || { fail runtime 1 "$RUNTIME is not on PATH of $(hostname -s): is a module missing?"; return 1; }
  for item in "${IMAGES[@]}"; do
    [[ -r $item && (-d $item || -s $item) ]] || { fail image 1 "no such image: $item (prefetch.sh brings it)"; bad=1; continue; }
    "$RUNTIME" inspect "$item" >/dev/null 2>"$LOGS/image.log" || { fail image 1 "$RUNTIME can't read $item: $(tail -n 1 "$LOGS/image.log")"; bad=1; }
  done
  for item in "${BINDS[@]}"; do
    source=${item%%:*}
    [[ -e $source ]] || { fail bind 1 "no such file or directory: $source (bound as $item)"; bad=1; }
  done
  for item in "${SECRETS[@]}"; do
    [[ -r ${item#*=} ]] || { fail secret 1 "${item%%=*}: ${item#*=} can't be read"; bad=1; }
  done
  for item in "${FILES[@]}"; do
    [[ -r $item ]] || { fail file 1 "$item can't be read"; bad=1; }
  done
  return "$bad"
}

# check_edits: a bundle may be edited by hand, and all that comes of it says so.
check_edits() {
  local file
  (cd "$BUNDLE" && edited_files) >"$RUN/edited"
  while IFS= read -r file; do
    say "edited since it was compiled: $file"
    note edited "$file"
  done <"$RUN/edited"
}

# record_facts: what the numbers depend on and nobody remembers later.
record_facts() {
  local d
  note fact job "$JOB"; note fact plan "$PLAN"; note fact scenario "$SCENARIO"; note fact script "$SCRIPT"
  note fact cluster "$CLUSTER"
  [[ ${SLURM_RESTART_COUNT:-0} == 0 ]] || note fact requeued "$SLURM_RESTART_COUNT"
  note fact agent "$("$AGENT" version)"
  note fact kernel "$(uname -sr)"
  note fact zone "$(date +%z)" # of the times in logs
  [[ $RUNTIME ]] && note fact runtime "$("$RUNTIME" --version)"
  ((LOCAL)) || note fact slurm "$(scontrol --version)"
  for d in "${DEPLOYMENTS[@]}"; do
    note_model "$d"
    [[ ${IMAGE[$d]} ]] && note_image "$d" "${IMAGE[$d]}" "$(stat -Lc %s "${IMAGE[$d]}")" "$(stat -Lc %Y "${IMAGE[$d]}")"
  done
}

# note_image DEPLOYMENT IMAGE BYTES MODIFIED: with what prefetch.sh noted of the image, unless it is another one by now.
note_image() {
  local key value
  local -A source=()
  if [[ -r $2.source ]]; then
    while IFS=$'\t' read -r key value; do [[ $key ]] && source[$key]=$value; done <"$2.source"
    [[ "${source[bytes]-} ${source[modified]-}" == "$3 $4" ]] || source=()
  fi
  note image "$@" "${source[digest]-}" "${source[remote]-}"
}

# note_model DEPLOYMENT: the version of its model that prefetch.sh brought, a commit or a digest.
note_model() {
  local file=${IMAGE[$1]:-$BUNDLE/models}.models model version
  [[ -r $file ]] || return 0
  while IFS=$'\t' read -r model version _; do [[ $model == "${MODEL[$1]}" ]] && note fact "model $model" "$version"; done <"$file"
}

# read_ledger: which trials are still to run, by what lies in results/ now. 1 when that can't be said, 3 when there are none.
read_ledger() {
  local d images=()
  [[ $PLANNED == smoke ]] && { plan_smoke; return; }
  for d in "${DEPLOYMENTS[@]}"; do [[ ${IMAGE[$d]} ]] && images+=(--image "$d=${IMAGE[$d]}"); done
  "$AGENT" ledger --bundle "$BUNDLE" --plan "$PLAN" --deployments "$(IFS=,; printf '%s' "${DEPLOYMENTS[*]}")" \
    "${images[@]}" --out "$RUN/ledger.tsv" >"$LOGS/ledger.log" 2>&1
  [[ -s $RUN/ledger.tsv ]] || { fail ledger 1 "$(tail -n 1 "$LOGS/ledger.log")"; return 1; }
  for d in "${DEPLOYMENTS[@]}"; do [[ $(left "$d") == 0 ]] || return 0; done
  return 3
}

# plan_smoke: all of smoke/index.tsv is still to run, whatever ran before.
plan_smoke() {
  local trial deployment seconds name
  while IFS=$'\t' read -r trial deployment seconds name; do
    [[ $trial == '#'* ]] || printf '%s\t%s\t%s\tmissing\tsmoke\t%s\n' "$trial" "$deployment" "$seconds" "$name"
  done <"$BUNDLE/smoke/index.tsv" >"$RUN/ledger.tsv"
  printf 'smoke: one short trial of each server\n' >"$LOGS/ledger.log"
}

declare -A OVER=() # trials that this job completed or failed

# left DEPLOYMENT: how many of its trials are neither done before nor over in this job.
left() {
  local trial deployment seconds state rest count=0
  while IFS=$'\t' read -r trial deployment seconds state rest; do
    [[ $deployment == "$1" && $state == missing && ! ${OVER[$trial]-} ]] && count=$((count + 1))
  done <"$RUN/ledger.tsv"
  printf '%d' "$count"
}
