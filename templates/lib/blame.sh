# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# ── Blame: what failed first, when, where, and what helps ────────────────────────────────────────────────────────

WHEN= # what the job was about: "while loading", "in trial 0003 c8"

# What a log says of every end, and so of none: srun's and slurmstepd's words, and the first line of server.sh.
readonly CHATTER='^[[:space:]]*$|^rank [0-9]+ of [0-9]+ on |^srun: ((Force )?Terminat|forcing job termination|Job step aborted|error: .*: tasks? [0-9,-]+: )|^slurmstepd: error: \*\*\* '

# blame NAME: it ended unasked, which is a failure whatever its status. CAUSE keeps the words; SAME what a second failure
# of this kind has in common with it. Clients are started anew all together, so the end of one is the end of all.
blame() {
  local name=$1 status
  reap "$name" 2>/dev/null
  status=$(status_of "$name" $?)
  lost "$name" && status=1 # not that of a srun that was not waited for
  { [[ $name == server.* ]] && look_at "$name"; } || last_words "$name" "$status" # the known causes are of servers
  CAUSE=$(told "$name")
  fail_there "$name" "$status"
  show_end "$name"
  lost "$name" && STOP=${STOP:-a node is lost} # these nodes can't do what is left
  [[ $name != client.* ]] || stop_like 'client.*'
}

# blame_asker DEPLOYMENT LOG COMPONENT STATUS: what asked the servers, a trial or the readiness check, gave up on them. A
# server may outlive the death of its workers, as vLLM does over Ray: a known cause in its log comes before what was seen.
blame_asker() {
  local words name servers=()
  words=$(tail -n 1 "$LOGS/$2.log") words=${words#"trial ${2#trial.}: "}
  for name in "${RUNNING[@]}"; do [[ $name == "server.$1."* ]] && servers+=("$name"); done
  if look_at "${servers[@]}"; then
    CAUSE="$(told "server.$1") Seen as: $words"
  else
    WHY=${words:-it gave up without a word} SAME=$words
    AT_LOG=logs/$2.log:$(wc -l <"$LOGS/$2.log")
    CAUSE=$(told "server.$1")
  fi
  fail_there "$3" "$4"
}

# fail_there COMPONENT STATUS: by CAUSE, at the place that was found. What has a known cure is seldom the node's doing, but
# where the cure is to leave the node out; its words name it then.
fail_there() {
  fail "$1" "$2" "$CAUSE" "$AT_NODE" "$AT_RANK" "$AT_LOG" || return
  case $CURE in
    '') if [[ $AT_NODE ]]; then accuse "$AT_NODE" "$CAUSE"; else accuse_named "$CAUSE"; fi ;;
    *--exclude*) accuse_named "$WHY. $DETAIL" ;;
  esac
}

# monitors_lost: notes the end of one node's monitor, which is the end of no other's, and of no trial.
declare -A LOST=() # how many are noted of each step's
monitors_lost() {
  local name log node what status
  for name in "${RUNNING[@]}"; do
    [[ $name == monitors* && -s $LOGS/$name.log ]] || continue # srun's own words: none, as long as all is well
    while IFS=: read -r -u 4 _ _ node _ what; do
      cancelled_soon && return
      LOST[$name]=$((${LOST[$name]:-0} + 1)) node=${node# } what=${what# } log=logs/monitors.$node.log
      case $what in *Killed*) status=137 ;; *'exit code'*) status=${what##* } ;; *) status=1 ;; esac
      what="monitor on $node: it ended${WHEN:+ $WHEN} ($what); measuring goes on, that node's readings end here. $log"
      fail "monitor.$node" "$status" "$what" "$node" '' "$log" && accuse "$node" "$what"
    done 4< <(grep -E '^srun: error: [^ ]+: tasks? [0-9,-]+: ' "$LOGS/$name.log" | tail -n +$((${LOST[$name]:-0} + 1)))
  done
}

