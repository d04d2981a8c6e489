# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Where things run: a Slurm allocation ─────────────────────────────────────────────────────────────────────────

# find_bundle: under salloc the script lies in its bundle. sbatch runs a copy of it, whose path says nothing, but Slurm
# knows what was submitted, and where.
find_bundle() {
  local script
  [[ ${SLURM_JOB_ID-} ]] || die "not inside a Slurm job: submit it with ./submit.sh, or sbatch $SCRIPT"
  script=$(scontrol show job "$SLURM_JOB_ID" | sed -n '/^ *Command=/{s///p;q}')
  for BUNDLE in "$(dirname -- "$0")" "${script%/*}" "${SLURM_SUBMIT_DIR-}"; do
    [[ -f $BUNDLE/MANIFEST && -f $BUNDLE/$SCRIPT ]] && BUNDLE=$(cd -- "$BUNDLE" && pwd) && return
  done
  die "the bundle is not found: submit from inside its directory"
}

# begin: the job's name in results/, the number its ports come from, its nodes, and when it must be over. PARTS are the
# nodes of the job's components, of which a heterogeneous job has two, and GROUP a node's component.
declare -A GROUP=()
PARTS=()
begin() {
  local end=${SLURM_JOB_END_TIME-} k list nodes node
  JOB=$SLURM_JOB_ID NUMBER=$SLURM_JOB_ID NODES=()
  export SLURM_EXPORT_ENV=ALL # --export=NONE above kept the submitter's environment out; steps get this one
  for ((k = 0; k < ${SLURM_HET_SIZE:-1}; k++)); do
    list=SLURM_JOB_NODELIST
    [[ ${SLURM_HET_SIZE-} ]] && list+=_HET_GROUP_$k
    mapfile -t nodes < <(scontrol show hostnames "${!list}")
    for node in "${nodes[@]}"; do GROUP[$node]=$k; done
    NODES+=("${nodes[@]}") PARTS+=("$(IFS=,; printf '%s' "${nodes[*]}")")
  done
  ((${#NODES[@]} == TOTAL)) || die "Slurm gave ${#NODES[@]} nodes, the plan needs $TOTAL: was --nodes given on the command line?"
  [[ $end ]] || end=$(date -d "$(scontrol show job "$JOB" | sed -n '/.*EndTime=\([^ ]*\).*/{s//\1/p;q}')" +%s) || end=
  END=${end:-$(($(date +%s) + 365 * 86400))}
}

# on NODE,NODE... [--option=value]... COMMAND...: becomes a step with one task on each node. Servers and clients get cores
# of their own; with --overlap a step shares what is there. --kill-on-bad-exit makes the death of one rank the end of the
# step, so that it is noticed.
on() {
  local commas=${1//[^,]/} group=()
  ((${#PARTS[@]} > 1)) && group=(--het-group="${GROUP[${1%%,*}]}")
  exec srun "${group[@]}" --nodelist="$1" --nodes=$((${#commas} + 1)) --ntasks=$((${#commas} + 1)) --ntasks-per-node=1 \
    --mem=0 --kill-on-bad-exit=1 "${SRUN[@]}" "${@:2}"
}

ASKING=() # steps that ask a server to end

# ask PID NAME: a server by TERM to the one process of each rank that can hand it on. Slurm would signal all processes, and
# with them the one that serves the image's files: vLLM then dies in the middle and leaves its shared memory on the node.
ask() {
  local _ deployment launch node replica=
  if [[ $2 != server.* || $STOP == cancelled ]]; then press "$1"; return; fi
  IFS=. read -r _ deployment launch node <<<"$2"
  ((${REPLICAS[$deployment]} > 1)) && replica=${node##*.} node=${node%.*} # a node's name may have dots
  [[ $node ]] || node=$(IFS=,; printf '%s' "${SERVER_NODES[*]}")
  # shellcheck disable=SC2016 # the other shell's
  on "$node" --overlap bash -c '
    mine=$1; shift
    for f; do read -r node pid replica <"$f"; [[ $node != "$SLURMD_NODENAME" || ($mine && $replica != "$mine") ]] || kill -TERM "$pid"; done' \
    bash "$replica" "$RUN/placed/server.$deployment.$launch"/* </dev/null >>"$LOGS/stop.log" 2>&1 &
  ASKING+=($!)
}

# wave PID NAME: USR1 to the one process of the step that minds the others, whose node and pid are in placed/NAME.
wave() {
  local node pid
  read -r node pid _ 2>/dev/null <"$RUN/placed/$2" || { press "$1"; return; }
  # shellcheck disable=SC2016 # the other shell's
  on "$node" --overlap bash -c 'kill -USR1 "$1"' bash "$pid" </dev/null >>"$LOGS/stop.log" 2>&1 &
  ASKING+=($!)
}

# unasked: no node that does not answer keeps the job.
unasked() {
  local pid
  for pid in "${ASKING[@]}"; do force "$pid"; done
  ASKING=()
}

# press PID, force PID: srun hands USR1 on to its tasks, and turns TERM into their immediate end.
press() { kill -USR1 "$1" 2>/dev/null; }
force() { kill -TERM "$1" 2>/dev/null; }

# way_to NODE: how a person gets there while the job lasts.
way_to() {
  local part=
  ((${#PARTS[@]} > 1)) && part=" --het-group=${GROUP[$1]}"
  printf 'srun --jobid=%s%s --overlap --nodelist=%s --pty bash' "$JOB" "$part" "$1"
}
way_to_end() { printf 'scancel --batch --signal=USR1 %s ends it in good order' "$JOB"; }

# alive JOB PID RESTARTS: whether the owner of a claim may still be running. Only Slurm's clear no is a no; and an earlier
# run of this very job, before Slurm requeued it, is over.
alive() {
  local answer
  [[ $1 == "$JOB" ]] && { [[ ${3:-0} == "${SLURM_RESTART_COUNT:-0}" ]] && kill -0 "$2" 2>/dev/null; return; }
  answer=$(squeue --noheader --jobs="$1" 2>&1) && [[ ! $answer ]] && return 1
  [[ $answer != *'Invalid job id'* ]]
}

# ended_by_slurm: whether the job is one no more that runs. Only Slurm's clear word counts.
ended_by_slurm() {
  local state
  state=$(scontrol --oneliner show job "$JOB" 2>/dev/null | sed -n '1s/.* JobState=\([A-Z_]*\).*/\1/p')
  [[ $state && $state != RUNNING ]]
}

# take_block, free_block: nobody can be asked from here; a port that is taken shows when the server binds.
take_block() { return 0; }
free_block() { return 0; }

# find_addresses: each node finds its own. One that does not within 300 s was never placed, or does not share this
# directory.
find_addresses() {
  local node words files=()
  for node in "${NODES[@]}"; do files+=("$RUN/address/$node"); done
  mkdir -p "$RUN/address"
  everywhere addresses --overlap "$AGENT" address --interfaces "$INTERFACES" --out "$RUN/address"
  if within_all 300 addresses && await 10 "${files[@]}"; then
    [[ ! $INTERFACES ]] || cat "$LOGS/addresses"*.log | grep '^address: ' | head -n 3 # what it took for want of the profile's
    return 0
  fi
  [[ $STOP ]] && return 1
  if look_at addresses; then words=$WHY; else last_words addresses 1; words=$DETAIL; fi
  for node in "${NODES[@]}"; do
    [[ -e $RUN/address/$node ]] && continue
    fail "$node" 1 "$node has no address for the other nodes: $words" && accuse "$node" "no address: $words"
  done
  [[ $FIRST_STATUS ]] || { fail addresses 1 "not every node found its address: $words" && accuse_named "$words"; }
  return 1
}

# clean_nodes: what servers that were killed left on their nodes, and what keeps metrics.
clean_nodes() {
  local file dirs=("/tmp/hpcbench-${RUN##*/}")
  [[ ${PARTS[*]} && $STOP != cancelled && -e $BUNDLE/node/tidy.sh ]] || return # cancelled: no step can start
  for file in "$RUN"/placed/store.*; do [[ ! -f $file ]] || dirs+=("$(cut -d ' ' -f 3- "$file")"); done
  everywhere cleaning --overlap "$BUNDLE/node/tidy.sh" "${dirs[@]}"
  within_all 30 cleaning || say "some node kept /tmp/hpcbench-${RUN##*/}"
}
