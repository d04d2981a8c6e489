#!/bin/bash
# Brings what jobs needs and does not have: container images and models. Run it where the cluster has
# internet. It may run twice at once, or again after a break.
# shellcheck disable=SC2016 # a service's own script, in quotes, is for the shell in its image
set -euo pipefail

readonly RUNTIME='apptainer'
readonly MODULES=()
readonly BINDS=('/models:/root/.ollama')

say() { printf 'prefetch: %s\n' "$*" >&2; }

# pull IMAGE REMOTE: one at a time, into a file beside its place that is moved in when it proved to be an image.
pull() {
  local image=$1 remote=$2 part=$1.part
  mkdir -p "$(dirname -- "$image")"
  exec {lock}>"$image.lock"
  flock "$lock"
  if [[ -s $image ]]; then
    say "$image is there"
  elif [[ -z $remote ]]; then
    say "$image is not there, and the recipe does not say where it comes from (artifacts.service.remote)"
    return 1
  else
    say "pulling $remote"
    "$RUNTIME" pull --force "$part" "$remote"
    "$RUNTIME" inspect "$part" >/dev/null
    mv "$part" "$image"
    say "$image: $(sha256sum "$image" | cut -c1-64)"
  fi
  exec {lock}>&-
}

# bring IMAGE COMMAND...: a model, by the service's own means.
bring() {
  local image=$1 bind words=()
  shift
  [[ -z $image ]] || words=("$RUNTIME" exec --cleanenv)
  [[ -z $image ]] || for bind in "${BINDS[@]}"; do words+=(--bind "$bind"); done
  "${words[@]}" ${image:+"$image"} "$@"
}

for module in "${MODULES[@]}"; do module load "$module"; done
pull '/c/ollama.sif' 'docker://ollama/ollama:0.24.0'
bring '/c/ollama.sif' 'bash' '-c' 'set -e; export OLLAMA_HOST=127.0.0.1:$((20000 + RANDOM % 10000)) ${2:+"OLLAMA_MODELS=$2"}; "$3" serve >/dev/null 2>&1 & trap "kill $!" EXIT; until "$3" list >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 1; done; "$3" pull "$1"' 'pull' 'llama3.2:1b' '/root/.ollama/models' 'ollama'
bring '/c/ollama.sif' 'bash' '-c' 'set -e; export OLLAMA_HOST=127.0.0.1:$((20000 + RANDOM % 10000)) ${2:+"OLLAMA_MODELS=$2"}; "$3" serve >/dev/null 2>&1 & trap "kill $!" EXIT; until "$3" list >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 1; done; "$3" pull "$1"' 'pull' 'llama3.2:3b' '/root/.ollama/models' 'ollama'
say 'all is there'
