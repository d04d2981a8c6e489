# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Readiness: from the servers' first steps to an answer that proves them ───────────────────────────────────────

# make_ready DEPLOYMENT NAME: every rank of the servers NAME placed and healthy, what the service wants done beside them, one
# real generation each, a look at what they say they run on, and that it was they who answered. The status of what ended first, as
# attend's; ASKED is its name.
make_ready() {
  local d=$1 placed=$RUN/placed/$2
  ASKED=ready.$d.${LAUNCHES[$d]}
  if [[ -e $BUNDLE/argv/$d.prepare ]]; then
    start "$ASKED" wait_ready "$d" "$placed" --no-generation
    attend "$ASKED" "$END" && prepare "$d" || return
    ASKED=ready.$d.${LAUNCHES[$d]}
  fi
  start "$ASKED" wait_ready "$d" "$placed"
  attend "$ASKED" "$END" && are_ours "$placed"
}

# are_ours PLACED: until beside each rank that is asked own_port saw that its port is this user's: by then somebody listens. 70 and 75
# as attend's.
are_ours() {
  local role port status rank=0 files=()
  while IFS=$'\t' read -r role _ _ port; do
    [[ $role == server ]] || continue
    [[ $port == - ]] || files+=("$1/own.$rank")
    rank=$((rank + 1))
  done <"$RUN/nodes.tsv"
  await 10 "${files[@]}"
  status=$?
  ((status == 1)) || return "$status"
  say "whose the servers' ports are was not told within 10 s: going on"
}

# prepare DEPLOYMENT: node/prepare.sh on the node of each server. The first goes alone, for where they share a store, what it
# puts there is there for the others, and two that write one thing at once are not to be.
prepare() {
  local d=$1 name=prepare-$1-${LAUNCHES[$1]} group groups=("${SERVER_NODES[0]}")
  if ((LOCAL)); then groups=("${SERVER_NODES[@]}"); else groups+=("$(IFS=,; printf '%s' "${SERVER_NODES[*]:1}")"); fi
  for group in "${groups[@]}"; do
    [[ $group ]] || continue
    ASKED=$name
    ((LOCAL)) && ASKED+=.$group # where Slurm makes a log for each node
    start "$ASKED" on "$group" --overlap --output="$LOGS/$name.%N.log" "$BUNDLE/node/prepare.sh" \
      "$RUN" "$d" "$BLOCK" "${IMAGE[$d]}" "${REPLICAS[$d]}"
    attend "$ASKED" "$END" || return
  done
}

# blame_unready DEPLOYMENT STATUS: the servers live, and are not what they have to be; ASKED found out.
blame_unready() {
  if [[ $ASKED != prepare-* ]]; then blame_asker "$1" "$ASKED" "server $1" "$2"; return; fi
  look_at "$ASKED" || { last_words "$ASKED" "$2"; WHY='the server could not be prepared'; }
  CAUSE=$(told "server.$1")
  fail_there "server $1" "$2"
  show_end "$ASKED"
}
