# shellcheck shell=bash
# What is to be known of a job now, as rows of a word, a tab and text; follow.go reads them. In a bundle's directory:
# bash -s JOB PROCESS EVENTS STAMP: the job's id; the process of one without Slurm, else empty; how many events were seen
# before, and the stamp of the ledger that was seen.
look() {
  local job=$1 process=$2 seen=$3 stamp=$4 run=results/$1 now trial fresh
  [[ -d $run ]] || run=results/smoke/$1
  printf 'now\t%s\n' "$(date +%s)"
  if [[ $process ]]; then process "$process"; else slurm "$job"; fi
  [[ -f $run/events.tsv ]] || { last_line out "slurm-$job.out"; return 0; }
  fresh=$(tail -n "+$((seen + 1))" "$run/events.tsv")
  [[ ! $fresh ]] || printf '%s\n' "$fresh" | sed 's/^/event\t/'
  told "$run" <<<"$fresh"
  now=$(stat -c %i.%Y.%s "$run/ledger.tsv" 2>/dev/null) || return 0
  if [[ $now != "$stamp" ]]; then
    printf 'stamp\t%s\n' "$now"
    cut -f 1-4,6 "$run/ledger.tsv" | sed 's/^/ledger\t/'
  fi
  trial=$(grep -F $'\ttrial\t' "$run/events.tsv" | tail -n 1 | cut -f 3)
  [[ ! $trial ]] || last_line progress "$run/logs/trial.$trial.log"
}

last_line() { [[ ! -s $2 ]] || printf '%s\t%s\n' "$1" "$(tail -n 1 "$2")"; } # WORD FILE

# told RUN: events are read, and of each trial that they complete its log's last line is written, which has its numbers.
told() {
  local _ kind trial state
  while IFS=$'\t' read -r _ kind trial state _; do
    [[ $kind/$state != trial/complete ]] || last_line "told"$'\t'"$trial" "$1/logs/trial.$trial.log"
  done
}

# process PID: whether it is still the one that was started in this directory.
process() {
  local state=ENDED
  [[ $(readlink "/proc/$1/cwd") != "$(pwd -P)" ]] || state=RUNNING
  printf 'queue\t%s||\n' "$state"
}

# slurm JOB: its state, reason and start, from the queue as long as it is there; then its state and exit code, from
# accounting, or what the controller remembers where a site has none.
slurm() {
  local answer state
  if answer=$(squeue --noheader --states=all --jobs="$1" --format='%T|%r|%S' 2>&1); then
    printf 'queue\t%s\n' "${answer%%$'\n'*}"
  elif [[ $answer == *'Invalid job id'* ]]; then
    answer=
    printf 'queue\t\n'
  else
    printf 'deaf\t%s\n' "${answer##*$'\n'}"
    return
  fi
  state=${answer%%|*}
  [[ $state != PENDING && $state != RUNNING && $state != CONFIGURING && $state != COMPLETING ]] || return
  answer=$(sacct --noheader --allocations --parsable2 --jobs="$1" --format=State,ExitCode 2>/dev/null | head -n 1)
  [[ $answer ]] || answer=$(scontrol --oneliner show job "$1" 2>/dev/null | sed -n 's/.* JobState=\([^ ]*\) .* ExitCode=\([^ ]*\) .*/\1|\2/p' | head -n 1)
  printf 'ended\t%s\n' "$answer"
}

look "$@" </dev/null
