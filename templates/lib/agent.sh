# shellcheck shell=bash disable=SC2034,SC2153,SC2154 # a part of the job script, which is checked as a whole
# built_for: the machine that bin/agent is for, as uname -m has it, by e_machine in its file's ELF header; nothing where that
# tells none.
built_for() {
  local machine
  machine=$(od -An -j18 -N2 -tu2 "$AGENT" 2>/dev/null)
  case ${machine//[[:space:]]/} in
    62) printf x86_64 ;;
    183) printf aarch64 ;;
  esac
}
