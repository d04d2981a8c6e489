# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Readiness: from the servers' first steps to an answer that proves them ───────────────────────────────────────

# make_ready DEPLOYMENT NAME: every rank of the servers NAME placed and healthy, what the service wants done beside them, one real
# generation each, and a look at what they say they run on. The status of what ended first, as attend's; ASKED is its name.
make_ready() {
  local d=$1 placed=$RUN/placed/$2
  ASKED=ready.$d.${LAUNCHES[$d]}
  if [[ -e $BUNDLE/argv/$d.prepare ]]; then
    start "$ASKED" wait_ready "$d" "$placed" --no-generation
    attend "$ASKED" "$END" && prepare "$d" || return
    ASKED=ready.$d.${LAUNCHES[$d]}
  fi
  start "$ASKED" wait_ready "$d" "$placed"
  attend "$ASKED" "$END" || return
  note_pages "$d"
}

# prepare DEPLOYMENT: node/prepare.sh on the node of each server. The first goes alone, for where they share a store, what it puts
# there is there for the others, and two that write one thing at once are not to be.
prepare() {
  local d=$1 group groups=("${SERVER_NODES[0]}")
  if ((LOCAL)); then groups=("${SERVER_NODES[@]}"); else groups+=("$(IFS=,; printf '%s' "${SERVER_NODES[*]:1}")"); fi
  for group in "${groups[@]}"; do
    [[ $group ]] || continue
    ASKED=prepare.$d.${LAUNCHES[$d]}
    start "$ASKED" on "$group" --overlap --output="$LOGS/$ASKED.%N.log" "$BUNDLE/node/prepare.sh" \
      "$RUN" "$d" "$BLOCK" "${IMAGE[$d]}" "${REPLICAS[$d]}"
    attend "$ASKED" "$END" || return
  done
}

# note_pages DEPLOYMENT: what the servers' pages prove, for job.json.
note_pages() {
  local name value endpoint
  [[ -s $RUN/proof.$1 ]] || return 0
  while IFS=$'\t' read -r name value endpoint; do note proof "$1" "$name" "$value" "$endpoint"; done <"$RUN/proof.$1"
}
