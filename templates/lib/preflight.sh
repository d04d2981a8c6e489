# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Preflight: seconds on every node, before anything is started there that takes minutes ────────────────────────

# preflight: each node looks at itself, and into the images of the servers that it is to run. All that is wrong on any of
# them is said at once; a failure ends the job, a warning is noted. A node that says nothing within 300 s was never placed,
# or does not share this directory.
preflight() {
  local k d servers first=${NODES[0]} peers=$((${#NODES[@]} - 1)) todo=()
  for d in "${DEPLOYMENTS[@]}"; do [[ ${LAUNCHER[$d]} == none || $(left "$d") == 0 ]] || todo+=("$d=${IMAGE[$d]}"); done
  servers=$(IFS=,; printf '%s' "${SERVER_NODES[*]}")
  ((LOCAL)) && servers=$first peers=0 # one machine plays them all
  printf '%s\n' "$JOB" >"$RUN/preflight.shared"
  for k in "${!PARTS[@]}"; do
    watching_step "$k"
    start "preflight$(part "$k")" on "${PARTS[k]}" "${WATCHING[@]}" "$BUNDLE/node/preflight.sh" "$RUN" "$JOB" "$first" "$peers" "$SEEN_GPUS" "$servers" "${todo[@]}"
  done
  within_all 300 preflight
  [[ $STOP == cancelled ]] && return 1
  judge_nodes "$LOGS"/preflight*.log
}

# judge_nodes LOG...: what the nodes said of themselves in these is said once for all nodes that agree. 1 when something
# failed, or a node said nothing.
judge_nodes() {
  local row state check words node bad=0 silent=()
  hear_nodes "$@"
  for row in "${FOUND[@]}"; do
    IFS=$'\t' read -r state check words <<<"$row"
    # shellcheck disable=SC2086 # words are meant
    node=$(some ${WHO[$row]})
    if [[ $state == warn ]]; then say "warning: $node: $check: $words"; continue; fi
    bad=1
    fail preflight 1 "$node: $check: $words" || continue
    of_a_node "$check" "${WHO[$row]}" || continue
    for node in ${WHO[$row]}; do accuse "$node" "$check: $words"; done
  done
  ((bad)) || say "preflight: $(count_of "${#HEARD[@]}" node), $(count_of "${#FOUND[@]}" warning)"
  for node in "${NODES[@]}"; do [[ ${HEARD[$node]-} || ($LOCAL == 1 && $node != "${NODES[0]}") ]] || silent+=("$node"); done
  [[ ${silent[*]} ]] || return "$bad"
  fail preflight 1 "$(some "${silent[@]}"): nothing was heard of it: $(srun_said preflight)"
  for node in "${silent[@]}"; do accuse "$node" silent; done
  return 1
}

# hear_nodes LOG...: notes the rows "node check state words" in these. HEARD has the nodes, PASSED the checks that were no
# failure somewhere, FOUND what is not ok as "state check words", and WHO the nodes that say so, each after a blank.
declare -A HEARD=() PASSED=() WHO=()
FOUND=()
hear_nodes() {
  local at node check state words row
  at=$(date +%s.%N) # of all of them, for there may be a thousand
  while IFS=$'\t' read -r node check state words; do
    [[ $state == ok || $state == warn || $state == fail ]] || continue # srun has words of its own
    note_at "$at" preflight "$node" "$check" "$state" "$words"
    HEARD[$node]=1
    [[ $state == fail ]] || PASSED[$check]=1
    [[ $state == ok ]] && continue
    row=$state$'\t'$check$'\t'$words
    [[ ${WHO[$row]-} ]] || FOUND+=("$row")
    WHO[$row]+=" $node"
  done < <(cat -- "$@")
}

# of_a_node CHECK NODES: whether its failure is the fault of these nodes. What every node lacks is not that of one; and the
# image could be read where the job script runs.
of_a_node() {
  case $1 in
    files | results | cuda | agent | shared) [[ ${PASSED[$1]-} ]] ;;
    image) [[ ${PASSED[image]-} || $2 != *' '*' '* ]] ;;
  esac
}

# count_of N WORD: 1 node, 2 nodes.
count_of() { if (($1 == 1)); then printf '1 %s' "$2"; else printf '%d %ss' "$1" "$2"; fi; }

# srun_said NAME: the last words in the logs of a step over all nodes that are none of its rows.
srun_said() { cat "$LOGS/$1".log "$LOGS/$1".*.log 2>/dev/null | grep -avE -- "$CHATTER|"$'\t(ok|warn|fail)\t' | tail -n 1; }

# some NODE...: as few words as name them.
some() {
  local IFS=,
  if (($# > 4)); then printf '%s, %s, %s and %d more' "$1" "$2" "$3" $(($# - 3)); else printf '%s' "$*" | sed 's/,/, /g'; fi
}
