#!/bin/bash
# Brings the metrics of this bundle's jobs to your own machine: one ssh connection to the login node, with a local port from 25000 on for
# each node, and targets/*.json beside this file, by which a Prometheus here finds them. It follows the jobs, a later one too, until
# ctrl-C, and then takes all of it away.
#
#   ./tunnel.sh                  the login node and the directory are those of the last `gen run`, else of the cluster profile
#   ./tunnel.sh --check          whether this machine's Prometheus sees each target, and Grafana has the dashboards
#
#   --job ID                     this job alone; it ends with the job
#   --host HOST [--port N]       another login node, as in your ~/.ssh/config
#   --user NAME, --key FILE      else MLUX_USER and MLUX_KEY, else what ssh does by itself
#   --jump HOST                  first to this one (ssh -J); a ProxyJump of your ~/.ssh/config is kept without it
#   --dir DIR                    the bundle's directory there, from your home directory if it does not begin with /
#   --here                       no ssh: the jobs run on this machine, or this is the login node
#   --first PORT                 the first local port, for 25000
#   --targets DIR                another bundle's targets/, so that one Prometheus sees both
#   --prometheus, --grafana ADDRESS   of --check, for 127.0.0.1:9092 and 127.0.0.1:3001
#
# bash 3.2, as macOS has it, will do; so it has neither associative arrays nor mapfile.
set -uo pipefail
BUNDLE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd) || exit

readonly SCENARIO='"vllm-single"' # in JSON
readonly NAME='vllm-single' # of the jobs
readonly LOGIN='' LOGIN_PORT='' LOGIN_DIR='' # of the cluster profile
readonly LOCAL=0 # the jobs need no Slurm
readonly DASHBOARDS=('hpcbench-vllm' 'hpcbench_nodes')

JOB='' HOST='' PORT='' SSH_USER='' KEY=${MLUX_KEY-} JUMP='' DIR='' HERE=0 CHECK=0
FIRST=25000 TARGETS=$BUNDLE/monitoring/targets PROMETHEUS=127.0.0.1:9092 GRAFANA=127.0.0.1:3001
KEY_ONLY=0
STATE=''    # a private directory: the connection's socket, and what ssh said
FORWARDS='' # a line each: local address, kind, node, address, job
WRITTEN=''  # jobs whose targets are ours
SLEEP=''    # the process that is waited for between two looks

main() {
  arguments "$@"
  if ((CHECK)); then check; exit; fi
  place
  # a socket's path has 108 bytes at most, and ssh lengthens it
  STATE=$(mktemp -d /tmp/hpcbench-tunnel.XXXXXX) || exit 2
  trap leave EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  (umask 022; mkdir -p "$TARGETS") || exit 2 # a Prometheus in a container is another user
  ((HERE)) || connect || fail "$HOST is not reached: $(said)"
  follow
}

arguments() {
  while (($#)); do
    case $1 in
      --check) CHECK=1 ;;
      --here) HERE=1 ;;
      --job | --host | --port | --user | --key | --jump | --dir | --first | --targets | --prometheus | --grafana)
        (($# > 1)) || fail "$1 wants a value"
        value "$1" "$2"
        shift
        ;;
      -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
      *) fail "$1 is unknown: ./tunnel.sh --help" ;;
    esac
    shift
  done
}

value() { # FLAG VALUE
  case $1 in
    --job) JOB=$2 ;;
    --host) HOST=$2 ;;
    --port) PORT=$2 ;;
    --user) SSH_USER=$2 ;;
    --key) KEY=$2 KEY_ONLY=1 ;;
    --jump) JUMP=$2 ;;
    --dir) DIR=$2 ;;
    --first) FIRST=$2 ;;
    --targets) TARGETS=$2 ;;
    --prometheus) PROMETHEUS=$2 ;;
    --grafana) GRAFANA=$2 ;;
  esac
  case $1 in
    --port | --first) number "$2" || fail "$1 wants a port, not $2" ;;
    --host | --user | --jump) [[ $2 && $2 != -* && $2 != *[[:space:]]* ]] || fail "$1 can't be \"$2\"" ;;
    --prometheus | --grafana) [[ $2 =~ ^[^:]+:[0-9]+$ ]] || fail "$1 wants ADDRESS:PORT, not $2" ;;
  esac
}

