#!/bin/bash
# Brings what triton-two-on-a-node needs and does not have: container images and models. Run it where the cluster has
# internet. It may run twice at once, or again after a break.
set -euo pipefail

readonly RUNTIME='apptainer'
readonly MODULES=()
readonly BINDS=('/project/triton:/models:ro')

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
pull '/images/triton-vllm.sif' 'docker://nvcr.io/nvidia/tritonserver:26.07-trtllm-python-py3'
say 'all is there'
