# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Agents in network namespaces of their own, joined by veth pairs and a bridge, for scripts that source this:
#   cluster_start HOSTS [SESSION-SETTING…]   namespaces, links, agents; all are connected when it returns
#   on HOST CMD…                             a program on a host: there, with the shim and that host's agent
#   agent_start HOST; agent_pid[HOST]; agent_connected HOST COUNT
#   link_down HOST; link_up HOST             pulls the cable: nothing is told to anybody, packets are just gone
#   lose FROM TO; lose_no_more FROM TO       what FROM sends to TO is gone, what TO sends arrives
#   until_true SECONDS WHAT CMD…             waits for CMD to succeed, or fails the test
#   expect WHAT CMD…                         fails the test if CMD does
# Everything is stopped and removed when the script ends. Needs root; says so if it cannot run.
set -euo pipefail
shopt -s inherit_errexit

bin=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/network.XXXXXX")
prefix=nb$$
declare -A agent_pid
declare -i hosts=0
programs=()

fail() {
  echo "FAILED: $*" >&2
  local host
  for ((host = 1; host <= hosts; ++host)); do sed "s/^/host $host: /" "$work/$host.log" | tail -n 30 >&2; done
  exit 1
}

cannot_run() {
  echo "network: CANNOT RUN: $1. Nothing was tested." >&2
  [[ -n "${CI:-}" ]] && exit 1
  exit 77
}

clean_up() {
  local status=$? pid host
  set +e
  for pid in "${programs[@]}" "${agent_pid[@]}"; do
    kill -CONT "$pid" 2>/dev/null
    kill -KILL "$pid" 2>/dev/null
  done
  wait
  for ((host = 1; host <= hosts; ++host)); do ip netns del "$prefix-$host"; done
  ip netns del "$prefix-bridge"
  rm -rf "$work"
  exit "$status"
} 2>/dev/null
trap clean_up EXIT

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

in_namespace() { ip netns exec "$prefix-$1" "${@:2}"; }
on() { in_namespace "$1" "$bin/netbinder" run --socket "$work/$1.sock" -- "${@:2}"; }
ask() { "$bin/netbinder" "${@:2}" --socket "$work/$1.sock"; }
names() { NETBINDER_SOCKET=$work/$1.sock "$bin/netbinder" service list; }

# A program that goes on in the background; its output in $work/NAME.
start() {
  local name=$1
  shift
  ip netns exec "$prefix-$1" "$bin/netbinder" run --socket "$work/$1.sock" -- "${@:2}" >"$work/$name" 2>&1 &
  programs+=($!)  # every one of these commands becomes the next, so this is the program itself
  # shellcheck disable=SC2034  # scripts use it
  started=$!
}
printed() { grep -qxF -- "$2" "$work/$1"; }

agent_connected() { ask "$1" status | grep -q ", $2 of $hosts hosts connected"; }

agent_start() {
  ip netns exec "$prefix-$1" "$bin/netbinderd" --config "$work/$1.toml" >>"$work/$1.log" 2>&1 &
  agent_pid[$1]=$!
  until_true 10 "agent $1 answers" ask "$1" status
}

cluster_start() {
  hosts=$1
  shift
  local host setting
  ((EUID == 0)) || cannot_run "not root, so no network namespaces"
  ip netns add "$prefix-bridge" 2>/dev/null || cannot_run "network namespaces cannot be made here"
  in_namespace bridge ip link add bridge type bridge 2>/dev/null || cannot_run "the kernel has no bridges"
  in_namespace bridge ip link set bridge up
  for ((host = 1; host <= hosts; ++host)); do
    ip netns add "$prefix-$host"
    in_namespace "$host" ip link set lo up
    in_namespace bridge ip link add "to$host" type veth peer name net0 netns "$prefix-$host"
    in_namespace bridge ip link set "to$host" master bridge up
    in_namespace "$host" ip address add "10.99.0.$host/24" dev net0
    in_namespace "$host" ip link set net0 up
  done
  for ((host = 1; host <= hosts; ++host)); do
    {
      printf 'host = "host%d"\ncluster = "network"\nsocket = "%s"\ninsecure = true\n' "$host" "$work/$host.sock"
      printf 'admin_socket = "%s.admin"\n' "$work/$host.sock"
      printf '[[context]]\nname = "binder"\n'
      for ((other = 1; other <= hosts; ++other)); do
        printf '[[hosts]]\nname = "host%d"\naddress = "10.99.0.%d:7700"\n' "$other" "$other"
      done
      printf '[session]\n'
      for setting in "$@"; do echo "$setting"; done
    } >"$work/$host.toml"
    agent_start "$host"
  done
  for ((host = 1; host <= hosts; ++host)); do until_true 20 "host $host has all" agent_connected "$host" "$hosts"; done
}

link_down() { in_namespace bridge ip link set "to$1" down; }
link_up() { in_namespace bridge ip link set "to$1" up; }

# The other one's address leads to a station that is not there.
lose() { in_namespace "$1" ip neighbour replace "10.99.0.$2" lladdr 02:00:00:00:00:fe dev net0 nud permanent; }
lose_no_more() { in_namespace "$1" ip neighbour del "10.99.0.$2" dev net0; }

# serve NAME HOST: a probe's server; its pid in $started.
serve() {
  start "$1" "$2" "$bin/binder_probe" serve "$1"
  until_true 10 "$1 serves" grep -q "^serving $1 pid" "$work/$1"
}
reaches() { on "$1" "$bin/binder_probe" echo "$2" 64; }
