#!/bin/bash
# Sees to it that the Ollama beside it has the model before anything is measured. Called in the server's image once the server
# answers, and with its environment, in which OLLAMA_HOST is its address:
#
#   prepare.sh PROGRAM MODEL GGUF pull|check DIR RANK NOTE
#
# With GGUF, MODEL is made of that file; else it is pulled where it is missing, or has to be there. DIR is for files on this node.
# Servers may share their store of models, so rank 0 goes first and leaves in NOTE what it made MODEL of: the others make nothing
# where they find just that.
set -euo pipefail

readonly PROGRAM=$1 MODEL=$2 GGUF=$3 WAY=$4 DIR=$5 RANK=$6 NOTE=$7
NODE=$(</proc/sys/kernel/hostname)

die() { printf 'prepare: %s: %s\n' "${NODE%%.*}" "$*" >&2; exit 1; }

# source_of: the blob that MODEL is made of, by its digest; nothing where there is no MODEL.
source_of() { "$PROGRAM" show --modelfile "$MODEL" 2>/dev/null | sed -n '/^FROM /{p;q}'; }

# run_quietly WORDS...: one of Ollama's commands. What it draws for a terminal is left out; its last words say why it failed.
run_quietly() {
  local words
  words=$("$PROGRAM" "$@" 2>&1) && return
  die "ollama $1 $2: $(tr '\r' '\n' <<<"$words" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | grep -v '^[[:space:]]*$' | tail -n 1)"
}

# make: MODEL out of GGUF. A file that the store has already is not copied again.
make() {
  [[ -r $GGUF ]] || die "$GGUF can't be read: check service_config.gguf, which is a path in the container, and binds"
  [[ $RANK == 0 || ! -s $NOTE || $(source_of) != "$(<"$NOTE")" ]] || return 0
  printf 'FROM %s\n' "$GGUF" >"$DIR/Modelfile"
  run_quietly create "$MODEL" -f "$DIR/Modelfile"
}

if [[ $GGUF ]]; then
  make
elif [[ $WAY == pull && ! $(source_of) ]]; then
  run_quietly pull "$MODEL"
fi
made=$(source_of) || :
[[ $made ]] || die "model '$MODEL' not found in its store, ${OLLAMA_MODELS-~/.ollama/models}"
[[ $RANK != 0 ]] || printf '%s\n' "$made" >"$NOTE"
printf 'prepare: %s: %s is there: %s\n' "${NODE%%.*}" "$MODEL" "$made"
