# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Hosts of a test, for the scripts that make them (tests/network/cluster.sh, tests/guest/rdma_hosts.sh). Files of a host are
# in $work: NUMBER.toml, NUMBER.sock, NUMBER.log; $bin has the programs. Those scripts define
#   place_of HOST        sets the array `place` to what has to stand before a command for it to run on that host
#   fail WHAT            ends the test
#   hosts                how many there are
# and have from here
#   on HOST CMD…         a program on a host: there, with the shim and that host's agent
#   ask HOST CMD…        the netbinder command of a host
#   start NAME HOST CMD… a program in the background, its output in $work/NAME, its pid in $started and in programs
#   printed NAME LINE    whether it has printed that line
#   serve NAME HOST      a probe's server; its pid in $started
#   reaches HOST NAME    calls that server from a host
#   agent_start HOST [PREFIX…]       an agent, started by this prefix of a command; its pid in agent_pid[HOST]
#   agent_connected HOST COUNT       whether so many of the hosts are connected there, itself among them
#   until_true SECONDS WHAT CMD…     waits for CMD to succeed, or fails the test
#   expect WHAT CMD…                 fails the test if CMD does
#   end_programs                     kills all programs and agents there are
# shellcheck disable=SC2154  # bin, work and hosts are the scripts'
set -euo pipefail
shopt -s inherit_errexit

declare -A agent_pid=()
programs=()
place=()

expect() {
  local what=$1
  shift
  "$@" || fail "$what: $*"
}

until_true() {
  local -i deadline=$((SECONDS + $1))
  local what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "not in time: $what"
    sleep 0.02
  done
}

on() {
  place_of "$1"
  "${place[@]}" "$bin/netbinder" run --socket "$work/$1.sock" -- "${@:2}"
}
ask() { "$bin/netbinder" "${@:2}" --socket "$work/$1.sock"; }

start() {
  local name=$1
  shift
  place_of "$1"
  "${place[@]}" "$bin/netbinder" run --socket "$work/$1.sock" -- "${@:2}" >"$work/$name" 2>&1 &
  started=$!  # every one of these commands becomes the next, so this is the program itself
  programs+=("$started")
}
printed() { grep -qxF -- "$2" "$work/$1"; }

serve() {
  start "$1" "$2" "$bin/binder_probe" serve "$1"
  until_true 20 "$1 serves" grep -q "^serving $1 pid" "$work/$1"
}
reaches() { on "$1" "$bin/binder_probe" echo "$2" 64; }

agent_start() {
  local host=$1
  shift
  place_of "$host"
  "${place[@]}" "$@" "$bin/netbinderd" --config "$work/$host.toml" >>"$work/$host.log" 2>&1 &
  agent_pid[$host]=$!
  until_true 20 "agent $host answers" ask "$host" status
}
agent_connected() { ask "$1" status | grep -q ", $2 of $hosts hosts connected"; }

end_programs() {
  local pid
  for pid in "${programs[@]}" "${agent_pid[@]}"; do
    kill -CONT "$pid" || true
    kill -KILL "$pid" || true
    wait "$pid" || true
  done 2>/dev/null
  programs=()
  agent_pid=()
}
