# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Proof: what the servers' logs say of how they run ────────────────────────────────────────────────────────────

# note_proof DEPLOYMENT: for each pattern of the service what matches first in each log of its servers: once where all logs that
# have it say the same, else once a log, with the name of its node.
note_proof() {
  local base=server.$1.${LAUNCHES[$1]:-0} proof pattern file value k nodes values
  while IFS=$'\t' read -r proof pattern; do
    nodes=() values=()
    for file in "$LOGS/$base.log" "$LOGS/$base".*.log; do
      value=$(grep -saoE -m 1 -- "$pattern" "$file" | head -n 1)
      [[ $value ]] || continue
      file=${file##*/} file=${file%.log} file=${file#"$base"}
      nodes+=("${file#.}") values+=("${value:0:300}")
    done
    for k in "${!values[@]}"; do
      alike "${values[@]}" && { note proof "$1" "$proof" "${values[0]}"; break; }
      note proof "$1" "$proof" "${values[k]}" "${nodes[k]}"
    done
  done <"$BUNDLE/node/proof.tsv"
}

# alike WORD...: whether all are the same.
alike() {
  local word
  for word; do [[ $word == "$1" ]] || return 1; done
}
