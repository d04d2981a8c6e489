#!/bin/bash -l
# Brings what trtllm-two-nodes needs and does not have: container images and models. Run it where the cluster has
# internet, which here is on compute nodes: sbatch prefetch.sh. It may run twice at once, or again after a break.
#
#   prefetch.sh                    brings all to where the recipe has it
#   prefetch.sh --push HOST[:DIR]  for a cluster without internet: brings all to this machine, into staged/ beside this script, and
#                                  from there over ssh to the same paths on HOST (below DIR). PREFETCH_SSH: the command, else ssh
#
# IMAGE.source, beside each image, keeps what its name stood for when it was pulled, and IMAGE.models which version of each model
# was brought: nothing can tell later. A registry without TLS: APPTAINER_NOHTTPS=1.
#SBATCH --job-name=trtllm-two-nodes-prefetch
#SBATCH --partition=cpu
#SBATCH --account=p200981
#SBATCH --qos=default
#SBATCH --nodes=1
#SBATCH --time=02:00:00
# shellcheck disable=SC2016 # scripts in quotes are for another shell: that of an image, or of another machine
set -euo pipefail

readonly RUNTIME='apptainer'
readonly MODULES=('env/release/2023.1' 'Apptainer/1.3.1-GCCcore-12.3.0')
readonly BINDS=('/project/hf:/hf:rw')
readonly SECRETS=('HF_TOKEN=/home/me/.hf_token') # VARIABLE=file that holds it
HOST='' DIR='' STAGE='' # of --push

say() { printf 'prefetch: %s\n' "$*" >&2; }

die() { say "$*"; exit 1; }

# lock FILE: until unlock nobody else holds it; who dies lets go of it.
lock() {
  mkdir -p "$(dirname -- "$1")"
  exec {LOCK}>"$1"
  flock "$LOCK" || die "$1 can't be locked: does its file system know flock?"
}

unlock() { exec {LOCK}>&-; }

# pull IMAGE REMOTE: one at a time, into a file beside its place that is moved in when it proved to be an image. What a broken
# try had whole is in the runtime's cache. The name is pulled by what it stands for now, so that what is noted is what is there.
pull() {
  local image=$STAGE$1 remote=$2 part=$STAGE$1.part digest
  lock "$image.lock"
  if [[ -s $image ]]; then
    say "$image is there"
  elif [[ -z $remote ]]; then
    die "$image is not there, and the recipe does not say where it comes from (artifacts.service.remote)"
  else
    digest=$(digest_of "$remote") || say "the digest of $remote can't be told, and won't be known later: $digest"
    [[ $digest == sha256:* ]] || digest=unknown
    say "pulling $remote ($digest)"
    "$RUNTIME" pull --force "$part" "$(pinned "$remote" "$digest")"
    "$RUNTIME" inspect "$part" >/dev/null
    printf '%s\t%s\n' remote "$remote" digest "$digest" sha256 "$(sha256sum <"$part" | cut -c1-64)" bytes "$(stat -c %s "$part")" \
      modified "$(stat -c %Y "$part")" pulled "$(date -u +%FT%TZ)" >"$image.source.part"
    mv "$image.source.part" "$image.source"
    mv "$part" "$image"
    say "$image: $(sed -n 's/^sha256\t//p' "$image.source")"
  fi
  unlock
}

# digest_of REMOTE: what the name stands for now; else, with status 1, why that can't be told.
digest_of() {
  local plain=()
  [[ ! ${APPTAINER_NOHTTPS-}${SINGULARITY_NOHTTPS-} ]] || plain=(--plain-http)
  "$BUNDLE/bin/agent" digest "${plain[@]}" "$1" 2>&1
}

