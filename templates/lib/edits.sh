# shellcheck shell=bash
# ── What a person edited: each file of this directory that is not as MANIFEST has it, a line each ────────────────

edited_files() {
  local sums=(sha256sum) listed=0 meant='' odd=0 line
  while IFS= read -r line || [[ $line ]]; do
    case $line in
      '# files '*) meant=${line#'# files '} ;;
      '#'*) ;;
      *) if [[ $line =~ ^[0-9a-f]{64}'  '. ]]; then listed=$((listed + 1)); else odd=$((odd + 1)); fi ;;
    esac
  done <MANIFEST
  if [[ $odd != 0 || $listed == 0 || ($meant && $meant != "$listed") ]]; then
    printf 'MANIFEST (broken: it names %s files, and %s lines are none of its own; what else was edited is not all known)\n' "$listed${meant:+ of $meant}" "$odd"
  fi
  command -v sha256sum >/dev/null || sums=(shasum -a 256) # a laptop may have no other
  LC_ALL=C "${sums[@]}" -c MANIFEST 2>/dev/null | sed -n -e 's/: FAILED open or read$/ (missing)/p' -e 's/: FAILED$//p' || : # its status says that something differs
}
