# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Preflight: seconds on every node, before anything is started there that takes minutes ────────────────────────

# preflight: each node looks at itself, and into the images of the servers that it is to run. All that is wrong on any of
# them is said at once; a failure ends the job, a warning is noted. A node that says nothing within 300 s was never placed,
# or does not share this directory.
preflight() {
  local k d gpus servers step first=${NODES[0]} peers=$((${#NODES[@]} - 1)) todo=()
  chain_goes_on || return 1
  for d in "${DEPLOYMENTS[@]}"; do [[ ${LAUNCHER[$d]} == none || $(left "$d") == 0 ]] || todo+=("$d=${IMAGE[$d]}"); done
  servers=$(IFS=,; printf '%s' "${SERVER_NODES[*]}")
  ((LOCAL)) && servers=$first peers=0 # one machine plays them all
  printf '%s\n' "$JOB" >"$RUN/preflight.shared"
  for k in "${!PARTS[@]}"; do
    gpus=0 step=("${MONITOR_STEP[@]}")
    ((k == ${#PARTS[@]} - 1)) && gpus=$GPUS step+=("${MONITOR_GPUS[@]}") # of two components the second has the servers
    start "preflight$(part "$k")" on "${PARTS[k]}" "${step[@]}" "$BUNDLE/node/preflight.sh" "$RUN" "$JOB" "$first" "$peers" "$gpus" "$servers" "${todo[@]}"
  done
  within_all 300 preflight
  [[ $STOP == cancelled ]] && return 1
  judge_nodes "$LOGS"/preflight*.log
}

# judge_nodes LOG...: the rows "node check state words" in these, noted one by one and said once for all nodes that agree.
judge_nodes() {
  local at node check state words key bad=0 keys=() silent=()
  local -A who=() heard=() passed=()
  at=$(date +%s.%N)
  while IFS=$'\t' read -r node check state words; do
    [[ $state == ok || $state == warn || $state == fail ]] || continue # srun has words of its own
    printf -v key '%s\tpreflight\t%s\t%s\t%s\t%s' "$at" "$node" "$check" "$state" "$words"
    EVENTS+=("$key")
    printf '%s\n' "$key" 2>/dev/null >>"$RUN/events.tsv" || CUT=1
    heard[$node]=1
    if [[ $state != fail ]]; then passed[$check]=1; fi
    [[ $state == ok ]] && continue
    key=$state$'\t'$check$'\t'$words
    [[ ${who[$key]-} ]] || keys+=("$key")
    who[$key]+=" $node"
  done < <(cat -- "$@")
  for key in "${keys[@]}"; do
    IFS=$'\t' read -r state check words <<<"$key"
    # shellcheck disable=SC2086 # words are meant
    if [[ $state == warn ]]; then say "warning: $(some ${who[$key]}): $check: $words"; continue; fi
    bad=1
    # shellcheck disable=SC2086 # words are meant
    fail preflight 1 "$(some ${who[$key]}): $check: $words"
    # what every node lacks is not the fault of one; the image could be read where the job script runs
    case $check in
      files | results | cuda | agent | shared) [[ ${passed[$check]-} ]] || continue ;;
      image) [[ ${passed[image]-} || ${who[$key]} != *' '*' '* ]] || continue ;;
    esac
    for node in ${who[$key]}; do accuse "$node" "$check: $words"; done
  done
  ((bad)) || say "preflight: $(count_of "${#heard[@]}" node), $(count_of "${#keys[@]}" warning)"
  for node in "${NODES[@]}"; do [[ ${heard[$node]-} || ($LOCAL == 1 && $node != "${NODES[0]}") ]] || silent+=("$node"); done
  [[ ${silent[*]} ]] || return "$bad"
  fail preflight 1 "$(some "${silent[@]}"): nothing was heard of it: $(last_line preflight)"
  for node in "${silent[@]}"; do accuse "$node" "silent"; done
  return 1
}

# count_of N WORD: 1 node, 2 nodes.
count_of() { if (($1 == 1)); then printf '1 %s' "$2"; else printf '%d %ss' "$1" "$2"; fi; }

# last_line NAME: the last that a step over all nodes said.
last_line() { cat "$LOGS/$1".log "$LOGS/$1".*.log 2>/dev/null | grep -avE -- "$CHATTER" | tail -n 1; }

# some NODE...: as few words as name them.
some() {
  local IFS=,
  if (($# > 4)); then printf '%s, %s, %s and %d more' "$1" "$2" "$3" $(($# - 3)); else printf '%s' "$*" | sed 's/,/, /g'; fi
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
