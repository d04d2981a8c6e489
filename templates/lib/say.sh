# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── What the job says and writes down ────────────────────────────────────────────────────────────────────────────

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }

die() { say "error: $*" >&2; exit 2; }

# note WORDS...: one row of events.tsv, from which the agent makes job.json.
note() {
  local row word
  row=$(date +%s.%N)
  for word; do row+=$'\t'${word//[$'\t\n\r']/ }; done
  printf '%s\n' "$row" >>"$RUN/events.tsv"
}

# phase NAME: ends the phase before it and begins the next; "phase" alone only ends.
PHASE=
phase() {
  [[ $PHASE ]] && note phase "$PHASE" end
  PHASE=${1-}
  [[ $PHASE ]] || return 0
  note phase "$PHASE" start
  say "── $PHASE"
  "$AGENT" job --dir "$RUN"
}

# fail COMPONENT STATUS CAUSE: the first failure decides the job's status; 0 and 75 would lie, so they become 1.
FIRST_STATUS=
fail() {
  say "FAILED: $1 (status $2): $3"
  note failure "$1" "$2" "$3"
  [[ $1 == preflight ]] || accuse_named "$1 $3"
  [[ $FIRST_STATUS ]] && return
  FIRST_STATUS=$2
  [[ $2 == 0 || $2 == 75 ]] && FIRST_STATUS=1
}
