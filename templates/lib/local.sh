# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Where things run: this machine, where a node is a process group ──────────────────────────────────────────────

find_bundle() {
  BUNDLE=$(cd -- "$(dirname -- "$0")" && pwd) || die "the bundle's directory can't be entered"
  [[ -f $BUNDLE/MANIFEST ]] || die "$BUNDLE has no MANIFEST: it is not a bundle"
}

# begin: the job's name in results/ (the first local-N that is free), the number its ports come from, and its nodes.
begin() {
  local k
  NUMBER=1
  mkdir -p "$BUNDLE/results"
  while [[ -e $BUNDLE/results/local-$NUMBER ]]; do NUMBER=$((NUMBER + 1)); done
  JOB=local-$NUMBER
  mapfile -t NODES < <(for ((k = 1; k <= TOTAL; k++)); do printf 'host-%d\n' "$k"; done)
  export BENCH_TMP=/tmp/hpcbench-$JOB-$$ # another bundle on this machine has a local-1 too
  PARTS=(host-1) # where a step on every node is one process
  END=$(($(date +%s) + 365 * 86400))
}

# on NODE [--option=value]... COMMAND...: becomes COMMAND as the leader of a session of its own; srun's options are not
# for here.
on() {
  local node=${1%%,*}
  shift
  while [[ ${1-} == --* ]]; do shift; done
  BENCH_NODE=$node exec setsid "$@"
}

# ask PID, press PID, force PID: the whole group, where it is one; wave PID: its leader alone.
ask() { kill -TERM -- "-$1" 2>/dev/null || kill -TERM "$1"; }
press() { ask "$1"; }
wave() { kill -USR1 "$1" 2>/dev/null; }
unasked() { return 0; }
force() { kill -KILL -- "-$1" 2>/dev/null || kill -KILL "$1"; }

ended_by_slurm() { return 1; } # there is none

# alive JOB PID: whether the owner of a claim still runs.
alive() { [[ $2 ]] && kill -0 "$2" 2>/dev/null; }

way_to() { printf 'this machine'; }
way_to_end() { printf 'kill -USR1 %d ends it in good order' "$$"; }

# free_block OFFSET...: whether these ports of every node can be bound now.
free_block() {
  local k offset addresses=()
  for k in "${!NODES[@]}"; do
    for offset; do addresses+=("127.0.0.1:$((BLOCK + 10 * k + offset))"); done
  done
  "$AGENT" free "${addresses[@]}" >/dev/null 2>&1
}

# take_block: whether the block is this job's from now on. The kernel lets go of the lock when the job is over. Locks lie in a
# directory of this user's, for a file or link of somebody else's must not be opened; where he took that name first, there
# are none, and ports are found free by trying alone.
take_block() {
  local locks=/tmp/hpcbench-ports-$UID
  if ! mkdir -m 700 "$locks" && [[ $(stat -c '%u %F' "$locks") != "$UID directory" ]]; then
    say "$locks is not ours ($(stat -c '%F of %U' "$locks")): ports are not locked"
    return
  fi
  exec {TAKEN}>"$locks/$BLOCK" && flock --nonblock "$TAKEN"
} 2>/dev/null

find_addresses() {
  local node
  mkdir -p "$RUN/address"
  for node in "${NODES[@]}"; do printf '127.0.0.1\n' >"$RUN/address/$node"; done
}

clean_nodes() {
  local file dirs=("$BENCH_TMP")
  for file in "$RUN"/placed/store.*; do [[ ! -f $file ]] || dirs+=("$(cut -d ' ' -f 3- "$file")"); done
  [[ ! -e $BUNDLE/node/tidy.sh ]] || "$BUNDLE/node/tidy.sh" "${dirs[@]}"
}
