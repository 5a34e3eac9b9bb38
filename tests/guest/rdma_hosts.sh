# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Agents of two hosts on one machine with an RDMA device (rdma_guest), each with a configuration of its own, for scripts
# that source this with $bin set:
#   cluster HOST1-LINES HOST2-LINES    stops what there was; two agents, connected; lines of their configurations
#   agent_start HOST [PREFIX…]         an agent, started by this prefix of a command
#   agent HOST                         its pid
#   on HOST CMD…                       a program on a host          ask HOST CMD…   the netbinder command of a host
#   start NAME HOST CMD…               a program in the background, its output in $work/NAME, its pid in $started
#   serve NAME HOST                    a probe's server
#   over HOST TRANSPORT                whether its messages go that way
#   link HOST KEY, statistic HOST KEY  figures of its status
#   until_true SECONDS WHAT CMD…       waits for CMD to succeed, or fails the test
#   expect WHAT CMD…                   fails the test if CMD does
#   equal WHAT WANTED GOT
set -euo pipefail
shopt -s inherit_errexit

: "${bin:?}"
work=$(mktemp -d)
declare -A agent_pid=()
programs=()

fail() {
  echo "FAILED: $*" >&2
  local file
  for file in "$work"/*.log; do tail -n 40 "$file" | sed "s|^|$(basename "$file" .log): |" >&2; done
  for host in 1 2; do ask "$host" status >&2 || true; done
  exit 1
}

expect() {
  local what=$1
  shift
  "$@" || fail "$what: $*"
}

equal() { [[ "$2" == "$3" ]] || fail "$1: expected $2, got $3"; }

until_true() {
  local -i deadline=$((SECONDS + $1))
  local what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "not in time: $what"
    sleep 0.05
  done
}

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

on() { "$bin/netbinder" run --socket "$work/$1.sock" -- "${@:2}"; }
ask() { "$bin/netbinder" "${@:2}" --socket "$work/$1.sock"; }

start() {
  local name=$1
  shift
  "$bin/netbinder" run --socket "$work/$1.sock" -- "${@:2}" >"$work/$name" 2>&1 &
  started=$!
  programs+=("$started")
}
printed() { grep -qxF -- "$2" "$work/$1"; }
serve() {
  start "$1" "$2" "$bin/binder_probe" serve "$1"
  until_true 20 "$1 serves" grep -q "^serving $1 pid" "$work/$1"
}
reaches() { on "$1" "$bin/binder_probe" echo "$2" 64; }

# "KEY VALUE" lines of one group ("links", there is one, or "statistics") of a status.
figures_of() { sed -n "/\"$2\": [[{]/,/^  []}]/p" <<<"$1" | sed -nE "s/^ *\"$3\": \"?([^\"]*[^\",])\"?,?\$/\1 \2/p"; }
figure() {
  local status
  status=$(ask "$1" status --json) || return
  figures_of "$status" "$2" "($3)" | sed 's/^[^ ]* //'
}
link() { figure "$1" links "$2"; }
statistic() { figure "$1" statistics "$2"; }
over() { ask "$1" status | grep -q "^link to .* over $2\\b.*: established"; }
both_over() { over 1 "$1" && over 2 "$1"; }
connected() { ask "$1" status | grep -q ', 2 of 2 hosts connected'; }

agent_start() {
  local host=$1
  shift
  "$@" "$bin/netbinderd" --config "$work/$host.toml" >>"$work/$host.log" 2>&1 &
  agent_pid[$host]=$!
  until_true 20 "agent $host answers" ask "$host" status
}

configure() {
  local host other
  for host in 1 2; do
    {
      printf 'host = "host%d"\ncluster = "guest"\nsocket = "%s"\n' "$host" "$work/$host.sock"
      [[ $host == 1 ]] && echo "$1" || echo "$2"
      printf '[session]\ntimeout_ms = 4000\nheartbeat_ms = 200\nsuspect_ms = 1500\n'
      printf '[[context]]\nname = "binder"\n'
      for other in 1 2; do printf '[[hosts]]\nname = "host%d"\naddress = "127.0.0.1:%d"\n' "$other" $((7700 + other)); done
    } >"$work/$host.toml"
    : >"$work/$host.log"
  done
}

cluster() {
  end_programs
  configure "$1" "$2"
  agent_start 1
  agent_start 2
  until_true 20 "the hosts meet" connected 1
  until_true 20 "the hosts meet" connected 2
}
