# shellcheck shell=bash
# Starts a bundle that needs no Slurm, in whose directory it runs, as a process that outlives this one: bash -s NONCE
# ARGUMENTS of submit.sh.
# All it says goes to results/submit.NONCE.out; what is printed is how it begins, up to the name of its results.
start() {
  local out=results/submit.$1.out
  shift
  mkdir -p results
  # shellcheck disable=SC2016 # the inner shell's own process
  setsid bash -c 'printf "process %s\n" "$$"; exec bash ./submit.sh "$@"' bash "$@" >"$out" 2>&1 &
  until grep -q ' job local-[0-9]*: ' "$out" 2>/dev/null; do
    kill -0 $! 2>/dev/null || { wait $!; cat "$out"; return 1; }
    sleep 0.1
  done
  cat "$out"
}

start "$@" </dev/null
