#!/bin/bash
# Becomes the executor of this client node, which binds its port and then publishes it. Called by the job script: client.sh RUN
set -euo pipefail

readonly RUN=$1 FIXED=''

# ── Who this node is ─────────────────────────────────────────────────────────────────────────────────────────────

BUNDLE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
AGENT=$BUNDLE/bin/agent
NODE=${BENCH_NODE:-${SLURMD_NODENAME:-$(hostname -s)}}

# find_rank ROLE [REPLICA]: this node's row in nodes.tsv, of several the one of this replica, from 0: IP, PORT and, counted
# among the rows of its role, RANK of COUNT; HEAD_IP is rank 0's address. LISTENS is the port where this rank itself listens.
find_rank() {
  local role node ip port mine=0
  RANK='' COUNT=0 HEAD_IP='' HOSTS=localhost,127.0.0.1,0.0.0.0
  while IFS=$'\t' read -r role node ip port; do
    [[ $role != endpoint ]] || continue # somebody else's, perhaps behind a proxy
    HOSTS+=,$node,$ip
    [[ $role == "$1" ]] || continue
    [[ $HEAD_IP ]] || HEAD_IP=$ip HEAD_PORT=$port
    if [[ $node == "$NODE" ]]; then
      [[ $mine != "${2:-0}" ]] || RANK=$COUNT IP=$ip PORT=$port
      mine=$((mine + 1))
    fi
    COUNT=$((COUNT + 1))
  done <"$RUN/nodes.tsv"
  [[ $RANK ]] || { printf '%s is no %s in %s/nodes.tsv\n' "$NODE" "$1" "$RUN" >&2; exit 1; }
  # shellcheck disable=SC2034 # LISTENS is a server's
  if [[ $PORT == - ]]; then LISTENS='' PORT=$HEAD_PORT; else LISTENS=$PORT; fi
}

find_rank client
ulimit -Sn "$(ulimit -Hn)"
OTHERS=() # ports of the job's block that no server has
[[ $FIXED ]] || OTHERS=(--or-ports "$((PORT / 100 * 100 + 96))-$((PORT / 100 * 100 + 99))")
exec "$AGENT" serve --listen "$IP:$PORT" "${OTHERS[@]}" --token-file "$RUN/control.token" --out "$RUN" --node "$NODE" \
  --service 'sglang' --watch "$BUNDLE/node/watch.json" --ready-file "$RUN/executors/$NODE"
