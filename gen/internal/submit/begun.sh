# shellcheck shell=bash
# Which jobs of the bundle in whose directory it runs have begun to leave results: bash -s JOB..., the ids. Prints their
# directories, those of a job that Slurm began anew behind its first.
begun() {
  local id dir
  shopt -s nullglob
  for id; do
    for dir in results/"$id" results/"$id".* results/smoke/"$id" results/smoke/"$id".*; do
      [[ ! -s $dir/events.tsv ]] || printf 'run\t%s\n' "$dir"
    done
  done
}

begun "$@" </dev/null
