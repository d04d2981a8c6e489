#!/bin/bash
# Shows a run in a Prometheus of this machine, 2.45 or later, and in Grafana where that is here too; without docker, until ctrl-C.
#
#   ./view.sh RESULTS            a run that is over: results/<jobid>, in which the job's own Prometheus left its data. They are looked
#                                at in a copy, so that they stay as they are. Of a run that still goes on it is as without RESULTS
#   ./view.sh [-- OPTION...]     the jobs that run now: tunnel.sh, with these of its options, and prometheus.sh
#
#   --port N                     where Prometheus listens, for 9092, or the next that is free
#   --program FILE               Prometheus, where it is not on PATH
#   --grafana FILE               grafana or grafana-server, where it is not on PATH. It listens at 3001, or the next that is free
#
# bash 3.2, as macOS has it, will do.
set -uo pipefail
HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd) || exit

readonly DASHBOARD='hpcbench-vllm'
readonly QUERY='{job="client",__name__=~".+_throughput_rps"}'

# config_of VERSION DIR: CONFIG, which of DIR's files this Prometheus reads, and FLAGS, what it has to be started with besides, so that it
# keeps classic and native histograms at once. What they are called has changed twice.
config_of() {
  local major=${1%%.*} minor=${1#*.}
  minor=${minor%%.*}
  FLAGS=''
  case $major in
    2) CONFIG=$2/prometheus-2.yml FLAGS=--enable-feature=native-histograms; ((minor >= 45)) ;;
    *)
      CONFIG=$2/prometheus.yml
      ((major > 3 || minor >= 8)) || CONFIG=$2/prometheus-3.0.yml FLAGS=--enable-feature=native-histograms
      ;;
  esac
}

# version_of PROGRAM...: the version that it says it has, such as 2.53.3.
version_of() { "$@" --version 2>&1 | sed -n 's/^prometheus, version \([0-9][0-9]*\.[0-9][0-9]*[0-9.]*\).*/\1/p'; }

# shellcheck disable=SC2034 # CONFIG is config_of's
RESULTS='' PORT='' PROGRAM=${PROMETHEUS-prometheus} GRAFANA='' CONFIG='' FLAGS=''
BEGAN='' ENDED=''  # of the run, in seconds since 1970
STATE=''           # a directory of our own, which goes with us
STARTED=''         # what we started, newest first

main() {
  arguments "$@"
  command -v "$PROGRAM" >/dev/null || fail "there is no program $PROGRAM: apt install prometheus, brew install prometheus, or --program FILE"
  VERSION=$(version_of "$PROGRAM")
  [[ $VERSION ]] || fail "$PROGRAM --version does not say that it is Prometheus"
  config_of "$VERSION" "$HERE" || fail "$PROGRAM is version $VERSION: 2.45 or later is needed"
  STATE=$(mktemp -d "${TMPDIR:-/tmp}/hpcbench-view.XXXXXX") || exit 2
  trap leave EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  if [[ $RESULTS && -d $RESULTS/prometheus ]]; then stored; else live; fi
  start_grafana
  attend
}

arguments() {
  while (($#)); do
    case $1 in
      --port | --program | --grafana)
        (($# > 1)) || fail "$1 wants a value"
        case $1 in --port) PORT=$2 ;; --program) PROGRAM=$2 ;; *) GRAFANA=$2 ;; esac
        shift
        ;;
      -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
      --) shift; break ;;
      -*) fail "$1 is unknown: ./view.sh --help" ;;
      *) [[ ! $RESULTS ]] || fail 'one run at a time'; RESULTS=${1%/} ;;
    esac
    shift
  done
  OPTIONS=("$@")
  RESULTS=${RESULTS%/prometheus}
  case $PORT in *[!0-9]*) fail "--port wants a number, not $PORT" ;; esac
  [[ ! $RESULTS || -f $RESULTS/events.tsv || -d $RESULTS/prometheus ]] || fail "$RESULTS is no run: results/<jobid> of a bundle is one"
  if [[ $RESULTS && ! -d $RESULTS/prometheus ]] && over; then
    fail "$RESULTS has no data of Prometheus: the recipe of the next run asks for them with monitoring.prometheus. The run's numbers are in $RESULTS/report.html"
  fi
}

