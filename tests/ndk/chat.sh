#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chat.sh BIN_DIR CHAT: the chat room of examples/aidl on two hosts, each participant on its own: names, order, files,
# deaths.
set -euo pipefail

fail() {
  echo "FAILED: $1" >&2
  tail -n +1 "$work"/*.out >&2 || true
  exit 1
}

until_line() {
  local file=$1 line=$2
  for _ in {1..1200}; do
    grep -qxF -- "$line" "$work/$file.out" 2>/dev/null && return
    sleep 0.05
  done
  fail "no \"$line\" for $file"
}

inside() {
  local chat=$1 bob
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  unset LD_PRELOAD
  mkfifo "$work/alice" "$work/bob"
  printf 'first line\nsecond\n' >"$work/note"

  "$chat" room &
  "$chat" alice <"$work/alice" >"$work/alice.out" 2>&1 &
  exec 3>"$work/alice"
  NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$chat" bob <"$work/bob" >"$work/bob.out" 2>&1 &
  bob=$!
  exec 4>"$work/bob"
  until_line alice "bob joined"
  until_line bob "alice joined"
  for number in {1..50}; do echo "line $number" >&3; done
  until_line bob "alice: line 50"
  [[ $(grep -c '^alice: ' "$work/bob.out") == 50 ]] || fail "not all lines came"
  diff <(grep '^alice: ' "$work/bob.out") <(for number in {1..50}; do echo "alice: line $number"; done) ||
    fail "not in their order"
  echo "/file $work/note" >&4
  until_line alice "bob sent $work/note, which begins: first line"
  if "$chat" bob </dev/null >"$work/other.out" 2>&1; then fail "a name was taken twice"; fi
  grep -q "the name is taken" "$work/other.out" || fail "why was bob refused?"
  # Waiting at once keeps the shell from reporting it.
  { kill -KILL "$bob" && wait "$bob"; } 2>/dev/null || true
  until_line alice "bob left"
  echo "chat: passed"
}

case "$#:${1:-}" in
  2:--inside) inside "$2" ;;
  2:*) exec "$1/netbinder" session --hosts 2 -- "$(realpath "$0")" --inside "$2" ;;
  *)
    echo "usage: chat.sh BIN_DIR CHAT" >&2
    exit 2
    ;;
esac
