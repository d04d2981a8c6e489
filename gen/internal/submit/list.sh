# shellcheck shell=bash
# The files that a bundle's jobs left, but for what fetch.go calls private: size, time and name of each, ended by NUL.
shopt -s nullglob
files=(results slurm-*.out)
find "${files[@]}" \( -name control.token -o -name claims -o -name submitted.tsv -o -name 'submit.*.out' \) -prune \
  -o -type f -printf '%s %T@ %p\0' </dev/null