over() { cut -f 2 "$RESULTS/events.tsv" | grep -qx exit; }
say() { printf '%s\n' "$*" >&2; }
fail() { say "view.sh: $*"; exit 2; }

# free_from PORT: the first from there on at which nobody listens.
free_from() {
  local port=$1
  while ((port < $1 + 50)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  printf '%d' "$port"
}

# start NAME COMMAND...
start() {
  local name=$1
  shift
  : >"$STATE/$name.log" # there for who looks into it at once
  "$@" </dev/null >"$STATE/$name.log" 2>&1 &
  STARTED="$! $STARTED"
}

# stored: Prometheus on a copy of the run's data. It throws away what is older than its retention, and data of today are old one day.
stored() {
  cp -R "$RESULTS/prometheus" "$STATE/data" || fail "$RESULTS/prometheus can't be copied to $STATE"
  chmod -R u+rwX "$STATE/data"
  printf 'global: {}\n' >"$STATE/prometheus.yml"
  run_prometheus on_copy
  if [[ -s $RESULTS/events.tsv ]]; then
    BEGAN=$(head -n 1 "$RESULTS/events.tsv") BEGAN=${BEGAN%%[!0-9]*}
    ENDED=$(tail -n 1 "$RESULTS/events.tsv") ENDED=${ENDED%%[!0-9]*}
    say "the run of $(clock "$BEGAN") to $(clock "$ENDED") UTC"
  fi
  say "Prometheus $VERSION with $RESULTS/prometheus: $(page)"
}

# on_copy: becomes Prometheus.
on_copy() {
  # shellcheck disable=SC2086 # one word or none
  exec "$PROGRAM" --config.file="$STATE/prometheus.yml" --storage.tsdb.path="$STATE/data" \
    --storage.tsdb.retention.time=100y --web.listen-address="127.0.0.1:$PORT" $FLAGS
}

# live: what runs now, by way of tunnel.sh; what it measures stays in data/, as prometheus.sh has it.
live() {
  export PROMETHEUS=$PROGRAM
  run_prometheus here
  say "Prometheus $VERSION: $(page)"
  "$HERE/tunnel.sh" ${OPTIONS[@]+"${OPTIONS[@]}"} </dev/null & # bash 3.2 takes an empty list for one that is not set
  STARTED="$! $STARTED"
}

here() { exec "$HERE/prometheus.sh" "$PORT"; }

# run_prometheus COMMAND: until it has read all that it has. Where somebody was quicker at a port that nobody asked for, at the next.
run_prometheus() {
  local asked_for=$PORT k before=$STARTED
  PORT=${PORT:-$(free_from 9092)}
  start prometheus "$1"
  for ((k = 0; k < 1200; k++)); do
    if ! kill -0 "${STARTED%% *}" 2>/dev/null; then
      STARTED=$before
      if [[ ! $asked_for ]] && grep -q 'address already in use' "$STATE/prometheus.log"; then PORT=''; run_prometheus "$1"; return; fi
      grep -E 'err=|rror' "$STATE/prometheus.log" | tail -n 3 >&2
      fail "Prometheus did not start at 127.0.0.1:$PORT"
    fi
    ! grep -q 'Server is ready to receive web requests' "$STATE/prometheus.log" || return 0
    sleep 0.1
  done
  fail "Prometheus is not ready within two minutes"
}

# page: where a person looks: a graph of the rate, over the time of the run.
page() {
  local path=query
  [[ $VERSION != 2.* ]] || path=graph
  printf 'http://127.0.0.1:%s/%s?g0.expr=%s&g0.tab=0' "$PORT" "$path" "$(encoded "$QUERY")"
  [[ ! $BEGAN ]] || printf '&g0.range_input=%ds&g0.end_input=%s' $((ENDED - BEGAN + 60)) "$(encoded "$(clock "$ENDED")")"
  printf '\n'
}

clock() { date -u -d "@$1" '+%Y-%m-%d %H:%M:%S' 2>/dev/null || date -u -r "$1" '+%Y-%m-%d %H:%M:%S'; } # GNU's, and that of BSD

encoded() { # TEXT, of ASCII
  local k c
  for ((k = 0; k < ${#1}; k++)); do
    c=${1:k:1}
    case $c in [A-Za-z0-9._~-]) printf '%s' "$c" ;; *) printf '%%%02X' "'$c" ;; esac
  done
}

# start_grafana: with the bundle's dashboards, where it is here; everybody at this machine may look and nobody change anything.
start_grafana() {
  local program home port range='' command
  if ! program=$(command -v "${GRAFANA:-grafana}" || command -v "${GRAFANA:-grafana-server}"); then
    [[ ! $GRAFANA ]] || fail "there is no program $GRAFANA"
    say "Grafana is not on PATH. Another one shows the same: add http://127.0.0.1:$PORT as its data source, and import $HERE/grafana/dashboards/*.json"
    return
  fi
  home=$(home_of "$program") || { say "the files of $program are not found, and so it is not started: GF_PATHS_HOME names the directory that has conf/defaults.ini"; return; }
  port=$(free_from 3001)
  provision
  command=("$program")
  [[ $program != */grafana ]] || command+=(server)
  start grafana env GF_PATHS_PROVISIONING="$STATE/provisioning" GF_PATHS_DATA="$STATE/grafana" GF_PATHS_LOGS="$STATE/grafana" \
    GF_PATHS_PLUGINS="$STATE/grafana/plugins" GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT="$port" GF_AUTH_ANONYMOUS_ENABLED=true \
    GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer GF_AUTH_DISABLE_LOGIN_FORM=true GF_ANALYTICS_REPORTING_ENABLED=false \
    GF_ANALYTICS_CHECK_FOR_UPDATES=false "${command[@]}" --homepath "$home"
  [[ ! $BEGAN ]] || range="?from=${BEGAN}000&to=${ENDED}000"
  say "Grafana: http://127.0.0.1:$port/d/$DASHBOARD$range (in some seconds)"
}

# home_of PROGRAM: the directory of Grafana's own files: beside an unpacked one, as Debian and Red Hat have it, or Homebrew.
home_of() {
  local dir real=$1
  [[ ! -L $real ]] || real=$(cd -P -- "$(dirname -- "$real")" && cd -P -- "$(dirname -- "$(readlink "$real")")" && pwd)/grafana
  for dir in "${GF_PATHS_HOME-}" "${real%/*}/.." "${real%/*}/../share/grafana" /usr/share/grafana; do
    [[ -f $dir/conf/defaults.ini ]] && { (cd -- "$dir" && pwd); return; }
  done
  return 1
}

# provision: the data source is this Prometheus, and the dashboards are the bundle's.
provision() {
  local here
  here=$(printf '%s' "$HERE" | sed "s/'/''/g") # as YAML quotes; what bash makes of quotes in a replacement changes with its version
  mkdir -p "$STATE/provisioning/datasources" "$STATE/provisioning/dashboards" "$STATE/grafana"
  cat >"$STATE/provisioning/datasources/prometheus.yml" <<END
apiVersion: 1
datasources:
  - {name: hpcbench, uid: hpcbench, type: prometheus, access: proxy, url: "http://127.0.0.1:$PORT", isDefault: true, jsonData: {httpMethod: POST}}
END
  cat >"$STATE/provisioning/dashboards/hpcbench.yml" <<END
apiVersion: 1
providers:
  - {name: hpcbench, folder: hpcbench, type: file, options: {path: '$here/grafana/dashboards'}}
END
}

# attend: until ctrl-C, or until one of them ends by itself.
attend() {
  local pid
  say 'ctrl-C ends it'
  while :; do
    for pid in $STARTED; do
      kill -0 "$pid" 2>/dev/null || { wait "$pid"; say "view.sh: one of its parts ended with status $?; $(tail -n 1 "$STATE"/*.log)"; exit 1; }
    done
    sleep 1 &
    wait $! # so that a signal is heard at once
  done
}

# leave: nothing of ours stays.
leave() {
  local pid k status=$?
  trap '' INT TERM HUP
  for pid in $STARTED; do kill -TERM "$pid" 2>/dev/null; done
  for pid in $STARTED; do
    for ((k = 0; k < 100; k++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null
  done
  wait 2>/dev/null
  rm -rf "$STATE"
  exit "$status"
}

main "$@"
