# shellcheck shell=bash disable=SC2034,SC2154
# ── Claims: two jobs on one bundle share its deployments, and never run the same one ─────────────────────────────

CLAIMED=()

# claim DEPLOYMENT: an exclusive create; a claim whose job is over is void.
claim() {
  local file=$BUNDLE/results/claims/$1 owner process
  mkdir -p "$BUNDLE/results/claims"
  until (set -o noclobber; printf '%s %s\n' "$JOB" "$$" >"$file") 2>/dev/null; do
    read -r owner process <"$file" 2>/dev/null || continue
    alive "$owner" "${process-}" && { say "$1 is claimed by job $owner, which still runs: leaving it to that job"; return 1; }
    mv "$file" "$file.void.$JOB" 2>/dev/null && rm -f "$file.void.$JOB"
  done
  CLAIMED+=("$file")
}

release() { rm -f "${CLAIMED[@]}"; }
