#!/bin/bash
# Runs this machine's own Prometheus, 2.45 or later, at http://127.0.0.1:9092 until ctrl-C: what docker-compose.yml has, without docker.
#
#   ./prometheus.sh [PORT]       another port than 9092
#
# PROMETHEUS names the program, where it is not on PATH. What it measures stays in data/ beside this file, for 90 days. bash 3.2 will do.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

# config_of VERSION DIR: CONFIG, which of DIR's files this Prometheus reads, and FLAGS, what it has to be started with besides, so that it
# keeps classic and native histograms at once. What they are called has changed twice.
config_of() {
  local major=${1%%.*} minor=${1#*.}
  minor=${minor%%.*}
  FLAGS=''
  case $major in
    2) CONFIG=$2/prometheus-2.yml FLAGS=--enable-feature=native-histograms; ((minor >= 45)) ;;
    *)
      CONFIG=$2/prometheus.yml
      ((major > 3 || minor >= 8)) || CONFIG=$2/prometheus-3.0.yml FLAGS=--enable-feature=native-histograms
      ;;
  esac
}

# version_of PROGRAM...: the version that it says it has, such as 2.53.3.
version_of() { "$@" --version 2>&1 | sed -n 's/^prometheus, version \([0-9][0-9]*\.[0-9][0-9]*[0-9.]*\).*/\1/p'; }

port=${1-9092} program=${PROMETHEUS-prometheus} CONFIG='' FLAGS=''
fail() { printf 'prometheus.sh: %s\n' "$*" >&2; exit 2; }
[[ $port =~ ^[0-9]+$ && $# -le 1 ]] || fail 'usage: ./prometheus.sh [PORT]'
command -v "$program" >/dev/null || fail "there is no program $program: apt install prometheus, brew install prometheus, or use docker compose up -d"
version=$(version_of "$program")
[[ $version ]] || fail "$program --version does not say that it is Prometheus"
config_of "$version" . || fail "$program is version $version: 2.45 or later is needed"
mkdir -p targets data
printf 'Prometheus %s with %s at http://127.0.0.1:%s\n' "$version" "${CONFIG#./}" "$port" >&2
# shellcheck disable=SC2086 # one word or none
exec "$program" --config.file="$CONFIG" --storage.tsdb.path=data --storage.tsdb.retention.time=90d --web.listen-address="127.0.0.1:$port" $FLAGS