number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; (($1 > 0 && $1 < 65536)); }
say() { printf '%s\n' "$*" >&2; }
tell() { printf '%s\n' "$*"; }
fail() { say "tunnel.sh: $*"; exit 2; }
said() { tail -n 1 "$STATE/ssh.log" 2>/dev/null | tr -d '\r'; }

# ---- where the jobs are --------------------------------------------------------

# place: where to look for them: what the flags say, else where `gen run` submitted last, else here if Slurm is here or not needed, else
# the login node of the cluster profile.
place() {
  local where=''
  if [[ -r $BUNDLE/results/submitted.tsv ]]; then where=$(tail -n 1 "$BUNDLE/results/submitted.tsv" | cut -f 4); fi
  if [[ $where == ssh://* && $HERE == 0 ]]; then
    remembered "${where#ssh://}"
  elif [[ $HOST ]]; then
    HERE=0
  elif [[ $where == here || $LOCAL == 1 ]] || command -v squeue >/dev/null; then
    HERE=1
  elif ((HERE == 0)); then
    HOST=$LOGIN PORT=${PORT:-$LOGIN_PORT} DIR=${DIR:-${LOGIN_DIR:+$LOGIN_DIR/$(basename -- "$BUNDLE")}}
  fi
  if ((HERE)); then DIR=${DIR:-$BUNDLE}; return; fi
  [[ $HOST ]] || fail 'which login node? The cluster profile names none: --host HOST'
  DIR=${DIR:-hpcbench/$(basename -- "$BUNDLE")}
  DIR=${DIR#'~/'}
  SSH_USER=${SSH_USER:-${MLUX_USER-}}
  if [[ ! $KEY && -e ~/.ssh/id_ed25519_mlux ]]; then KEY=~/.ssh/id_ed25519_mlux; fi
}

# remembered USER@HOST:PORT/DIR: an address that gen wrote down, in which %20 is a blank. What a flag says stays as it is.
remembered() {
  local authority=${1%%/*} path=/${1#*/} user='' host port=''
  case $authority in *@*) user=${authority%@*} authority=${authority##*@} ;; esac
  case $authority in
    '['*']') host=${authority#'['} host=${host%']'} ;;
    '['*) host=${authority#'['} host=${host%%']'*} port=${authority##*:} ;;
    *:*) host=${authority%:*} port=${authority##*:} ;;
    *) host=$authority ;;
  esac
  case $path in /'~'/*) path=${path#/'~'/} ;; esac
  path=${path//\\/%5C}
  HOST=${HOST:-$host} PORT=${PORT:-$port} SSH_USER=${SSH_USER:-$user} DIR=${DIR:-$(printf '%b' "${path//%/\\x}")}
}

# ---- the connection --------------------------------------------------------------

# connect: opens the one connection. It asks for a password or a code where there is a terminal to ask at; then it goes into the background
# and lives until it is told to end. Half a minute of silence is a lost connection.
connect() {
  OPTIONS=(-T -a -x -o ControlPersist=no -o ConnectTimeout=20 -o ServerAliveInterval=10 -o ServerAliveCountMax=3
    -o ClearAllForwardings=yes -o RemoteCommand=none)
  [[ -t 0 ]] || OPTIONS+=(-o BatchMode=yes)
  [[ ! $PORT ]] || OPTIONS+=(-p "$PORT")
  [[ ! $SSH_USER ]] || OPTIONS+=(-l "$SSH_USER")
  [[ ! $KEY ]] || OPTIONS+=(-i "$KEY")
  ((KEY_ONLY == 0)) || OPTIONS+=(-o IdentitiesOnly=yes)
  [[ ! $JUMP ]] || OPTIONS+=(-J "$JUMP")
  FORWARDS=''
  ssh -M -S "$STATE/ssh" -f -N "${OPTIONS[@]}" -- "$HOST" 2>"$STATE/ssh.log"
}

control() { ssh -F none -S "$STATE/ssh" "$@" -- "$HOST" >>"$STATE/ssh.log" 2>&1; } # of the connection: -O WORD, and what belongs to it
connected() { ((HERE)) || control -O check; }

# forward ADDRESS: LOCAL, the end on this machine of a way to an address that the login node reaches.
forward() {
  local port=$FIRST
  while ((port < FIRST + 1000)); do
    LOCAL_END=127.0.0.1:$port
    port=$((port + 1))
    [[ $'\n'$FORWARDS != *$'\n'"$LOCAL_END "* ]] || continue
    ! control -O forward -L "$LOCAL_END:$1" || return 0
    connected || return 1
  done
  return 1
}

# leave: nothing of ours stays: no connection, no target, no file.
leave() {
  trap '' INT TERM HUP
  local job pid=''
  for job in $WRITTEN; do rm -f "$TARGETS/$job.client.json" "$TARGETS/$job.node.json"; done
  if [[ $STATE && -S $STATE/ssh ]]; then
    pid=$(ssh -F none -S "$STATE/ssh" -O check -- "$HOST" 2>&1 | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
    control -O exit
    [[ ! $pid ]] || gone "$pid" || kill "$pid" 2>/dev/null
  fi
  [[ ! $SLEEP ]] || kill "$SLEEP" 2>/dev/null
  rm -rf "$STATE"
}

gone() { # PID: within five seconds
  local k
  for ((k = 0; k < 50; k++)); do kill -0 "$1" 2>/dev/null || return 0; sleep 0.1; done
  return 1
}

# ---- what there is ---------------------------------------------------------------

# look: what runs now, as rows: job ID; target KIND NODE ADDRESS JOB; also NAME ADDRESS JOB. They come after a line "begin", since login
# scripts may write before. It is one script for bash, there or here; its values come before it as assignments.
look() {
  local run=(bash -s)
  ((HERE)) || run=(ssh -S "$STATE/ssh" "${OPTIONS[@]}" -- "$HOST" 'exec bash -l -s')
  {
    printf 'dir=%q name=%q only=%q\n' "$DIR" "$NAME" "$JOB"
    cat <<'LOOK'
found() { # ID, of a job that runs: its rows, of the last time it was started
  local run file kind
  printf 'job %s\n' "$1"
  run=$(compgen -G "results/$1" || :; compgen -G "results/$1.[0-9]*" || :; compgen -G "results/smoke/$1*" || :)
  run=$(sort -V <<<"$run" | tail -n 1)
  for file in "$run"/executors/* "$run"/exporters/* "$run"/addresses/p*; do
    [[ -s $file ]] || continue
    case $file in
      */executors/*) kind='target client' ;;
      */exporters/*) kind='target node' ;;
      *) kind=also ;;
    esac
    printf '%s %s %s %s\n' "$kind" "${file##*/}" "$(head -n 1 "$file")" "$1"
  done
}

# owners: the jobs of this bundle that run, and where they lie: Slurm's, and those that need none by their claims.
owners() {
  local id state at command claim pid
  if command -v squeue >/dev/null; then
    while IFS='|' read -r id state at command; do
      command=${command%% *}
      if [[ -e ${command%/*}/MANIFEST ]]; then at=${command%/*}; fi
      if [[ $state == RUNNING ]]; then printf '%s|%s\n' "${id%%+*}" "$at"; fi
    done < <(unset "${!SQUEUE_@}"; squeue --noheader --user="$(id -un)" --name="$name" --format='%i|%T|%Z|%o')
  fi
  for claim in "$dir"/results/claims/* "$dir"/results/smoke/claims/*; do
    read -r id pid _ 2>/dev/null <"$claim" || continue
    if [[ $id == local-* ]] && kill -0 "$pid" 2>/dev/null; then printf '%s|%s\n' "$id" "$dir"; fi
  done | sort -u
}

printf 'begin\n'
case $dir in /*) ;; *) dir=$HOME/$dir ;; esac
there=$(cd -- "$dir" 2>/dev/null && pwd -P)
while IFS='|' read -r id at; do
  [[ ! $only || $id == "$only" ]] || continue
  at=$(cd -- "$at" 2>/dev/null && pwd -P) || continue
  [[ ! $there || $at == "$there" || $only ]] || continue # another bundle of the same name
  cd -- "$at" && found "$id"
done < <(owners)
printf 'end\n'
LOOK
  } | "${run[@]}" 2>>"$STATE/ssh.log"
}

# ---- from there to here ------------------------------------------------------------

# follow: looks again and again, and keeps forwards and targets as the jobs are.
follow() {
  local rows seen=0 quiet=0
  if ((HERE)); then say "jobs of $DIR on this machine"; else say "jobs of ${SSH_USER:+$SSH_USER@}$HOST:$DIR"; fi
  while :; do
    if ! connected; then
      say "the connection is lost ($(said)); trying again"
      until connect; do pause 10; done
      say 'connected again'
    fi
    rows=$(look | sed -n '/^begin$/,$p')
    if [[ $rows == *$'\n'end ]]; then # else it was cut short
      rows=$(printf '%s\n' "$rows" | sed '1d;$d')
      [[ $rows == *target* ]] && seen=1 quiet=0
      arrange "$rows"
      [[ ! $JOB || $seen == 0 || $rows == *"job $JOB"* ]] || { say "job $JOB has ended"; return; }
      if [[ ! $rows && $quiet == 0 ]]; then
        say 'no job of this bundle runs; waiting for one (ctrl-C ends it)'
        quiet=1
      fi
    fi
    pause 5
  done
}

pause() { # SECONDS; in the background, so that a signal is heard at once
  sleep "$1" &
  SLEEP=$!
  wait "$SLEEP"
}

# arrange ROWS: forwards for what is new, none for what has gone, and the targets of each job.
arrange() {
  local what kind node address job rest jobs=''
  drop "$1"
  while read -r what kind node address job rest; do
    case $what in
      target) add "$kind" "$node" "$address" "$job" && jobs="$jobs $job" ;;
      also) add also "$kind" "$node" "$address" ;;
    esac
  done <<ROWS
$1
ROWS
  for job in $jobs $WRITTEN; do write_targets "$job"; done
}

# add KIND NODE ADDRESS JOB: a way to it, unless there is one. What comes from there gets into files and options only if it looks as it should.
add() {
  local line
  [[ $2 =~ ^[A-Za-z0-9._-]+$ && $3 =~ ^[][0-9a-fA-F.:]+:[0-9]+$ && $4 =~ ^[A-Za-z0-9._-]+$ ]] || return 1
  [[ $FORWARDS != *" $1 $2 $3 $4"$'\n'* ]] || return 0
  if ((HERE)); then LOCAL_END=$3; else forward "$3" || { say "no way to $2 ($3): $(said)"; return 1; }; fi
  FORWARDS=$FORWARDS"$LOCAL_END $1 $2 $3 $4"$'\n'
  case $1 in
    also) line="$2 of the job: http://$LOCAL_END" ;;
    *) line="$1 $2: http://$LOCAL_END/metrics/prometheus" ;;
  esac
  if ((HERE)); then say "job $4  $line"; else say "job $4  $line  ($3)"; fi
}

# drop ROWS: closes the ways to what is not among them.
drop() {
  local kept='' end kind node address job
  while read -r end kind node address job; do
    [[ $end ]] || continue
    case $'\n'$1$'\n' in
      *$'\n'"target $kind $node $address $job"$'\n'* | *$'\n'"$kind $node $address $job"$'\n'*) kept=$kept"$end $kind $node $address $job"$'\n' ;;
      *)
        ((HERE)) || control -O cancel -L "$end:$address"
        say "job $job  $kind $node has gone"
        ;;
    esac
  done <<FORWARDS
$FORWARDS
FORWARDS
  FORWARDS=$kept
}

# write_targets JOB: its two files, each written beside its place and moved in; none where there is no target.
write_targets() {
  local kind file text
  [[ " $WRITTEN " == *" $1 "* ]] || WRITTEN="$WRITTEN $1"
  for kind in client node; do
    file=$TARGETS/$1.$kind.json
    text=$(groups_of "$kind" "$1")
    if [[ ! $text ]]; then
      rm -f "$file"
    elif [[ ! -e $file || $(cat "$file") != "$text" ]]; then
      (umask 022; printf '%s\n' "$text" >"$file.part") && mv -f "$file.part" "$file"
    fi
  done
}

# groups_of KIND JOB: its targets as Prometheus reads them, one a line. The name by which it knows one is that of the node, for the local
# port is another one each time.
groups_of() {
  local end kind node address job head='['
  while read -r end kind node address job; do
    [[ $kind == "$1" && $job == "$2" ]] || continue
    printf '%s\n  {"targets": ["%s"], "labels": {"host": "%s", "instance": "%s:%s", "jobid": "%s", "scenario": %s}}' \
      "$head" "$end" "$node" "$node" "${address##*:}" "$job" "$SCENARIO"
    head=,
  done <<FORWARDS
$FORWARDS
FORWARDS
  if [[ $head == , ]]; then printf '\n]\n'; fi
}

# ---- --check -------------------------------------------------------------------------

# check: a line for each target and dashboard; 0 when all is well.
check() {
  local bad=0 known file end host job kind
  known=$(ask "$PROMETHEUS" '/api/v1/targets?state=active')
  if [[ $known != *'"status":"success"'* ]]; then
    tell "Prometheus   none at $PROMETHEUS: docker compose up -d in $BUNDLE/monitoring, or prometheus.sh there"
    known='' bad=1
  fi
  for file in "$TARGETS"/*.json; do
    [[ -e $file ]] || { tell "targets      none in $TARGETS: ./tunnel.sh runs and a job of this bundle does?"; bad=1; continue; }
    kind=${file%.json} kind=${kind##*.}
    while read -r end host job; do
      target "$end" "$kind $host, job $job" "$known" || bad=1
    done <<TARGETS
$(sed -n 's/.*"targets": \["\([^"]*\)"\].*"host": "\([^"]*\)".*"jobid": "\([^"]*\)".*/\1 \2 \3/p' "$file")
TARGETS
  done
  for file in "${DASHBOARDS[@]}"; do dashboard "$file" || bad=1; done
  return "$bad"
}

# target ADDRESS WHAT KNOWN: what Prometheus, whose list of targets KNOWN is, makes of one; and whether it is there at all.
target() {
  local rest=$3 health error answers='answers'
  [[ $(ask "$1" /metrics/prometheus) == *' 200 '* ]] || answers='does not answer'
  [[ $3 ]] || { tell "target       $2: $1 $answers"; return 1; }
  if [[ $rest != *"\"scrapeUrl\":\"http://$1/metrics/prometheus\""* ]]; then
    tell "target       $2: $1 $answers, and Prometheus does not know it (it reads $TARGETS every 5 s?)"
    return 1
  fi
  rest=${rest#*"\"scrapeUrl\":\"http://$1/metrics/prometheus\""}
  error=${rest#*'"lastError":"'} error=${error%%'","'*}
  health=${rest#*'"health":"'} health=${health%%'"'*}
  case $health in
    up) tell "target       $2: $1 is up" ;;
    unknown) tell "target       $2: $1 $answers, and Prometheus has not asked yet"; return 1 ;;
    *) tell "target       $2: $1 $answers, and Prometheus can't read it: $error"; return 1 ;;
  esac
}

dashboard() { # UID
  case $(ask "$GRAFANA" "/api/dashboards/uid/$1") in
    '') tell "dashboard    $1: no Grafana at $GRAFANA (docker compose up -d in $BUNDLE/monitoring)" ;;
    'HTTP/1.'?' 200 '*) tell "dashboard    $1: http://$GRAFANA/d/$1"; return 0 ;;
    'HTTP/1.'?' 40'[13]*) tell "dashboard    $1: Grafana at $GRAFANA lets nobody see it who is not logged in" ;;
    *) tell "dashboard    $1: Grafana at $GRAFANA does not have it: import $BUNDLE/monitoring/grafana/dashboards/*.json" ;;
  esac
  return 1
}

# ask ADDRESS PATH: the whole answer of an HTTP server here; nothing where there is none, or it is silent for ten seconds.
ask() {
  (
    exec 2>/dev/null 3<>"/dev/tcp/${1%:*}/${1##*:}" || exit
    printf 'GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
    while IFS= read -r -t 10 -u 3 line || [[ $line ]]; do
      printf '%s\n' "$line"
      line=''
    done
  )
}

main "$@"
