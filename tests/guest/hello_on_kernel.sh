#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hello_on_kernel.sh BIN_DIR: the example programs on the kernel's binder driver, in a guest.
set -euo pipefail

fail() {
  echo "FAILED: $1" >&2
  [[ -z "${logs:-}" ]] || tail -n +1 "$logs"/* >&2
  exit 1
}

expect() {
  local what=$1 wanted=$2 got=$3
  [[ "$got" == "$wanted" ]] || fail "$what: expected
$wanted
but got
$got"
}

# Waiting at once keeps the shell from reporting the death later.
kill_quietly() {
  { kill -KILL "$1" && wait "$1"; } 2>/dev/null || true
}

wait_for_line() {
  local file=$1 line=$2
  for _ in {1..600}; do
    grep -qF -- "$line" "$file" && return
    sleep 0.1
  done
  fail "no \"$line\" in $(basename "$file")"
}

inside() {
  local bin=$1 server manager
  logs=$(mktemp -d)

  # The server first: it has to wait for a manager.
  "$bin/hello_server" >"$logs/server" 2>&1 &
  server=$!
  sleep 0.3
  "$bin/service_manager" >"$logs/manager" 2>&1 &
  manager=$!

  expect "first client" $'sayhello: 1\nsayhello_to: 12 "hello, world"' "$("$bin/hello_client")"
  expect "second client" $'sayhello: 3\nsayhello_to: 18 "hello, Wörld 🌍"' "$("$bin/hello_client" 'Wörld 🌍')"
  wait_for_line "$logs/manager" "\"hello\" registered by pid $server uid 0"

  if "$bin/service_manager" >"$logs/second_manager" 2>&1; then
    fail "a second manager was accepted"
  fi
  wait_for_line "$logs/second_manager" "cannot become the manager of /dev/binder: Device or resource busy"

  # Replacing a name lets the first server go; its death is nobody's concern then.
  "$bin/hello_server" >"$logs/replacement" 2>&1 &
  local replacement=$!
  wait_for_line "$logs/manager" "\"hello\" replaced by pid $replacement"
  kill_quietly "$server"
  expect "replacement" $'sayhello: 1\nsayhello_to: 13 "hello, kernel"' "$("$bin/hello_client" kernel)"

  kill_quietly "$replacement"
  wait_for_line "$logs/manager" '"hello" died'
  expect "deaths" 1 "$(grep -c died "$logs/manager")"
  if "$bin/hello_client" >"$logs/client" 2>&1; then
    fail "the service is dead and was found"
  fi
  expect "client without a server" 'hello_client: nobody has published "hello"' "$(cat "$logs/client")"

  kill_quietly "$manager"
  echo "hello on $(uname -sr): passed"
}

case "$#:${1:-}" in
  1:*)
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    exec "$here/kernel-guest" "$(printf '%q ' "$here/$(basename "${BASH_SOURCE[0]}")" --inside "$(realpath "$1")")"
    ;;
  2:--inside) inside "$2" ;;
  *)
    echo "usage: hello_on_kernel.sh BIN_DIR" >&2
    exit 2
    ;;
esac
