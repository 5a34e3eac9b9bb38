# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Agents of two hosts on one machine with an RDMA device (rdma_guest), each with a configuration of its own, for scripts
# that source this with $bin set, with what tests/hosts.sh has:
#   cluster HOST1-LINES HOST2-LINES    stops what there was; two agents, connected; lines of their configurations
#   over HOST TRANSPORT                whether its messages go that way
#   link HOST KEY, statistic HOST KEY  figures of its status
#   equal WHAT WANTED GOT
# shellcheck source-path=SCRIPTDIR source=../hosts.sh
source "$(dirname "${BASH_SOURCE[0]}")/../hosts.sh"

: "${bin:?}"
work=$(mktemp -d)
# shellcheck disable=SC2034  # tests/hosts.sh uses these
hosts=2
# shellcheck disable=SC2034
place_of() { place=(); }

fail() {
  echo "FAILED: $*" >&2
  local file
  for file in "$work"/*.log; do tail -n 40 "$file" | sed "s|^|$(basename "$file" .log): |" >&2; done
  for host in 1 2; do ask "$host" status >&2 || true; done
  exit 1
}

equal() { [[ "$2" == "$3" ]] || fail "$1: expected $2, got $3"; }

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

configure() {
  local host other
  for host in 1 2; do
    {
      printf 'host = "host%d"\ncluster = "guest"\nsocket = "%s"\ncluster_key = "%s"\n' "$host" "$work/$host.sock" "$work/key"
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
  until_true 20 "the hosts meet" agent_connected 1 2
  until_true 20 "the hosts meet" agent_connected 2 2
}
