#!/bin/bash
# Runs the Prometheus of this job on this node, and copies what it stored into results when it ends. Called by the job script:
# prometheus.sh RUN PORT...
# shellcheck disable=SC2034,SC2317,SC2329 # of what server.sh has, it needs some only
set -euo pipefail

readonly NAME='prometheus' PROGRAM='/usr/bin/prometheus' IMAGE=''
readonly RUNTIME='' GPU_FLAG='' SECRETS=()
readonly INTERVAL='5000ms' TIMEOUT='5000ms' # of readings
readonly SCENARIO='"dummy-slurm"' # in JSON
readonly MOST_MB=4000 # that its data may take of the results
readonly RUN=$1
shift

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

# ── What the server is started with, and how to enter its container ──────────────────────────────────────────────

TMP=${BENCH_TMP:-/tmp/hpcbench-${RUN##*/}} # on this node alone, and short: paths of unix sockets end at 107 characters; tidy.sh removes it

# own_tmp [PART]: makes TMP, which no other user may enter, and PART of it. Its name can be guessed: what somebody else put there
# first, a directory or a link, is left alone, and another name is taken.
own_tmp() {
  if ! mkdir -m 700 "$TMP" 2>/dev/null && [[ $(stat -c '%u %F' "$TMP") != "$UID directory" ]]; then
    printf '%s is not of this job (%s): taking another name\n' "$TMP" "$(stat -c '%F of %U' "$TMP")" >&2
    TMP=$(mktemp -d "$TMP-XXXXXX")
  fi
  [[ ! ${1-} ]] || TMP+=/$1
  mkdir -p "$TMP"
}

# listens: whether this rank is one that is asked; of several tasks on a node the first.
listens() { [[ $LISTENS && (! ${TASK-} || $RANK == 0) ]]; }

# want_port: another program on the port where this rank listens would be taken for the server; the job then tries others.
want_port() { ! listens || "$AGENT" free "$IP:$LISTENS"; }

# own_port PID: the same of a server that binds its port only when it has loaded: when somebody else is there first, it is ended;
# else the job script finds own.RANK beside the rank's sign. No child of this script, which waits for those.
own_port() {
  ! listens || (own_or_end "$1" &)
}
own_or_end() {
  local status=0
  "$AGENT" own --while "$1" "$IP:$LISTENS" || status=$?
  if ((status == 1)); then kill -TERM "$1" 2>/dev/null || :; else : >"$PLACED/own.$RANK"; fi # 2: it can't be told here
}

# filled TEXT: prints it with the bundle's words replaced by this rank's values.
filled() {
  local text=$1
  text=${text//@IP@/"$IP"}
  text=${text//@PORT@/"$PORT"}
  while [[ $text =~ @PORT\+([0-9]+)@ ]]; do
    text=${text//"${BASH_REMATCH[0]}"/$((PORT + BASH_REMATCH[1]))}
  done
  text=${text//@RANK@/"$RANK"}
  text=${text//@HEAD_IP@/"$HEAD_IP"}
  text=${text//@NODES@/"$COUNT"}
  text=${text//@AGENT@/"$AGENT"}
  text=${text//@RUN@/"$RUN"}
  text=${text//@INTERFACE@/"${INTERFACE-}"}
  text=${text//@SERVICE@/"$BUNDLE/service"}
  text=${text//@TMP@/"$TMP"}
  while [[ $text =~ @BLOCK\+([0-9]+)@ ]]; do
    text=${text//"${BASH_REMATCH[0]}"/$((BLOCK + BASH_REMATCH[1]))}
  done
  printf '%s' "$text"
}

# find_interface: the name of the interface that has this rank's address, for the libraries that want a name. Empty where
# nothing tells.
find_interface() {
  INTERFACE=$(PATH=$PATH:/usr/sbin:/sbin ip -4 -o addr show 2>/dev/null |
    awk -v ip="$IP" '{ split($4, a, "/") } a[1] == ip && !seen++ { print $2 }') || INTERFACE=
}

# read_argv FILE: ARGV, one argument a line.
read_argv() {
  local line
  ARGV=()
  while IFS= read -r line || [[ $line ]]; do ARGV+=("$(filled "$line")"); done <"$1"
}

# give NAME VALUE: a variable for the server in its container; or on this node, where it has none.
give() {
  if [[ $IMAGE ]]; then export "APPTAINERENV_$1=$2" "SINGULARITYENV_$1=$2"; else export "$1=$2"; fi
}

# be_task: of several tasks on a node each is a rank. What Slurm and PMIx tell a task goes into the container, where its MPI
# looks for it, and so does the directory on the node in which PMIx answers.
be_task() {
  local name
  RANK=$SLURM_PROCID
  for name in "${!SLURM_@}" "${!PMI_@}" "${!PMIX_@}"; do give "$name" "${!name}"; done
  [[ ! -d ${PMIX_SERVER_TMPDIR-} ]] || BINDS+=("$PMIX_SERVER_TMPDIR")
}

# read_env FILE: the server's environment; and none of what a login shell or a proxy would add to it. A shell of its own
# takes the quotes off, so that no name in the file is one of this script's. Its last word says that it got to the end: on a busy
# node bash 5.2 now and then loses the status of a process substitution, and wait is -1.
read_env() {
  local name k pair pairs
  unset LD_PRELOAD PYTHONPATH VLLM_HOST_IP VLLM_PORT MASTER_ADDR MASTER_PORT
  for name in CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES; do [[ ! ${!name-} ]] || give "$name" "${!name}"; done
  for name in NO_PROXY no_proxy; do give "$name" "${!name:+${!name},}$HOSTS"; done
  give PYTHONNOUSERSITE 1
  # shellcheck disable=SC2016 # $1 is the other shell's
  mapfile -d '' -t pairs < <(env -i bash -c 'set -ae; source "$1"; /usr/bin/env -0; printf "read\0"' bash "$1")
  k=$((${#pairs[@]} - 1))
  [[ $k -ge 0 && ${pairs[k]} == read ]] || { printf "%s can't be read: a line is NAME='value'\n" "$1" >&2; exit 1; }
  unset 'pairs[k]'
  for k in "${!pairs[@]}"; do pairs[k]=${pairs[k]%%=*}=$(filled "${pairs[k]#*=}"); done
  for pair in "${pairs[@]}"; do
    case ${pair%%=*} in
      _ | PWD | OLDPWD | SHLVL) ;; # that shell's own
      NO_PROXY | no_proxy) give "${pair%%=*}" "${pair#*=},$HOSTS" ;;
      *) give "${pair%%=*}" "${pair#*=}" ;;
    esac
  done
  for pair in "${SECRETS[@]}"; do give "${pair%%=*}" "$(<"${pair#*=}")"; done
}

# contained IMAGE COMMAND...: CONTAINED, the words that run COMMAND in the image; without an image, COMMAND itself.
contained() {
  local image=$1 bind
  shift
  CONTAINED=("$@")
  [[ $image ]] || return 0
  export APPTAINER_NO_EVAL=1 SINGULARITY_NO_EVAL=1 # else a shell in the container evaluates each variable's value
  CONTAINED=("$RUNTIME" exec --cleanenv)
  [[ $GPU_FLAG ]] && CONTAINED+=("$GPU_FLAG")
  for bind in "$BUNDLE" "${BINDS[@]}"; do CONTAINED+=(--bind "$bind"); done
  CONTAINED+=("$image" "$@")
}

# guard PID [COMMAND...]: this process is not to outlive the script, were that killed: where Slurm knows processes by their parents
# it would run on, and the step with it. tail sees the end within a second; after it COMMAND is run.
guard() {
  # shellcheck disable=SC2016 # the other shell's
  bash -c 'trap "kill \$!; exit" TERM
    tail -f --pid="$1" /dev/null & wait
    kill -TERM "$2" 2>/dev/null
    for ((k = 0; k < 40; k++)); do kill -0 "$2" 2>/dev/null || break; sleep 0.1; done
    pkill -KILL -P "$2"; kill -KILL "$2" 2>/dev/null
    shift 2; "$@"' guard "$$" "$@" &
  # shellcheck disable=SC2034 # a script that ends all its jobs alike has no use for it
  GUARD=$!
}

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

# prepare_store: its configuration is that of monitoring/ for its version, at the recipe's interval.
prepare_store() {
  local version
  BINDS=("$TMP")
  contained "$IMAGE" "$PROGRAM"
  version=$(version_of "${CONTAINED[@]}") || :
  if [[ ! $version ]] || ! config_of "$version" "$BUNDLE/monitoring"; then
    printf '%s on %s is %s: 2.45 or later is needed\n' "${IMAGE:-$PROGRAM}" "$NODE" "${version:+version }${version:-no Prometheus that runs}"
    exit 1
  fi
  mkdir -p "$TMP/targets"
  sed "s/^  scrape_interval: .*/  scrape_interval: $INTERVAL\n  scrape_timeout: $TIMEOUT/" "$CONFIG" >"$TMP/prometheus.yml"
  cp "$BUNDLE/monitoring/alerts.yml" "$TMP"
  refresh
}

# command_of ADDRESS: nobody can delete by its API, and a stranger's query can't take the node's memory or its cores. In days of a
# large job the oldest goes before the node's disk is full, and before all of it is too much for the results.
command_of() {
  ARGV=("$PROGRAM" --config.file="$TMP/prometheus.yml" --storage.tsdb.path="$TMP/data" --web.listen-address="$1"
    --storage.tsdb.retention.time=1y --storage.tsdb.retention.size="$((MOST_MB * 3 / 4))MB"
    --query.max-concurrency=4 --query.timeout=30s --query.max-samples=10000000)
  [[ ! $FLAGS ]] || ARGV+=("$FLAGS")
}

# refresh: who is to be read, by what executors and monitors have published by now.
refresh() {
  list_targets client "$RUN/executors"
  list_targets node "$RUN/exporters"
}

# list_targets JOB DIRECTORY: Prometheus reads the file anew when another one is moved to its place.
declare -A LISTED=()
list_targets() {
  local file node address rows=''
  for file in "$2"/*; do
    node=${file##*/}
    if [[ ! -f $file || $node == *.part ]] || ! read -r address <"$file"; then continue; fi
    [[ $node =~ ^[A-Za-z0-9._-]+$ && $address =~ ^[][0-9A-Fa-f.:]+:[0-9]+$ ]] || continue # nothing else is data for JSON as it stands
    rows+="${rows:+,}"$'\n'"  {\"targets\": [\"$address\"], \"labels\": {\"host\": \"$node\", \"instance\": \"$node:${address##*:}\","
    rows+=" \"jobid\": \"${RUN##*/}\", \"scenario\": $SCENARIO}}"
  done
  rows="[$rows"$'\n'"]"
  [[ $rows != "${LISTED[$1]-}" ]] || return 0
  LISTED[$1]=$rows
  printf '%s\n' "$rows" >"$TMP/targets/run.$1.json.new"
  mv "$TMP/targets/run.$1.json.new" "$TMP/targets/run.$1.json"
}

# keep SECONDS: the data as they lie there after the end are what another Prometheus can open. They are whole in results, or not
# there.
keep() {
  local size part=$RUN/prometheus.part
  [[ -d $TMP/data ]] || return 0
  rm -f "$TMP/data/lock" "$TMP/data/queries.active"
  du -sm "$TMP/data" >"$TMP/size"
  read -r size _ <"$TMP/size"
  if ((size > MOST_MB)); then printf 'its data are %d MB, and results get %d at most: they are not kept\n' "$size" "$MOST_MB"; return; fi
  if timeout "$1" cp -R "$TMP/data" "$part" && mv "$part" "$RUN/prometheus"; then
    printf 'its data, %d MB, are in %s/prometheus\n' "$size" "$RUN"
  else
    rm -rf "$part"
    printf 'its data, %d MB, could not be copied to %s/prometheus within %s s: they are not kept\n' "$size" "$RUN" "$1"
  fi
}

run_store "$@"
