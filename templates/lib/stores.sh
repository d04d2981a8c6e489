# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Pushgateway and Prometheus, where the recipe asks for them: a job can do without ─────────────────────────────

# start_stores: all on the monitor node; else on an idle one; else beside the first client. What pushes begins when they listen, or
# when half a minute is over.
start_stores() {
  local name k port ports nodes=("${MONITOR_NODES[@]}" "${IDLE_NODES[@]}" "${CLIENT_NODES[@]}")
  for name in "${!STORE_PORT[@]}"; do
    ports=()
    for ((k = TRY; k < TRY + 3; k++)); do
      port=$(choose_block "$k"; printf '%d' $((BLOCK + ${STORE_PORT[$name]})))
      ports+=("$port")
    done
    start "store.$name" on "${nodes[0]}" "${STORE_STEP[@]}" "$BUNDLE/node/$name.sh" "$RUN" "${ports[@]}"
  done
  for ((k = 0; k < 30; k++)); do
    store_awaited || break
    pause
  done
  for name in "${!STORE_PORT[@]}"; do
    [[ ! -e $RUN/addresses/$name ]] || say "$name: http://$(<"$RUN/addresses/$name")"
  done
}

# store_awaited: whether one runs, and does not listen yet.
store_awaited() {
  local name
  [[ ! $STOP ]] || return
  for name in "${!STORE_PORT[@]}"; do
    [[ -e $RUN/addresses/$name ]] || gone "store.$name" || return 0
  done
  return 1
}

# store_lost NAME: it ended unasked. That is worth a line, and stops nothing.
store_lost() {
  local name=${1#store.} words
  reap "$1" 2>/dev/null
  words=$(grep -avE -- "$CHATTER" "$LOGS/$1.log" | tail -n 1)
  rm -f "$RUN/addresses/$name" # where its script had no time for it
  say "$name is gone, and measuring goes on without it: ${words:-it wrote nothing}. logs/$1.log"
  note fact "$name" "ended${WHEN:+ $WHEN}: $words"
}

# end_stores: after those who push to them. Prometheus has a minute and a half to put its data among the results, or what is left
# of the job's time.
end_stores() {
  local name patience=$((END - $(date +%s) - 20))
  ((patience < 90)) || patience=90
  for name in "${RUNNING[@]}"; do
    [[ $name == store.* && $STOP != cancelled ]] && ! gone "$name" && wave "${PID[$name]}" "$name"
  done
  for name in "${RUNNING[@]}"; do
    while [[ $name == store.* && $STOP != cancelled ]] && ! gone "$name" && ((patience-- > 0)); do pause; done
  done
  stop_like 'store.*'
  if [[ -e $RUN/prometheus.part ]]; then
    rm -rf "$RUN/prometheus.part"
    say 'the data of Prometheus are not among the results: they could not be copied in time'
  elif [[ -e $RUN/prometheus ]]; then
    say "Prometheus's data: $RUN/prometheus; monitoring/view.sh opens them"
  fi
}
