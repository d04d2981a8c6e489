# shellcheck shell=bash
# Where a job's bundle is: bash -s JOB. Slurm knows the script that was submitted, by its whole path, and the directory from
# where; the bundle is the first of the two that has a MANIFEST. Prints its path, or why there is none.
find_bundle() {
  local answer command work
  answer=$(scontrol --oneliner show job "$1" 2>&1) || { printf 'none\t%s\n' "${answer##*: }"; return 0; }
  answer=${answer%%$'\n'*}
  command=${answer#* Command=} work=${answer#* WorkDir=}
  command=${command%% [A-Z]*([A-Za-z])=*} work=${work%% [A-Z]*([A-Za-z])=*}
  for work in "$(dirname -- "$command")" "$work"; do
    [[ ! -e $work/MANIFEST ]] || { printf 'bundle\t%s\n' "$work"; return 0; }
  done
  printf 'none\tit was submitted from no bundle: %s\n' "$command"
}

shopt -s extglob
find_bundle "$1" </dev/null