# told NAME: "d1 tp=1: the cause while loading (mel2093, rank 0). Details. Cure. logs/server.d1.1.mel2093.log:412"
told() {
  local words=$WHY${WHEN:+ $WHEN}
  [[ $AT_NODE && $1 != client.* ]] && words+=" ($AT_NODE${AT_RANK:+, rank $AT_RANK})"
  printf '%s' "$(who "$1"): $words.${DETAIL:+ ${DETAIL^}.}${CURE:+ ${CURE^}.}${AT_LOG:+ $AT_LOG}"
}

# who NAME: a component as a person knows it, a server by its deployment and what sets that apart.
who() {
  local d
  case $1 in
    server.*) d=${1#server.} d=${d%%.*}; printf '%s' "$d${WHAT[$d]:+ ${WHAT[$d]}}" ;;
    client.*) printf 'client on %s' "${1#client.}" ;;
    *) printf '%s' "$1" ;;
  esac
}

# look_at NAME...: WHY, DETAIL, CURE and the place (AT_NODE, AT_RANK, AT_LOG), by the known causes that the components'
# logs show; NAMED is the one it was. 1 when they show none.
look_at() {
  local _ log line pattern why detail cure text
  WHY='' DETAIL='' CURE='' AT_NODE='' AT_RANK='' AT_LOG=''
  IFS=$'\t' read -r _ _ _ line log NAMED pattern why detail cure text < <(evidence "$@" | sort -s -t $'\t' -k 1,3 -k 4,4n)
  [[ $pattern && $text =~ $pattern ]] || return
  WHY=$(recounted "$why") DETAIL=$(recounted "$detail") CURE=$(recounted "$cure") SAME=$why
  AT_LOG=logs/$log:$line
  place "$NAMED" "$log"
}

# evidence NAME...: a row for each line of their logs that shows a known cause. Sorted, the first is the one that counts:
# causes come before mere consequences, such as a lost connection, and early ones before late ones.
evidence() {
  local name order pattern why detail cure log line text
  cd "$LOGS" || return
  while IFS=$'\t' read -r -u 3 order pattern why detail cure; do
    for name; do
      while IFS=: read -r log line text; do
        printf '%s\t' "$order" "$(clock "$log" "$line")" "$(date -r "$log" +%s.%N)" "$line" "$log" "$name" "$pattern" "$why" "$detail" "$cure"
        printf '%s\n' "$text"
      done < <(grep -anHE -m 1 -- "$pattern" "$name".*log 2>/dev/null)
    done
  done 3<"$BUNDLE/node/causes.tsv"
}

# clock LOG LINE: the time of day that the log told last up to this line; that of its last change when it tells none.
clock() {
  local at
  at=$(head -n "$2" "$1" | grep -aoE '[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?' | tail -n 1)
  printf '%s' "${at:-$(date -r "$1" +%T)}"
}

