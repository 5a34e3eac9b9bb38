# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Agents in network namespaces of their own, joined by veth pairs and a bridge, for scripts that source this, with what
# tests/hosts.sh has:
#   cluster_start HOSTS [SESSION-SETTING…]   namespaces, links, agents; all are connected when it returns
#   hosts_make HOSTS                         namespaces and links alone: host N is 10.99.0.N
#   link_down HOST; link_up HOST             pulls the cable: nothing is told to anybody, packets are just gone
#   lose FROM TO; lose_no_more FROM TO       what FROM sends to TO is gone, what TO sends arrives
# Everything is stopped and removed when the script ends. Needs root; says so if it cannot run.
# shellcheck source-path=SCRIPTDIR source=../hosts.sh
source "$(dirname "${BASH_SOURCE[0]}")/../hosts.sh"

bin=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/network.XXXXXX")
prefix=nb$$
declare -i hosts=0

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
  local status=$? host
  set +e
  end_programs
  for ((host = 1; host <= hosts; ++host)); do ip netns del "$prefix-$host"; done
  ip netns del "$prefix-bridge"
  rm -rf "$work"
  exit "$status"
} 2>/dev/null
trap clean_up EXIT

in_namespace() { ip netns exec "$prefix-$1" "${@:2}"; }
# shellcheck disable=SC2034  # tests/hosts.sh uses it
place_of() { place=(ip netns exec "$prefix-$1"); }
names() { NETBINDER_SOCKET=$work/$1.sock "$bin/netbinder" service list --names; }

hosts_make() {
  hosts=$1
  local host
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
}

cluster_start() {
  local host setting
  hosts_make "$1"
  shift
  for ((host = 1; host <= hosts; ++host)); do
    {
      printf 'host = "host%d"\ncluster = "network"\nsocket = "%s"\ninsecure = true\n' "$host" "$work/$host.sock"
      printf 'admin_socket = "%s.admin"\n' "$work/$host.sock"
      printf '[[context]]\nname = "binder"\nservice_manager = "builtin-until-claimed"\n'
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
