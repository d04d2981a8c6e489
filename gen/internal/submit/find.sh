# shellcheck shell=bash
# Where a job's bundle is: bash -s JOB. Slurm knows the script that was submitted, by its whole path, and the directory from
# where; the bundle is the first of the two that has a MANIFEST. Prints its path, or why there is none.
find_bundle() {
  local answer command dir
  answer=$(scontrol show job "$1" 2>&1) || { printf 'none\t%s\n' "${answer##*$'\n'}"; return 0; }
  command=$(sed -n '/^ *Command=/{s///p;q}' <<<"$answer")
  for dir in "${command%/*}" "$(sed -n '/^ *WorkDir=/{s///p;q}' <<<"$answer")"; do
    [[ ! -f $dir/MANIFEST ]] || { printf 'bundle\t%s\n' "$dir"; return 0; }
  done
  printf 'none\tit was submitted from no bundle: %s\n' "$command"
}

find_bundle "$1" </dev/null
