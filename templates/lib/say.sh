# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── What the job says and writes down ────────────────────────────────────────────────────────────────────────────

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*"; }

die() { say "error: $*" >&2; exit 2; }

# note WORDS...: one row of events.tsv, from which the agent makes job.json.
note() { note_at "$(date +%s.%N)" "$@"; }

# note_at SECONDS WORDS...: the same, of that time. EVENTS has all rows, for finish to write the file anew where the disk had
# no room for one.
EVENTS=() CUT=
note_at() {
  local row=$1 word
  shift
  for word; do row+=$'\t'${word//[$'\t\n\r']/ }; done
  EVENTS+=("$row")
  printf '%s\n' "$row" 2>/dev/null >>"$RUN/events.tsv" || CUT=1
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

# fail COMPONENT STATUS CAUSE [NODE RANK LOG:LINE]: the first failure decides the job's status; 0 and 75 would lie, so they
# become 1. Where nothing more can be written everything fails, and nothing could be measured: then it returns 1, for no
# component and no node is to blame.
FIRST_STATUS=
fail() {
  local why=''
  [[ $STOP ]] || why=$(unwritable)
  if [[ $why ]]; then
    STOP=$why CAUSE="$RUN can't be written to: $why. Free some, and submit again for the rest. First seen as: $3"
    set -- results 1 "$CAUSE"
  fi
  say "FAILED: $3"
  note failure "$@"
  [[ $FIRST_STATUS ]] || case $2 in 0 | 75) FIRST_STATUS=1 ;; *) FIRST_STATUS=$2 ;; esac
  [[ ! $why ]]
}

# unwritable: why not even a block can be written among the results: "no space left on device", "disk quota exceeded".
unwritable() {
  local words
  words=$( { printf '%4096s' '' >"$RUN/room"; } 2>&1)
  rm -f "$RUN/room"
  words=${words##*: }
  printf '%s' "${words,}"
}
