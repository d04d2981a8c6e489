# shellcheck shell=bash disable=SC2034,SC2154 # a part of node scripts, each of which is checked as a whole
# ── A log that does not grow without end ─────────────────────────────────────────────────────────────────────────

BOUND=

# bound_log NAME: what this script and all that it starts write from here on goes through a program that keeps logs/NAME.log below
# LOG_MB. It is no job of this shell, whose waits are for others, and ends when all have that write to it.
bound_log() {
  mkfifo "$TMP/log"
  "$AGENT" bound --log "$RUN/logs/$1" --size "$LOG_MB" <"$TMP/log" &
  BOUND=$!
  disown "$BOUND"
  exec >"$TMP/log" 2>&1
  rm "$TMP/log"
}

# end_log: waits until the last words are in the log, two seconds at most: something may live on that still could write.
end_log() {
  local k
  [[ $BOUND ]] || return 0
  exec >/dev/null 2>&1
  for ((k = 0; k < 20; k++)); do kill -0 "$BOUND" || return 0; sleep 0.1; done
}
