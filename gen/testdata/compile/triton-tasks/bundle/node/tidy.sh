#!/bin/bash
# Takes away what a server left on this node: tidy.sh DIRECTORY..., each /tmp/hpcbench-<jobid> or below it, or what stands in for it
# where another user had that name (own_tmp of server.sh); a Prometheus has one of its own. And what a server's libraries left in
# /dev/shm, where it is the server's for certain: this user's, by a name that they give, younger than the server, and in no living
# process.
set -uo pipefail

shopt -s nullglob
all=()
for dir; do all+=("$dir" "$dir"-??????); done
for dir in "${all[@]}"; do
  [[ $(stat -c '%u %F' "$dir" 2>/dev/null) == "$UID directory" ]] || continue # nothing of another user's is believed or touched
  # Processes that outlive who started them, as Ray's agents do, have the server's TMPDIR. A dot of its name is no other letter: that
  # of job 12, run 2, is not that of job 1202.
  while IFS=/ read -r _ _ pid _; do
    [[ $pid == "$$" ]] || kill -KILL "$pid" 2>/dev/null
  done < <(grep -lszE -- "^TMPDIR=${dir//./[.]}(/.*)?$" /proc/[0-9]*/environ)
  started=$(find "$dir" -name started -type f 2>/dev/null | head -n 1)
  if [[ $started ]]; then
    find /dev/shm -maxdepth 1 -type f -user "$(id -u)" -newer "$started" \
      \( -name 'psm_*' -o -name 'sem.mp-*' -o -name 'sem.loky-*' -o -name 'torch_*' -o -name 'nccl-*' -o -name 'cuda.shm.*' \) -print0 |
      while IFS= read -r -d '' file; do
        grep -qsF -- "$file" /proc/[0-9]*/maps || rm -f "$file"
      done
  fi
  rm -rf "$dir"
  [[ ${dir%/*} != */hpcbench-* ]] || rmdir "${dir%/*}" 2>/dev/null || : # that of several servers on a node, after the last
done
