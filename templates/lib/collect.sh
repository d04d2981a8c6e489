# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Logs, where the recipe wants them collected: a job can do without ────────────────────────────────────────────

COLLECTORS=0 # how many were started

# start_collector: it reads all logs as they grow, here beside the job script, behind all other work. It gets the job's own
# output as a descriptor, since two that opened the file by its name would write over each other.
start_collector() {
  [[ -e $BUNDLE/node/logs.json ]] || return 0
  COLLECTORS=$((COLLECTORS + 1))
  exec 9>&1
  start collect nice -n 19 "$AGENT" logs "$RUN" --collect "$BUNDLE/node/logs.json" --console-fd 9
  exec 9>&-
}

# collector_lost: it ended unasked. Another one goes on where it was, and a third; then the files are all there is.
collector_lost() {
  local words
  reap collect 2>/dev/null
  words=$(tail -n 1 "$LOGS/collect.log")
  note fact collector "ended${WHEN:+ $WHEN}: $words"
  if ((COLLECTORS < 3)); then start_collector; else say "logs are no longer collected: ${words:-it wrote nothing}. logs/collect.log"; fi
}

# end_collector: it reads what is left, for which it has half a minute, or what is left of the job's time. When the job is cancelled,
# nobody has.
end_collector() {
  local patience=$((END - $(date +%s) - 10))
  ((patience < 30)) || patience=30
  [[ ${PID[collect]-} ]] || return 0
  [[ $STOP == cancelled ]] && patience=2
  press "${PID[collect]}" 2>/dev/null
  until gone collect || ((patience-- <= 0)); do pause; done
  stop collect
}
