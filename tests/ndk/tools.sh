#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools.sh BIN_DIR: netbinder interface, dump, cmd, service call and ping, with a service of generated code on the second
# of two hosts.
set -euo pipefail

expect() {
  local what=$1 wanted=$2 got=$3
  [[ "$got" == "$wanted" ]] || { printf 'FAILED: %s: expected\n%s\nbut got\n%s\n' "$what" "$wanted" "$got" >&2; exit 1; }
}

fails() {
  local what=$1 wanted=$2 output status=0
  shift 2
  output=$("$@" 2>&1) || status=$?
  expect "$what" "1: $wanted" "$status: $output"
}

inside() {
  local netbinder=$1/netbinder
  NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$1/ndk_calls_test" --serve plain demo &
  "$netbinder" service wait demo --timeout 60 >/dev/null

  expect interface "netbinder.test.IEcho" "$("$netbinder" interface demo)"
  expect dump "echo -a ü" "$("$netbinder" dump demo -- -a ü)"
  expect "dump without words" "echo" "$("$netbinder" dump demo)"
  expect cmd "say;hello;" "$("$netbinder" cmd demo say hello 2>/dev/null)"
  expect "cmd's errors" "2" "$("$netbinder" cmd demo say hello 2>&1 >/dev/null)"
  fails "cmd that fails" "0netbinder: the command's result is -22" "$netbinder" cmd demo
  # echo("hi"): no exception, two characters
  expect "service call" "00000000: 00 00 00 00 02 00 00 00 68 00 69 00 00 00 00 00  ........h.i....." \
    "$("$netbinder" service call demo 1 s16 hi)"
  fails "a method that is not there" \
    "netbinder: demo: Status(-129, EX_TRANSACTION_FAILED): 'UNKNOWN_TRANSACTION: '" "$netbinder" service call demo 999
  fails "a wrong type" "netbinder: s8 is none of i32, i64, f, d, s16, null, file" "$netbinder" service call demo 1 s8 x
  fails "a wrong number" "netbinder: x is no such number" "$netbinder" service call demo 1 i32 x
  for command in interface dump cmd ping; do
    fails "$command of nobody" "netbinder: no service is named nobody" "$netbinder" "$command" nobody
  done
  "$netbinder" ping demo --count 2 --interval 1 | grep -q '^2 calls: min ' || { echo "FAILED: ping" >&2; exit 1; }
  echo "tools: passed"
}

case "$#:${1:-}" in
  2:--inside) inside "$2" ;;
  1:*) exec "$1/netbinder" session --hosts 2 -- "$(realpath "$0")" --inside "$1" ;;
  *)
    echo "usage: tools.sh BIN_DIR" >&2
    exit 2
    ;;
esac