# recounted TEXT: prints it with \1 to \9 replaced by what the pattern took out of the line; nothing when that is empty.
recounted() {
  local text=$1 k
  for ((k = 1; k < 10; k++)); do
    [[ $text == *"\\$k"* ]] || continue
    [[ ${BASH_REMATCH[k]-} ]] || return
    text=${text//"\\$k"/"${BASH_REMATCH[k]}"}
  done
  [[ $text == - ]] || printf '%s' "$text"
}

# last_words NAME STATUS: the same as look_at, by the last line of the rank that ended first, and what its status means.
last_words() {
  local name=$1 node log line text
  node=$(first_ended "$name")
  compgen -G "$LOGS/$name.$node.*log" >/dev/null && name+=.$node
  IFS=: read -r log line text < <(cd "$LOGS" && grep -anHvE -- "$CHATTER" "$name".*log 2>/dev/null | tail -n 1)
  text=$(message "$text")
  WHY=$(ended "$2") AT_LOG=${log:+logs/$log:$line}
  DETAIL=${text:+its last words: ${text:0:300}} DETAIL=${DETAIL:-it wrote nothing}
  if [[ $1 == server.* ]]; then WHY="the server $WHY"; else WHY="it $WHY"; fi
  SAME="$WHY $text" CURE=''
  place "$1" "${log:-$name.log}"
}

# message LINE: of a line of a structured log what it says, and the error that it tells of; any other line as it is.
message() {
  local string='"(([^"\\]|\\.)*)"' words
  [[ $1 == '{'* && $1 =~ \"(message|msg)\":$string ]] || { printf '%s' "$1"; return; }
  words=${BASH_REMATCH[2]}
  [[ $1 =~ \"(error|err)\":$string ]] && words+=": ${BASH_REMATCH[2]}"
  printf '%s' "${words//\\\"/\'}"
}

# first_end NAME: of the task that ended first, what srun tells: "cn08: task 0: Exited with exit code 1". The others' end is Slurm's doing.
first_end() {
  local line
  line=$(grep -m 1 -E '^srun: error: [^ ]+: tasks? [0-9,-]+: ' "$LOGS/$1.log" 2>/dev/null) || return
  printf '%s' "${line#srun: error: }"
}

# first_ended NAME: the node of that task.
first_ended() {
  local line
  line=$(first_end "$1") && printf '%s' "${line%%: *}"
}

# status_of NAME STATUS: the status of that task; srun's own is the highest of all, and 143 when it then ended others by a signal.
status_of() {
  local line
  line=$(first_end "$1")
  case $line in
    *': Exited with exit code '*) printf '%d' "${line##* }" ;;
    *': Killed'*) printf '137' ;;
    *) printf '%d' "$2" ;;
  esac
}

# place NAME LOG: AT_NODE and, of a server, AT_RANK: by the log's name, server.d1.1.NODE.log or that with a replica, or with
# a task, which is the rank.
place() {
  local node=${2%.log} d=${1#server.} role other replica=0
  node=${node%.past} node=${node%.tail} # of a log that is bounded
  if [[ $node == *.* ]]; then node=${node#*.}; else node=''; fi
  d=${d%%.*}
  [[ $1 == server.* ]] && node=${node#*.} node=${node#"${node%%.*}"} node=${node#.}
  [[ $1 == server.* && ${REPLICAS[$d]} -gt 1 ]] && replica=${node##*.} node=${node%.*}
  if [[ $1 == server.* && ${LAUNCHER[$d]} == tasks && $node ]]; then AT_NODE=${node%.*} AT_RANK=${node##*.}; return; fi
  AT_NODE=${node:-$(first_ended "$1")} AT_RANK=''
  [[ $1 == server.* && $AT_NODE ]] || return 0
  AT_RANK=0
  while IFS=$'\t' read -r role other _; do
    [[ $role == server ]] || continue
    [[ $other == "$AT_NODE" ]] && ((replica-- == 0)) && return
    AT_RANK=$((AT_RANK + 1))
  done <"$RUN/nodes.tsv"
  AT_RANK='' # no row of its own
}

# ended STATUS: what a status says.
ended() {
  if (($1 == 0)); then printf 'ended by itself with status 0'
  elif (($1 > 128 && $1 < 160)); then printf 'was ended by signal %d (%s)' $(($1 - 128)) "$(kill -l $(($1 - 128)))"
  else printf 'ended with status %d' "$1"; fi
}

# first_of NAME...: which of these, all found dead at once, ended first: the one whose log shows a known cause; else the
# one that was silent the longest, for who complains of another's end wrote later.
first_of() {
  local name first=
  look_at "$@" && { printf '%s' "$NAMED"; return; }
  for name; do [[ $first && ! $LOGS/$name.log -ot $LOGS/$first.log ]] || first=$name; done
  printf '%s' "$first"
}

# show_end NAME: the last lines of its logs.
show_end() {
  local log
  for log in "$LOGS/$1".*log; do [[ -e $log ]] && tail -n 20 "$log" | sed "s|^|  ${log##*/}: |"; done
}
