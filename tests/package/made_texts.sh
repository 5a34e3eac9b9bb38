#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# made_texts.sh PACKAGING_BUILD_DIR SOURCE_DIR: the manual pages, the completion and docs/TOOLS.md, which the commands
# make of themselves.
set -euo pipefail
made=$1/made

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
for page in netbinder netbinderd; do
  warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$made/$page.1" 2>&1 >/dev/null)
  [[ -z "$warnings" ]] || fail "$page.1: $warnings"
done
for what in 'netbinder session' '\\-\\-transport' 'netbinder service call' 'netbinder aidl\\-dump'; do
  grep -q -- "$what" "$made/netbinder.1" || fail "netbinder.1 says nothing of $what"
done

difference=$("$1/../bin/netbinder" manual --markdown | diff "$2/docs/TOOLS.md" -) ||
  fail "docs/TOOLS.md is not what 'netbinder manual --markdown' prints: $difference"

# shellcheck source=/dev/null
source "$made/netbinder.bash"
completed() {
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  COMPREPLY=()
  _netbinder
  echo "${COMPREPLY[*]}"
}
expect() {
  local expected=$1
  shift
  [[ "$(completed "$@")" == "$expected" ]] || fail "'$*' is completed by '$(completed "$@")' and not '$expected'"
}
expect 'session service' netbinder se
expect 'list' netbinder service li
expect '--timeout' netbinder service wait --t
expect 'tcp rdma' netbinder session --transport ''
expect '--supervised' netbinder run --su
[[ " $(completed netbinder run -- 'bas') " == *' bash '* ]] || fail "programs are not completed behind --"
# Every command is in both scripts.
for command in $("$1/../bin/netbinder" --help | sed -n '/^Subcommands:/,$s/^  \([a-z]*\) .*/\1/p'); do
  grep -q "' $command')" "$made/netbinder.bash" || fail "bash does not know $command"
  grep -q "' $command')" "$made/_netbinder" || fail "zsh does not know $command"
done
echo "made_texts: passed"
