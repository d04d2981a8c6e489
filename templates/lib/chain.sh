# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Chains: submit.sh --until-done queues successors, each of which runs when the jobs before it left something ──

# The rows of results/chain.tsv: a job, its script, and the jobs that it comes after.

# accuse NODE WHY: who is to blame for a failure, in results/<jobid>/blamed.tsv.
accuse() { ((LOCAL)) || printf '%s\t%s\n' "$1" "${2//[$'\t\n\r']/ }" >>"$RUN/blamed.tsv"; }

# accuse_named WORDS: the node that they name, by its name or address. Words that name several accuse none.
accuse_named() {
  local node ip named=()
  for node in "${NODES[@]}"; do
    ip=$(cat "$RUN/address/$node" 2>/dev/null)
    [[ " $1 " =~ [^[:alnum:]-]"$node"[^[:alnum:]-] || ($ip && " $1 " =~ [^0-9.]"$ip"[^0-9]) ]] && named+=("$node")
  done
  ((${#named[@]} != 1)) || accuse "${named[0]}" "$1"
}

# blamed_twice: the nodes that more than one of this bundle's jobs blamed, with commas between them.
blamed_twice() {
  local file
  for file in "$BUNDLE"/results/*/blamed.tsv; do cut -f 1 "$file" 2>/dev/null | sort -u; done | sort | uniq -d | paste -s -d , -
}

# successors: the jobs that come after this one.
successors() {
  local id after
  while IFS=$'\t' read -r id _ after; do [[ " $after " != *" $JOB "* ]] || printf '%s\n' "$id"; done <"$BUNDLE/results/chain.tsv"
}

# hand_on: what the jobs behind this one are told at its end: to go, where this one was cancelled; else which nodes to leave out.
hand_on() {
  local id nodes
  [[ -e $BUNDLE/results/chain.tsv && $LOCAL == 0 && $PLANNED != smoke ]] || return 0
  nodes=$(blamed_twice)
  for id in $(successors); do
    if [[ $STOP == cancelled ]]; then scancel --quiet "$id"; elif [[ $nodes ]]; then leave_out "$id" "$nodes"; fi
  done
}

# leave_out JOB NODES: no component of a job that waits gets any of these.
leave_out() {
  local id old wanted
  while read -r id old; do
    wanted=${old#'(null)'}
    scontrol update JobId="$id" ExcNodeList="$wanted${wanted:+,}$2" && say "job $id leaves out $2, blamed by two jobs"
  done < <(scontrol --oneliner show job "$1" 2>/dev/null | sed -n '/JobState=PENDING/s/^JobId=\([0-9]*\).* ExcNodeList=\([^ ]*\).*/\1 \2/p')
}

# chain_goes_on: not when a job before this one was cancelled. afternotok alone would go on after that, too.
chain_goes_on() {
  local id after before state
  [[ -e $BUNDLE/results/chain.tsv && $LOCAL == 0 ]] || return 0
  while IFS=$'\t' read -r id _ after; do [[ $id == "$JOB" ]] && before=$after; done <"$BUNDLE/results/chain.tsv"
  for id in ${before-}; do
    state=$(scontrol --oneliner show job "$id" 2>/dev/null | sed -n '1s/.* JobState=\([A-Z_]*\).*/\1/p')
    [[ $state ]] || state=$(sacct --noheader --allocations --parsable2 --jobs="$id" --format=State 2>/dev/null | head -n 1)
    [[ $state != CANCELLED* ]] || { say "job $id before this one was cancelled, and so is what follows"; STOP=cancelled; return 1; }
  done
  return 0
}
