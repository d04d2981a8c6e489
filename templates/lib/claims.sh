# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Claims: two jobs on one bundle share its deployments, and never run the same one ─────────────────────────────

CLAIMED=()

# claim DEPLOYMENT: an exclusive create; a claim whose job is over is void, and so is one that stays empty. --smoke needs none.
claim() {
  [[ $PLANNED == smoke ]] && return
  local file=$BUNDLE/results/claims/$1 void=$BUNDLE/results/claims/$1.void.$JOB try owner process run
  mkdir -p "$BUNDLE/results/claims"
  for ((try = 0; try < 5; try++)); do
    (set -o noclobber; printf '%s %s %s\n' "$JOB" "$$" "${SLURM_RESTART_COUNT:-0}" >"$file") 2>/dev/null && { CLAIMED+=("$file"); return 0; }
    owner='' process='' run=''
    read -r owner process run 2>/dev/null <"$file" || { pause; read -r owner process run 2>/dev/null <"$file"; }
    [[ $owner ]] && alive "$owner" "$process" "$run" && { say "$1 is claimed by job $owner, which still runs: leaving it to that job"; return 1; }
    mv "$file" "$void" 2>/dev/null || continue
    [[ $(<"$void") == "${owner:+$owner $process${run:+ $run}}" ]] || mv -n "$void" "$file" # somebody else's, made since it was read
    rm -f "$void"
  done
  fail "claim of $1" 1 "$file can't be written: is the disk full, or the directory another user's?"
  return 1
}

release() { rm -f "${CLAIMED[@]}"; }
