#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dump.sh BIN_DIR SOURCE_DIR: netbinder aidl-dump, with a service of generated code on the second of two hosts.
set -euo pipefail

expect() {
  local what=$1 wanted=$2 got=$3
  [[ "$got" == "$wanted" ]] || { printf 'FAILED: %s: expected\n%s\nbut got\n%s\n' "$what" "$wanted" "$got" >&2; exit 1; }
}

inside() {
  local bin=$1 source=$2 file=$2/tests/ndk/aidl/netbinder/test/IEcho.aidl
  # Prints its output as one line, and its exit status.
  dump() {
    local output status=0
    output=$("$bin/netbinder" aidl-dump "$file" demo "$@" 2>&1) || status=$?
    printf '%s: %s' "$status" "$(tr -d ' \n' <<<"$output")"
  }
  refused() {
    local what=$1 wanted=$2 output status=0
    shift 2
    output=$("$bin/netbinder" aidl-dump "$@" 2>&1) || status=$?
    expect "$what" "$wanted" "$status: $output"
  }
  NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$bin/ndk_calls_test" --serve plain demo &
  "$bin/netbinder" service wait demo --timeout 60 >/dev/null

  expect "a text" '0: {"return":"hü"}' "$(dump echo '"hü"')"
  expect "a null" '0: {"return":null}' "$(dump echoNullable null)"
  expect "arrays, out and inout" '0: {"longs":[],"names":["a","b","3"],"return":[3,2,1]}' \
    "$(dump arrays '[1,2,3]' '["a","b"]')"
  expect "a negative number" '0: {"return":[true,false,false,false,false,false]}' \
    "$(dump plain '[true]' '[]' '[]' '[]' '[]' '"x"' -5 -1.5)"
  expect "parcelables" \
    '0: {"return":{"aliases":["x",null],"data":[1,2],"name":"nobodysecond","number":12,"present":true,"weight":0.5}}' \
    "$(dump record '{"number":5,"aliases":["x",null],"data":[1,2],"weight":0.5,"present":true}' '[{"name":"second"}]')"
  expect "an object" '0: {"return":"handle1"}' "$(dump object '"demo"')"
  expect "no object" '0: {"return":null}' "$(dump nullableObject null)"
  expect "a oneway call" '0: {}' "$(dump publish '"x"')"
  expect "which has arrived" '0: {"return":0}' "$(dump listeners)"
  refused "an exception" "1: netbinder: demo: Status(-3, EX_ILLEGAL_ARGUMENT): 'no such thing'" \
    "$file" demo fail -3 0 '"no such thing"'
  refused "the service's own error" "1: netbinder: demo: Status(-8, EX_SERVICE_SPECIFIC): '42: specific'" \
    "$file" demo fail -8 42 '"specific"'
  # A file that is only to be read cannot be written, which the service tries: it has come there.
  refused "a file" "1: netbinder: demo: Status(-8, EX_SERVICE_SPECIFIC): '9: '" "$file" demo file "\"$file\""

  refused "another interface" "1: netbinder: demo is a netbinder.test.IEcho, not a chat.IRoom" \
    "$source/examples/aidl/chat/IRoom.aidl" demo join '"demo"' '""'
  refused "nobody" "1: netbinder: no service is named nobody" "$file" nobody callerPid
  refused "no file" "2: netbinder: /nobody/has/this.aidl: there is no such file" /nobody/has/this.aidl demo f
  refused "no folder" "2: netbinder: /nobody: there is no such folder" -I /nobody "$file" demo callerPid
  refused "an argument too few" "2: netbinder: argument 1 (text) is missing: it is of the type String" "$file" demo echo
  refused "an argument too many" "2: netbinder: callerPid takes 0 arguments, not 1" "$file" demo callerPid 1
  refused "a wrong type" "2: netbinder: argument 1 (text): expected a text in quotes, not 5" "$file" demo echo 5
  refused "a wrong field" "2: netbinder: argument 2 (more)[1]: netbinder.test.Record has no field x" \
    "$file" demo record '{}' '[{},{"x":1}]'
  refused "too deep" "2: netbinder: argument 1 (text): this is nested too deeply" "$file" demo echo \
    "$(printf '[%.0s' {1..1000})$(printf ']%.0s' {1..1000})"
  case "$(dump echo hello)" in
    "2: netbinder:argument1(text)isnoJSON:"*) ;;
    *) echo "FAILED: no JSON" >&2; exit 1 ;;
  esac
  case "$(dump nothing)" in
    "2: netbinder:netbinder.test.IEchohasnomethodnothing;ithasecho,"*) ;;
    *) echo "FAILED: no method" >&2; exit 1 ;;
  esac
  # Words in brackets are passed on as they are by other commands, too.
  expect "a word in brackets" '[1,2] {}' "$("$bin/netbinder" run -- echo '[1,2]' '{}')"
  echo "aidl-dump: passed"
}

case "$#:${1:-}" in
  3:--inside) inside "$2" "$3" ;;
  2:*) exec "$1/netbinder" session --hosts 2 -- "$(realpath "$0")" --inside "$1" "$2" ;;
  *)
    echo "usage: dump.sh BIN_DIR SOURCE_DIR" >&2
    exit 2
    ;;
esac
