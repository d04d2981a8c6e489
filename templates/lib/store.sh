# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of node scripts, each of which is checked as a whole
# ── What keeps metrics on this node: one program, from its first free port to its end ────────────────────────────

# While it runs there are no command substitutions: a signal that comes in one makes bash 5.2 lose the script.
STORE='' GUARD='' HASTE=''
trap 'HASTE=${HASTE:-60}' USR1 # the job's own end: there is a minute for what is to be kept
trap 'HASTE=2' TERM INT HUP    # Slurm's, which may have no more patience than five seconds

# run_store PORT...: the program at the first of these ports where it comes to listen; its address is published then. It ends
# when it is asked to, or with the program. Its files are on the node's own disk, and what is to be kept of them goes to results.
run_store() {
  local port
  TMP=${TMPDIR:-/tmp}/${TMP##*/}-$NAME
  own_tmp ''
  trap '"$BUNDLE/node/tidy.sh" "$TMP"' EXIT # and with it whatever of it still ran
  read -r IP <"$RUN/address/$NODE"
  mkdir -p "$RUN/addresses" "$RUN/placed"
  printf '%s %s %s\n' "$NODE" "$$" "$TMP" >"$RUN/placed/store.$NAME"
  [[ $IMAGE ]] || type -P "$PROGRAM" >/dev/null || { printf '%s is no program on %s\n' "$PROGRAM" "$NODE"; exit 1; }
  prepare_store
  for port; do
    [[ ! $HASTE ]] || break
    "$AGENT" free "$IP:$port" || continue
    start_store "$IP:$port"
    comes_to_listen "$port" && { publish "$IP:$port"; attend_store; break; }
    stop_store
  done
  end_store
}

# start_store ADDRESS: STORE, as calm as can be beside what is measured.
start_store() {
  command_of "$1"
  contained "$IMAGE" "${ARGV[@]}"
  printf '%s on %s:' "$NAME" "$NODE"
  printf ' %q' "${CONTAINED[@]}"
  printf '\n'
  (
    give TMPDIR "$TMP" # by which tidy.sh knows what is its own
    give GOMAXPROCS 1
    [[ ! ${MOST_KB-} ]] || ulimit -v "$MOST_KB"
    exec nice -n 10 "${CONTAINED[@]}"
  ) &
  STORE=$!
  guard "$STORE" "$BUNDLE/node/tidy.sh" "$TMP"
}

runs() { [[ $STORE ]] && kill -0 "$STORE" 2>/dev/null; }

# nap SECONDS: a time in which signals are heard at once.
nap() {
  sleep "$1" &
  wait $! || :
}

# comes_to_listen PORT: whether STORE has the port within half a minute. What listens there must be of this user: another one may have
# been quicker. In /proc/net/tcp 0A is a socket that listens; addresses and ports are in hexadecimal digits.
comes_to_listen() {
  local k hex
  printf -v hex '%04X' "$1"
  for ((k = 0; k < 150; k++)); do
    runs && [[ ! $HASTE ]] || return 1
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
      awk -v port=":$hex" -v uid="$UID" '$4 == "0A" && $8 == uid && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' && return
    nap 0.2
  done
  printf '%s does not listen within 30 s\n' "$NAME"
  return 1
}

publish() { # ADDRESS
  printf '%s\n' "$1" >"$RUN/addresses/$NAME.part"
  mv "$RUN/addresses/$NAME.part" "$RUN/addresses/$NAME"
}

attend_store() {
  while runs && [[ ! $HASTE ]]; do
    refresh
    nap 2
  done
}

# stop_store: asks it to end, and ends it when it does not: in half a minute, or at once.
stop_store() {
  local k
  [[ $STORE ]] || return 0
  kill -TERM "$STORE" 2>/dev/null || :
  for ((k = 0; k < (HASTE == 2 ? 20 : 300); k++)); do runs || break; sleep 0.1; done
  if runs; then
    pkill -KILL -P "$STORE" || : # what serves the image's files, too
    kill -KILL "$STORE" 2>/dev/null || :
  fi
  STATUS=0
  wait "$STORE" 2>/dev/null || STATUS=$?
  kill -TERM "$GUARD" 2>/dev/null || :
  STORE=''
}

# end_store: what is to be kept goes to results, and nothing is left on the node. Where it was not asked to end it has failed, and 0 would not say so.
end_store() {
  local asked=$HASTE
  STATUS=1
  stop_store
  rm -f "$RUN/addresses/$NAME"
  keep "${HASTE:-60}"
  [[ ! $asked ]] || exit 0
  printf '%s ended by itself with status %s\n' "$NAME" "$STATUS"
  exit "$((STATUS > 0 ? STATUS : 1))"
}
