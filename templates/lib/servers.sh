# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Nodes, ports and servers ─────────────────────────────────────────────────────────────────────────────────────

declare -A LAUNCHES=() # how often each deployment was started

# deal_roles: the nodes of each role, as the plan seats them: places in the allocation, such as 0 or 2-5, or host names.
deal_roles() {
  mapfile -t MONITOR_NODES < <(seated "${MONITOR_SEATS[@]}")
  mapfile -t CLIENT_NODES < <(seated "${CLIENT_SEATS[@]}")
  mapfile -t SERVER_NODES < <(seated "${SERVER_SEATS[@]}")
  mapfile -t IDLE_NODES < <(seated "${IDLE_SEATS[@]}")
}

# seated SEAT...: a node a line.
seated() {
  local seat k
  for seat; do
    if [[ $seat == *[!0-9-]* ]]; then printf '%s\n' "$seat"; continue; fi
    for ((k = ${seat%-*}; k <= ${seat#*-}; k++)); do printf '%s\n' "${NODES[k]}"; done
  done
}

# write_nodes DEPLOYMENT: nodes.tsv, a row "role node ip port" each; port "-" where nothing listens. A server that spans
# nodes listens on its first; of several on a node each has a row. Ports of one machine are ten apart from one server to
# the next, and so are those of the nodes that this machine plays.
write_nodes() {
  local k node port replica replicas=${REPLICAS[$1]} url
  local -A up=()
  for k in "${!NODES[@]}"; do up[${NODES[k]}]=$((LOCAL * 10 * k)); done
  {
    for node in "${MONITOR_NODES[@]}"; do node_row monitor "$node" -; done
    for node in "${CLIENT_NODES[@]}"; do
      port=${CLIENT_PORT:-$((CLIENT_BLOCK + 6 + ${up[$node]}))}
      [[ -e $RUN/executors/$node ]] && port=$(<"$RUN/executors/$node") port=${port##*:} # it says where it came to listen
      node_row client "$node" "$port"
    done
    for node in "${SERVER_NODES[@]}"; do
      for ((replica = 0; replica < replicas; replica++)); do
        port=${SERVER_PORT:-$((BLOCK + replicas * ${up[$node]} + 10 * replica))}
        [[ ${LAUNCHER[$1]} != single && $node != "${SERVER_NODES[0]}" ]] && port=-
        node_row server "$node" "$port"
      done
    done
    for node in "${IDLE_NODES[@]}"; do node_row idle "$node" -; done
    for url in ${ENDPOINTS[$1]-}; do printf 'endpoint\t%s\t%s\t-\n' "${url#*://}" "$url"; done
  } >"$RUN/nodes.tsv.part"
  mv "$RUN/nodes.tsv.part" "$RUN/nodes.tsv"
}

node_row() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$(<"$RUN/address/$2")" "$3"; }

# choose_block TRY: a hundred ports by the job's number, and another hundred at each try.
choose_block() { BLOCK=$((20000 + (NUMBER + 37 * $1) % 120 * 100)); }

# choose_ports: the first block in which nobody is seen to listen is that of executors and monitors, and the one servers try first.
choose_ports() {
  for ((TRY = 0; TRY < 9; TRY++)); do
    choose_block "$TRY"
    take_block && free_block 0 6 8 && break
  done
  CLIENT_BLOCK=$BLOCK
}

# port_taken NAME: whether its log says that another program has the port.
port_taken() { grep -qiE 'address already in use|EADDRINUSE|errno 98' "$LOGS/$1".*log; }

# start_servers DEPLOYMENT NAME: a step for each server where nodes have servers of their own, one step over all when
# together they are one server, of which no rank outlives another (--wait). Each node's output is a log of its own, and so
# is that of each of several tasks on it.
start_servers() {
  local d=$1 name=$2 node script step log replica apart replicas=${REPLICAS[$1]}
  read -ra step <<<"${STEP[$d]}"
  mkdir -p "$RUN/placed/$name"
  set -- "$RUN" "$d" "$BLOCK" "$RUN/placed/$name" "${IMAGE[$d]}"
  if [[ ${LAUNCHER[$d]} == single ]]; then
    for node in "${SERVER_NODES[@]}"; do
      for ((replica = 0; replica < replicas; replica++)); do
        log=$name.$node apart=()
        ((replicas > 1)) && log+=.$replica apart=("$replica")
        start "$log" on "$node" "${step[@]}" "$BUNDLE/node/server.sh" "$@" "${apart[@]}"
      done
    done
    return
  fi
  [[ ${LAUNCHER[$d]} == none ]] && return # they run already
  node=$(IFS=,; printf '%s' "${SERVER_NODES[*]}")
  script=server.sh log=$name.%N
  [[ ${LAUNCHER[$d]} == ray ]] && script=ray.sh
  [[ ${LAUNCHER[$d]} == tasks ]] && { log+=.%t; set -- "$@" '' task; }
  start "$name" on "$node" "${step[@]}" --wait=5 --output="$LOGS/$log.log" "$BUNDLE/node/$script" "$@"
}

# wait_ready DEPLOYMENT PLACED [--no-generation]: every rank placed, healthy by its own word, and then one real generation. On
# nodes that had its ranks before, they are there at once, or a node was lost meanwhile.
wait_ready() {
  local pages=() patience=300
  ((LAUNCHES[$1] > 1)) && patience=60
  [[ ! -e $BUNDLE/pages/$1.json ]] || pages=(--pages "$BUNDLE/pages/$1.json" --proof "$RUN/proof.$1")
  exec "$AGENT" ready --nodes "$RUN/nodes.tsv" --placed-dir "$2" --ranks $((${#SERVER_NODES[@]} * REPLICAS[$1] * ${TASKS[$1]:-1})) \
    --placed-timeout "${patience}s" "${HEALTH[@]}" --dialect "${DIALECT[$1]}" --model "${MODEL[$1]}" --generation-timeout 120s "${pages[@]}" "${@:3}"
}

client_addresses() {
  local role node port
  while read -r role node _ port; do [[ $role == client ]] && printf ' %s:%s' "$node" "$port"; done <"$RUN/nodes.tsv"
}