# pinned REMOTE DIGEST: the name by its digest instead of its tag.
pinned() {
  local name=${1%@sha256:*}
  if [[ $1 != docker://* || $2 == unknown ]]; then printf '%s' "$1"; return; fi
  [[ ${name##*/} != *:* ]] || name=${name%:*}
  printf '%s@%s' "$name" "$2"
}

# bring MODEL IMAGE COMMAND...: a model, by the service's own means, which keep what a broken try had whole. The last word of what they
# say ends in the model's version: a commit, or a digest.
bring() {
  local model=$1 image=${2:+$STAGE$2} bind version words=() models=$STAGE${2:-$BUNDLE/models}.models
  shift 2
  [[ -z $image ]] || words=("$RUNTIME" exec --cleanenv)
  [[ -z $image ]] || for bind in "${BINDS[@]}"; do mkdir -p "$STAGE${bind%%:*}"; words+=(--bind "$STAGE$bind"); done
  lock "$models.lock"
  say "bringing $model"
  version=$("${words[@]}" ${image:+"$image"} "$@" | tee >(cat >&2) | tail -n 1)
  version=${version##*[/ ]}
  { grep -sv "^$model"$'\t' "$models" || :; printf '%s\t%s\t%s\n' "$model" "${version:-unknown}" "$(date -u +%FT%TZ)"; } >"$models.part"
  mv "$models.part" "$models"
  say "$model: ${version:-of a version that nothing told}"
  unlock
}

# push: every file of staged/ to the same path on HOST. What is there by its sha256 is not sent; what is there in part goes on.
push() {
  local file
  lock "$STAGE/staged.lock"
  while IFS= read -r -d '' -u 3 file; do send "${file#"$STAGE"}"; done \
    3< <(find "$STAGE" \( -type f -o -type l \) ! -name '*.lock' ! -name '*.part' -print0 | sort -z)
  unlock
}

# send FILE: one file or link.
send() {
  local file=$STAGE$1 there=$DIR$1 sum size
  if [[ -L $file ]]; then
    remote 'mkdir -p "${1%/*}" && ln -sfn "$2" "$1"' "$there" "$(readlink "$file")" </dev/null
    return
  fi
  sum=$(sha256sum <"$file" | cut -c1-64)
  size=$(remote 'if [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -c1-64)" = "$2" ]; then echo there; else
    mkdir -p "${1%/*}" && { stat -c %s "$1.$2.part" 2>/dev/null || echo 0; }; fi' "$there" "$sum" </dev/null)
  [[ $size != there ]] || { say "$HOST has $there"; return; }
  say "sending $there from byte $size on"
  tail -c +$((size + 1)) "$file" | remote 'cat >>"$1.$2.part"' "$there" "$sum"
  remote '[ "$(sha256sum <"$1.$2.part" | cut -c1-64)" = "$2" ] || { rm -f "$1.$2.part"; exit 1; }
    chmod "$3" "$1.$2.part" && touch -d "@$4" "$1.$2.part" && mv "$1.$2.part" "$1"' \
    "$there" "$sum" "$(stat -c %a "$file")" "$(stat -c %Y "$file")" </dev/null || die "$there came to $HOST as something else: run it again"
}

# remote SCRIPT WORD...: a script of sh on HOST, whatever the login shell there is.
remote() {
  local word line=exec
  for word in sh -c "$1" sh "${@:2}"; do line+=" '${word//\'/\'\\\'\'}'"; done
  "${SSH[@]}" "$HOST" "$line"
}

for BUNDLE in "$(dirname -- "${BASH_SOURCE[0]}")" "${SLURM_SUBMIT_DIR-}"; do [[ ! -f $BUNDLE/MANIFEST ]] || break; done
BUNDLE=$(cd -- "${BUNDLE:-.}" && pwd) # sbatch runs a copy of this script
case ${1-} in
  '') ;;
  --push)
    [[ ${2-} ]] || die '--push wants HOST or HOST:DIR'
    HOST=${2%%:*} DIR=${2#"${2%%:*}"} STAGE=$BUNDLE/staged
    DIR=${DIR#:} DIR=${DIR%/}
    read -ra SSH <<<"${PREFETCH_SSH:-ssh}"
    ;;
  *) die "unknown argument: $1 (there is --push HOST[:DIR])" ;;
esac
command -v "${RUNTIME:-bash}" >/dev/null || type -t module >/dev/null || die "$RUNTIME is not on this machine's PATH, and there are no modules"
if [[ ! $STAGE ]] || type -t module >/dev/null; then
  for module in "${MODULES[@]}"; do module load "$module"; done
fi
pull '/project/containers/trtllm.sif' 'docker://nvcr.io/nvidia/tensorrt-llm/release:1.2.1'
for secret in "${SECRETS[@]}"; do
  value=$(<"${secret#*=}")
  export "${secret%%=*}=$value" "APPTAINERENV_${secret%%=*}=$value" "SINGULARITYENV_${secret%%=*}=$value"
done
bring 'meta-llama/Llama-3.3-70B-Instruct' '/project/containers/trtllm.sif' 'env' 'HF_HOME=/hf' 'hf' 'download' 'meta-llama/Llama-3.3-70B-Instruct'
[[ ! $STAGE ]] || push
say 'all is there'
