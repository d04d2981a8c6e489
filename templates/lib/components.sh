# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Components: what runs in the background, and what becomes of it ──────────────────────────────────────────────

declare -A PID=() # by name
RUNNING=()        # names, oldest first
STOP=             # why the job is to end early: "time limit" or "cancelled"

# start NAME COMMAND...: runs COMMAND in the background with its output in logs/NAME.log.
start() {
  local name=$1
  shift
  "$@" </dev/null >>"$LOGS/$name.log" 2>&1 &
  PID[$name]=$!
  RUNNING+=("$name")
}

# everywhere NAME [--option=value]... COMMAND...: a task on each node of the job, one step for each of its components:
# NAME, and NAME.1 for a second one.
everywhere() {
  local name=$1 k
  shift
  for k in "${!PARTS[@]}"; do start "$name$(part "$k")" on "${PARTS[k]}" "$@"; done
}

part() { (($1 == 0)) || printf '.%d' "$1"; }

# watching_step K: WATCHING, the options of a step that looks at the nodes of component K beside what runs there, and
# SEEN_GPUS, the GPUs that it sees on each. Of two components the second has the servers, and so the GPUs.
watching_step() {
  WATCHING=("${MONITOR_STEP[@]}") SEEN_GPUS=0
  (($1 == ${#PARTS[@]} - 1)) && WATCHING+=("${MONITOR_GPUS[@]}") SEEN_GPUS=$GPUS
}

# gone NAME: it has ended; or has said that one of its nodes is lost, for then Slurm takes half a minute to end the step.
gone() { ! kill -0 "${PID[$1]}" 2>/dev/null || lost "$1"; }

lost() { [[ -e $RUN/placed/$1/lost ]]; }

# pause: a second in which signals are heard at once (a trap waits for a foreground command, but interrupts wait).
pause() {
  sleep 1 &
  wait $!
}

# reap NAME: the status of a component that is gone; it is one no more.
reap() {
  local name status kept=()
  lost "$1" && slay "${PID[$1]}" 2>/dev/null
  wait "${PID[$1]}"
  status=$?
  for name in "${RUNNING[@]}"; do [[ $name == "$1" ]] || kept+=("$name"); done
  RUNNING=("${kept[@]}")
  unset "PID[$1]"
  return "$status"
}

# stop NAME...: asks them to end, in this order; each five seconds, those that still run hear it in harsher words.
stop() {
  local name way patience
  for way in ask press force slay; do
    for name; do gone "$name" || $way "${PID[$name]}" "$name" 2>/dev/null; done
    for ((patience = 5; patience > 0; patience--)); do
      for name; do gone "$name" || { pause; continue 2; }; done
      break 2
    done
  done
  unasked
  for name; do reap "$name" 2>/dev/null; done
}

slay() { kill -KILL "$1"; }

# stop_like PATTERN: stops every component whose name matches, newest first.
stop_like() {
  local name names=()
  # shellcheck disable=SC2053 # a pattern is meant
  for name in "${RUNNING[@]}"; do [[ $name == $1 ]] && names=("$name" "${names[@]}"); done
  stop "${names[@]}"
}

# attend NAME UNTIL: waits for NAME while every other component lives. Its own status; or 70 when DEAD died meanwhile;
# or 75 when the job is to stop and NAME, which should end by UNTIL (seconds since 1970), would not be done in time.
attend() {
  local name=$1 until=$2 status
  until gone "$name"; do
    others_live "$name" || { stop "$name"; died; return; }
    [[ $STOP == cancelled || ($STOP && $until -gt $((END - RESERVE))) ]] && { stop "$name"; return 75; }
    pause
  done
  reap "$name"
  status=$?
  others_live || { died; return; } # what died in its last second died in its time
  ((status == 0)) || pause
  [[ $status != 0 && $STOP == cancelled ]] && return 75 # scancel reached it before this script
  return "$status"
}

# died: 70, for DEAD died; 75 when that was the doing of scancel.
died() {
  cancelled_soon && return 75
  return 70
}

# cancelled_soon: scancel may reach a step before it reaches this script. Who ends the job knows.
cancelled_soon() {
  [[ $STOP == cancelled ]] || pause
  [[ $STOP == cancelled ]] || ! ended_by_slurm || STOP=cancelled
  [[ $STOP == cancelled ]]
}

# within SECONDS NAME: waits for NAME, which should be over soon. Its own status; or 124 when it was not, and was stopped.
within() {
  local patience=$1 name=$2
  until gone "$name"; do
    if ((patience-- == 0)) || [[ $STOP == cancelled ]]; then stop "$name"; return 124; fi
    pause
  done
  reap "$name"
}

# within_all SECONDS NAME: the same of the steps that everywhere started; 1 when one was not over in time, or failed.
within_all() {
  local k status=0
  for k in "${!PARTS[@]}"; do within "$1" "$2$(part "$k")" || status=1; done
  return "$status"
}

# await SECONDS FILE...: until every file is there. 1 when the time is over, 70 when DEAD died, 75 when the job is to stop.
await() {
  local patience=$1 file
  shift
  for file; do
    until [[ -e $file ]]; do
      others_live || { died; return; }
      [[ $STOP ]] && return 75
      ((patience-- > 0)) || return 1
      pause
    done
  done
}

# others_live [NAME]: whether everything but NAME runs; if not, DEAD is what ended first of that which does not. The job
# can do without its monitors: their end is a failure, and no reason to stop measuring; that of Prometheus, or of what collects
# logs, is not even one.
others_live() {
  local other dead=() CAUSE SAME # those of the monitors are not the trial's
  monitors_lost
  for other in "${RUNNING[@]}"; do
    if [[ $other == "${1-}" ]] || ! gone "$other"; then continue; fi
    case $other in
      monitors*) cancelled_soon || blame "$other" ;;
      store.*) cancelled_soon || store_lost "$other" ;;
      collect) cancelled_soon || collector_lost ;;
      *) dead+=("$other") ;;
    esac
  done
  ((${#dead[@]} == 0)) && return
  DEAD=$(first_of "${dead[@]}")
  return 1
}

# others_stay: a server's end may show a moment after what it did to a trial. DEAD as others_live has it.
others_stay() {
  local patience
  for ((patience = 5; patience > 0; patience--)); do
    if [[ $STOP ]] || ! others_live; then break; fi
    pause
  done
  others_live
}
