#!/bin/bash
# Starts one rank of the server, or one of several servers, on this node, ends with it and tidies up. Called by the job
# script: server.sh RUN DEPLOYMENT BLOCK PLACED IMAGE [REPLICA [task]]
set -euo pipefail

readonly RUNTIME='apptainer' GPU_FLAG='--nv'
BINDS=()
readonly SECRETS=()
RUN=$1 DEPLOYMENT=$2 BLOCK=$3 PLACED=$4 IMAGE=$5 REPLICA=${6-} TASK=${7-}

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

# end: asks the server to end. What still runs after four seconds is ended: when the job is cancelled, Slurm may have no
# more patience than five.
end() {
  trap '' TERM USR1 INT HUP
  ASKED=1
  [[ $SERVER ]] || exit 0
  kill -TERM "$SERVER" 2>/dev/null || return 0
  for ((k = 0; k < 40; k++)); do kill -0 "$SERVER" 2>/dev/null || return 0; sleep 0.1; done
  pkill -KILL -P "$SERVER" || : # what serves the image's files, too, which a killed runtime would leave behind
  kill -KILL "$SERVER" 2>/dev/null || :
}
ASKED='' SERVER='' GUARD=''

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

trap end TERM USR1 INT HUP

find_rank server "$REPLICA"
RANKS=$COUNT
[[ ! $TASK ]] || { be_task; RANKS=$SLURM_NTASKS; }
want_port
own_tmp "${BENCH_NODE-}${REPLICA:+.$REPLICA}${TASK:+.$RANK}" # what one server or task of a machine compiles or locks is not the other's
trap '"$BUNDLE/node/tidy.sh" "$TMP"' EXIT
printf '%s %s %s\n' "$NODE" "$$" "$REPLICA" >"$PLACED/$RANK"
find_interface
: >"$TMP/started"
ulimit -Sn "$(ulimit -Hn)"
read_argv "$BUNDLE/argv/$DEPLOYMENT.$RANK"
contained "$IMAGE" "${ARGV[@]}"
printf 'rank %s of %s on %s (%s:%s):' "$RANK" "$RANKS" "$NODE" "$IP" "$PORT"
printf ' %q' "${CONTAINED[@]}"
printf '\n'
read_env "$BUNDLE/env/$DEPLOYMENT.env"

"${CONTAINED[@]}" &
SERVER=$!
guard "$SERVER" "$BUNDLE/node/tidy.sh" "$TMP"
own_port "$SERVER"
status=0
wait "$SERVER" 2>/dev/null || status=$? # the status says enough
kill -TERM "$GUARD" 2>/dev/null || :
if [[ ! $ASKED && $status == 0 ]] && grep -q $'^server\t.*\t-$' "$RUN/nodes.tsv"; then # one of several ranks, for which Slurm would wait
  printf 'rank %s of %s ended by itself with status 0\n' "$RANK" "$RANKS"
  status=1
fi
[[ $ASKED ]] || exit "$status" # asked, it is 0, for at any other status Slurm ends the ranks that still tidy up
