#!/bin/bash
# Starts Ray on this node and, on the first, the server over all of them. Called by the job script, one task a node:
# ray.sh RUN DEPLOYMENT BLOCK PLACED IMAGE. It ends when Ray or the server does, or when Ray has lost a node, and Slurm then
# ends the other ranks.
set -euo pipefail

readonly RUNTIME='apptainer' GPU_FLAG='--nv'
readonly BINDS=('/project/.ollama:/root/.ollama:rw' '/project/scratch:/scratch:rw')
readonly SECRETS=()
RUN=$1 DEPLOYMENT=$2 BLOCK=$3 PLACED=$4 IMAGE=$5

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

readonly RAY_PORT=$((BLOCK + 10))
readonly JOIN_SECONDS=180 # for every node to join Ray, unless RAY_JOIN_SECONDS is in the recipe's environment

# main: Ray on this node; and on the first, once all have joined, the server, and an eye on them all.
main() {
  local join
  find_rank server
  want_port
  own_tmp ''
  printf '%s %s\n' "$NODE" "$$" >"$PLACED/$RANK"
  find_interface
  ulimit -Sn "$(ulimit -Hn)"
  : >"$TMP/started"
  read_env "$BUNDLE/env/$DEPLOYMENT.env"
  give RAY_ADDRESS "$HEAD_IP:$RAY_PORT"
  has_ray
  if ((RANK == 0)); then read_argv "$BUNDLE/argv/$DEPLOYMENT.head"; else read_argv "$BUNDLE/argv/$DEPLOYMENT.worker"; fi
  GPUS=$(gpus_of "${ARGV[@]}")
  contained "$IMAGE" "${ARGV[@]}"
  "${CONTAINED[@]}" &
  RAY=$!
  guard "$RAY" "$BUNDLE/node/tidy.sh" "$TMP" # Ray's own processes have TMP in their environment, by which it knows them
  ((RANK == 0)) || { wait "$RAY"; exit; }

  join=$(given RAY_JOIN_SECONDS)
  wait_for_nodes "${join:-$JOIN_SECONDS}"
  read_argv "$BUNDLE/argv/$DEPLOYMENT.0"
  contained "$IMAGE" "${ARGV[@]}"
  "${CONTAINED[@]}" &
  SERVER=$!
  guard "$SERVER" true
  own_port "$SERVER"
  watch_ray &
  watch_nodes &
  watch_server &
  wait -n || return
  printf 'ray: the server ended by itself with status 0\n'
  return 1 # as vLLM does that lost a worker; at 0 Slurm waits for the other ranks, and then kills them before they tidy up
}

# has_ray: whether the image has Ray at all; its version is in the log.
has_ray() {
  contained "$IMAGE" ray --version
  "${CONTAINED[@]}" || { printf 'ray: does not run in %s\n' "${IMAGE:-the PATH of this node}"; exit 1; }
}

# gpus_of WORD...: the GPUs that these words of ray start give to a node.
gpus_of() {
  local word
  for word; do [[ $word != --num-gpus=* ]] || printf '%s' "${word#*=}"; done
}

# given NAME: a variable of the server's environment.
given() {
  local name=$1
  [[ ! $IMAGE ]] || name=APPTAINERENV_$name
  printf '%s' "${!name-}"
}

# where RANK: its node's name and address.
where() { awk -F '\t' -v rank="$1" '$1 == "server" && n++ == rank { printf "%s (%s)", $2, $3 }' "$RUN/nodes.tsv"; }

