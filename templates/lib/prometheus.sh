# shellcheck shell=bash disable=SC2034 # a part of scripts, each of which is checked as a whole
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
