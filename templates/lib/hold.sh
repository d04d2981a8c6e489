# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── --hold: what still runs after a failure stays for a while ────────────────────────────────────────────────────

# seconds TIME: 20m, 90s, 2h or a number of seconds, in seconds; 1 when it is none of these.
seconds() {
  [[ $1 =~ ^([0-9]{1,6})([smh]?)$ ]] || return
  case ${BASH_REMATCH[2]} in
    m) printf '%d' $((10#${BASH_REMATCH[1]} * 60)) ;;
    h) printf '%d' $((10#${BASH_REMATCH[1]} * 3600)) ;;
    *) printf '%d' $((10#${BASH_REMATCH[1]})) ;;
  esac
}

# hold DEPLOYMENT: waits HOLD seconds, at most until the job must end, for a person to look at what its servers left.
hold() {
  local until=$(($(date +%s) + HOLD))
  ((until > END - RESERVE)) && until=$((END - RESERVE))
  [[ $HOLD != 0 && ! $STOP ]] || return 0
  phase hold
  note held "$until"
  say "held until $(date -d "@$until" +%H:%M:%S). To go on before: touch '$RUN/release'"
  invite "$1"
  until [[ -e $RUN/release || $STOP ]] || (($(date +%s) >= until)); do pause; done
  rm -f "$RUN/release"
}

# invite DEPLOYMENT: how to reach what still runs: its nodes, what runs in which container there, its endpoints, its logs.
invite() {
  local role node ip port log line shown=' '
  printf '  the job: %s\n' "$(way_to_end)"
  while IFS=$'\t' read -r role node ip port; do
    [[ $role == server ]] || continue
    [[ $shown == *" $node "* ]] || printf '  %s: %s\n' "$node" "$(way_to "$node")"
    [[ $port == - ]] || printf '  %s: http://%s:%s\n' "$node" "$ip" "$port"
    shown+="$node "
  done <"$RUN/nodes.tsv"
  for log in "$LOGS/server.$1.${LAUNCHES[$1]:-0}".*log; do
    [[ -e $log ]] || continue
    line=$(grep -m 1 -E '^rank [0-9]+ of [0-9]+ on ' "$log") && printf '  %s\n' "$line"
    printf "  tail -F '%s'\n" "$log"
  done
}
