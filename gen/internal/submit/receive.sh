# shellcheck shell=bash
# What stands in a directory into which a bundle is to be copied, as rows of a word, a tab and text: bash -s DIRECTORY.
# state is absent, bundle or other; each edited file has its hash; a claim is a job that runs there.
receive() {
  local file hash job process
  printf 'rsync\t%s\n' "$(command -v rsync)"
  if [[ ! -d $1 || ! $(ls -A -- "$1") ]]; then
    printf 'state\tabsent\n'
    mkdir -p -- "$1"
    return
  fi
  cd -- "$1" || return
  [[ -f MANIFEST ]] || { printf 'state\tother\n'; return; }
  printf 'state\tbundle\n'
  sha256sum --check --quiet MANIFEST 2>/dev/null | sed -n 's/: FAILED$//p' | while IFS= read -r file; do
    hash=$(sha256sum -- "$file")
    printf 'edited\t%s\t%s\n' "${hash%% *}" "$file"
  done
  for file in results/claims/*; do
    [[ -f $file ]] || continue
    read -r job process _ <"$file"
    ! runs "$job" "$process" || printf 'claim\t%s\n' "$job"
  done
  return 0
}

# runs JOB PROCESS: whether a claim's owner may still run. Only a clear no is a no.
runs() {
  local answer
  if [[ $1 == local-* ]]; then kill -0 "$2" 2>/dev/null; return; fi
  answer=$(squeue --noheader --jobs="$1" 2>&1)
  [[ $answer && $answer != *'Invalid job id'* ]]
}

receive "$@" </dev/null