address() { local at; at=$(where "$1"); at=${at#*(}; printf '%s' "${at%)}"; } # RANK

# ranks_alive: the ranks whose nodes Ray counts, with all their GPUs, one a line. Each rank's Ray has a resource of its
# name. 1 when Ray does not answer.
ranks_alive() {
  contained "$IMAGE" ray status --verbose --address="$HEAD_IP:$RAY_PORT"
  nice timeout 60 "${CONTAINED[@]}" 2>/dev/null | awk -v gpus="$GPUS" '
    /^Node: / { node++ }
    node && $2 == "GPU" { split($1, used_of, "/"); have[node] = used_of[2] }
    node && $2 ~ /^rank[0-9]+$/ { rank[node] = substr($2, 5) }
    END { for (k = 1; k <= node; k++) if (k in rank && have[k] + 0 == gpus) print rank[k] }'
}

# missing RANK...: those of all ranks that are not among these, one a line.
missing() {
  local rank
  for ((rank = 0; rank < COUNT; rank++)); do [[ " $* " == *" $rank "* ]] || printf '%d\n' "$rank"; done
}

# wait_for_nodes SECONDS: until Ray counts them all. When the time is over it names those that are missing, with the end of
# what their Ray wrote.
wait_for_nodes() {
  local end=$((SECONDS + $1)) alive absent
  printf 'ray: waiting up to %d s for %d nodes with %d GPUs each\n' "$1" "$COUNT" "$GPUS"
  while :; do
    mapfile -t alive < <(ranks_alive || :)
    mapfile -t absent < <(missing "${alive[@]}")
    ((${#absent[@]})) || break
    kill -0 "$RAY" 2>/dev/null || { wait "$RAY"; exit; }
    ((SECONDS < end)) || never_joined "$1" "${absent[@]}"
    sleep 1
  done
  printf 'ray counts %d nodes with %d GPUs each\n' "$COUNT" "$GPUS"
}

# never_joined SECONDS RANK...
never_joined() {
  local rank node seconds=$1 names=()
  shift
  for rank; do
    node=$(where "$rank")
    names+=("$node")
    printf 'ray: the end of what rank %d wrote on %s:\n' "$rank" "$node"
    tail -n 10 "$RUN/logs/${PLACED##*/}.${node%% *}.log" | sed 's/^/  | /' || :
  done
  printf 'ray: %s never joined in %d s\n' "$(IFS=,; printf '%s' "${names[*]}")" "$seconds"
  exit 1
}

# watch_ray: names the node that Ray finds dead as soon as Ray writes it down: some twelve seconds after its last sign of
# life, by the settings in env/.
watch_ray() {
  local line rank
  while IFS= read -r line; do
    for ((rank = 1; rank < COUNT; rank++)); do
      [[ " $line " != *[^0-9.]"$(address "$rank")"[^0-9.]* ]] || give_up "$rank"
    done
  done < <(follow 'marked dead because|death reason = UNEXPECTED_TERMINATION' "$TMP/ray/session_latest/logs/gcs_server.out")
}

# watch_nodes: the same by asking Ray, which starts a Python each time: seldom, for the case that its log has other words.
watch_nodes() {
  local alive absent k
  while :; do
    for ((k = 0; k < 20; k++)); do sleep 1; done
    mapfile -t alive < <(ranks_alive || :)
    ((${#alive[@]})) || continue # busy; were it dead, so would be its process
    mapfile -t absent < <(missing "${alive[@]}")
    ((${#absent[@]} == 0)) || give_up "${absent[@]}"
  done
}

# watch_server: vLLM says when a worker of its own is dead, and lives on with a healthy page, answering nothing. That a node is
# dead says more: its watch has the first word.
watch_server() {
  local line
  IFS= read -r line < <(follow 'RayWorkerProc rank=.* died unexpectedly' "$RUN/logs/${PLACED##*/}.$NODE.log")
  sleep 3
  printf 'ray: a worker died, and with it the server: %s\n' "${line##*] }"
  exit 1
}

# follow PATTERN FILE...: their lines that match, as they come, for as long as this script lives.
follow() { tail -q -n +1 -F --pid=$$ -s 0.5 "${@:2}" 2>/dev/null | grep --line-buffered -E -- "$1"; }

# give_up RANK...: the end, for a server that lost a rank answers nothing, and its health page does not say so. The job script
# reads it from the file: where a node does not answer, Slurm takes long to end the step.
give_up() {
  where "$1" >"$PLACED/lost"
  printf 'ray lost %s\n' "$(where "$1")"
  exit 1
}

# end: of all that this rank started, the server before the Ray that carries it. It has little time: when the job is
# cancelled, Slurm may have no more patience than five seconds.
end() {
  local pid k
  trap '' TERM USR1 INT HUP
  for pid in $(jobs -p | tac); do
    kill -TERM "$pid" 2>/dev/null || continue
    for ((k = 0; k < 20; k++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    pkill -KILL -P "$pid" || : # what serves the image's files, too, which a killed runtime would leave behind
    kill -KILL "$pid" 2>/dev/null || :
  done
  "$BUNDLE/node/tidy.sh" "$TMP"
}
trap end EXIT
trap 'exit 0' TERM USR1 INT HUP # 0, for at any other status Slurm ends the ranks that still tidy up

main
