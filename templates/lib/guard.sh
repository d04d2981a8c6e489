# shellcheck shell=bash
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
