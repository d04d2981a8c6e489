# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Proof: what servers that are ready say of how they run, for job.json ─────────────────────────────────────────

# note_proof DEPLOYMENT: what was prepared beside its servers, what their pages prove, and what their logs say.
note_proof() {
  local name value endpoint
  [[ ! -e $BUNDLE/argv/$1.prepare || ! -s $RUN/prepared ]] || note proof "$1" prepared "$(<"$RUN/prepared")"
  if [[ -s $RUN/proof.$1 ]]; then
    while IFS=$'\t' read -r name value endpoint; do note proof "$1" "$name" "$value" "$endpoint"; done <"$RUN/proof.$1"
  fi
  while IFS=$'\t' read -r name value; do note_logs "$1" "$name" "$value"; done <"$BUNDLE/node/proof.tsv"
}

# note_logs DEPLOYMENT PROOF PATTERN: what matches first in each log of its servers: once where all logs that have it say the
# same, else once a log, with the name of its node.
note_logs() {
  local base=server.$1.${LAUNCHES[$1]:-0} file value k nodes=() values=()
  for file in "$LOGS/$base.log" "$LOGS/$base".*.log; do
    [[ $file != *.past.log && $file != *.tail.log ]] || continue # parts of a log that is bounded
    value=$(grep -saoE -m 1 -- "$3" "$file" | head -n 1)
    [[ $value ]] || continue
    file=${file##*/} file=${file%.log} file=${file#"$base"}
    nodes+=("${file#.}") values+=("${value:0:300}")
  done
  if ((${#values[@]})) && alike "${values[@]}"; then note proof "$1" "$2" "${values[0]}"; return; fi
  for k in "${!values[@]}"; do note proof "$1" "$2" "${values[k]}" "${nodes[k]}"; done
}

# alike WORD...: whether all are the same.
alike() {
  local word
  for word; do [[ $word == "$1" ]] || return 1; done
}
