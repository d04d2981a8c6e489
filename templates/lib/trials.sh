# shellcheck shell=bash disable=SC2034,SC2154
# ── Monitors, clients and trials ─────────────────────────────────────────────────────────────────────────────────

declare -A OVER=() # trials that this job completed or failed

# start_monitors: one on every node, for as long as the job lasts.
start_monitors() {
  [[ ! $MONITOR_INTERVAL || ${MONITORED-} ]] && return
  phase monitor
  MONITORED=1
  start monitors on "$ALL_NODES" "${MONITOR_STEP[@]}" --output="$LOGS/monitors.%N.log" "$BUNDLE/node/monitor.sh" "$RUN"
}

# launch_clients: an executor on each client node, each of which publishes its port once it has bound it. They serve
# all deployments; after one died, all are started anew. 0, 1 failed (CAUSE), 75 the job is to stop.
launch_clients() {
  local node status files=()
  [[ ${PID[client.${CLIENT_NODES[0]}]-} ]] && return
  phase 'launch clients'
  for node in "${CLIENT_NODES[@]}"; do files+=("$RUN/executors/$node"); done
  mkdir -p "$RUN/executors"
  rm -f "${files[@]}"
  for node in "${CLIENT_NODES[@]}"; do start "client.$node" on "$node" "${CLIENT_STEP[@]}" "$BUNDLE/node/client.sh" "$RUN"; done
  await 120 "${files[@]}"
  status=$?
  case $status in
    0) say "Client nodes:$(client_addresses)"; return 0 ;;
    1) CAUSE="no executor on every client node within 120 s"; fail clients 1 "$CAUSE" ;;
    70) blame "$DEAD" ;;
  esac
  stop_like 'client.*'
  return $((status == 75 ? 75 : 1))
}

client_addresses() {
  local role node ip port
  while read -r role node ip port; do [[ $role == client ]] && printf ' %s:%s' "$node" "$port"; done <"$RUN/nodes.tsv"
}

# execute DEPLOYMENT: its missing trials, one after the other. 0 all done, 1 one failed (CAUSE), 75 the job is to stop.
execute() {
  local trial deployment seconds state key name status
  while IFS=$'\t' read -r -u 3 trial deployment seconds state key name; do
    [[ $deployment == "$1" && $state == missing && ! ${OVER[$trial]-} ]] || continue
    (($(date +%s) + seconds > END - RESERVE)) && STOP=${STOP:-time limit}
    [[ $STOP ]] && return 75
    run_trial "$trial" "$seconds" "$key" "$name"
    status=$?
    ((status == 0)) || return "$status"
  done 3<"$RUN/ledger.tsv"
}

# run_trial TRIAL SECONDS KEY NAME: the executors send its load; its results are on disk when this returns.
run_trial() {
  local trial=$1 name=$4 log=trial.$1 status
  note trial "$trial" start "$name"
  start "$log" "$AGENT" trial --workload "$BUNDLE/trials/$trial.json" --nodes "$RUN/nodes.tsv" \
    --token-file "$RUN/control.token" --out "$RUN/$trial" --key "$3"
  attend "$log" $(($(date +%s) + $2))
  status=$?
  case $status in
    0) OVER[$trial]=complete; note trial "$trial" complete; say "$trial $name: $(tail -n 1 "$LOGS/$log.log")"; return 0 ;;
    75) note trial "$trial" stopped "$STOP"; say "$trial $name: stopped ($STOP)"; return 75 ;;
    70) blame "$DEAD" ;;
    *) CAUSE=$(tail -n 1 "$LOGS/$log.log"); fail "trial $trial" "$status" "$CAUSE" ;;
  esac
  OVER[$trial]=failed
  note trial "$trial" failed "$CAUSE"
  return 1
}

# measure DEPLOYMENT: phases 2 to 5 for one deployment. A trial that fails costs the server, which is started again for
# the trials that are left; the same cause twice, whatever its numbers, and the deployment is over.
measure() {
  local d=$1 status last=
  while [[ $(left "$d") != 0 ]]; do
    (($(date +%s) + ${STARTUP[$d]} > END - RESERVE)) && STOP=${STOP:-time limit}
    [[ $STOP ]] && return 75
    CAUSE=
    phase deploy
    note deployment "$d" start
    deploy "$d" && start_monitors && launch_clients
    status=$?
    if ((status == 0)); then
      note deployment "$d" ready
      phase execute
      execute "$d"
      status=$?
    fi
    stop_like 'server.*'
    note deployment "$d" "$([[ $status == 1 ]] && printf 'failed' || printf 'ended')" "$CAUSE"
    ((status == 1)) || return "$status"
    [[ ${CAUSE//[0-9]/} == "$last" ]] && { say "$d failed twice in the same way: leaving its other trials"; return 1; }
    last=${CAUSE//[0-9]/}
  done
}

# left DEPLOYMENT: how many of its trials are neither done before nor over in this job.
left() {
  local trial deployment seconds state rest count=0
  while IFS=$'\t' read -r trial deployment seconds state rest; do
    [[ $deployment == "$1" && $state == missing && ! ${OVER[$trial]-} ]] && count=$((count + 1))
  done <"$RUN/ledger.tsv"
  printf '%d' "$count"
}
