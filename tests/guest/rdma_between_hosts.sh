#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# rdma_between_hosts.sh BIN_DIR [PART…]: the built programs over libibverbs and soft-RoCE, in a guest. Parts: the
# functions below; without any, all of them.
set -euo pipefail

if [[ "${1:-}" != --inside ]]; then
  (($# > 0)) || { echo "usage: rdma_between_hosts.sh BIN_DIR [PART…]" >&2; exit 2; }
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  bin=$(realpath "$1")
  shift
  exec "$here/rdma_guest" "$(printf '%q ' "$here/$(basename "${BASH_SOURCE[0]}")" --inside "$bin" "$@")"
fi
bin=$2
shift 2
# shellcheck source-path=SCRIPTDIR source=rdma_hosts.sh
source "$(dirname "${BASH_SOURCE[0]}")/rdma_hosts.sh"

run_tests() {
  "$bin/$1" --gtest_brief=1 --gtest_filter="$2" >"$work/tests.log" 2>&1 || fail "$1"
  grep -q "PASSED  ] [1-9]" "$work/tests.log" || fail "$1: nothing was run"
}

# The tests that every transport must pass.
transports() { run_tests transport_test 'TransportTest/RealRdma.*'; }

# The tests of programs in sessions, over RDMA. (Left out is one that opens and closes a lot: nothing of that goes over
# the link in another way than over TCP, and it takes long here.)
programs_in_sessions() {
  (
    cd "$work"
    export NETBINDER_TEST_TRANSPORT=rdma
    run_tests e2e_test '*/TwoHosts:TwoHosts.*:ThreeHosts.*:FilesBetweenHosts.*-*NoneIsLeftOpen'
  )
}

# taken ARRAY SIZE…: what echoes of these sizes add to the figures of both hosts, as ARRAY[HOST.KEY].
taken() {
  local name=$1 host key value
  local -A before=()
  shift
  for host in 1 2; do
    while read -r key value; do before[$host.$key]=$value; done < <(copied_bytes "$host")
  done
  expect "the echoes" on 1 "$bin/binder_probe" echo e "$@" >/dev/null
  for host in 1 2; do
    while read -r key value; do
      printf -v "${name}[$host.$key]" '%d' $((value - before[$host.$key]))
    done < <(copied_bytes "$host")
  done
}
# Its link's figures as they are, the agent's own with "agent." before them.
copied_bytes() {
  local status
  status=$(ask "$1" status --json)
  figures_of "$status" links '(payload_bytes_[a-z_]+)'
  figures_of "$status" statistics '(payload_bytes_copied|bytes_read)' | sed 's/^/agent./'
}

# Each payload, both ways, is read once, from where its program has staged it, and written once, by the device into the arena of
# the program that gets it. The probe's own small calls are the same, whatever it sends.
one_copy() {
  local -i sizes=0 round host
  local -a payloads=()
  local -A small=() large=()
  cluster 'transport = "rdma"' 'transport = "rdma"'
  until_true 20 "RDMA" both_over rdma
  serve e 2
  for ((round = 0; round < 10; ++round)); do payloads+=(4096 65536 262144 1048576); done
  for size in "${payloads[@]}"; do sizes+=$size; done

  taken small 64
  taken large 64 "${payloads[@]}"
  for host in 1 2; do
    echo "host $host: the probe's own: $(for key in "${!small[@]}"; do [[ $key == $host.* ]] && echo -n "$key ${small[$key]} "; done)"
    echo "host $host: with payloads:   $(for key in "${!large[@]}"; do [[ $key == $host.* ]] && echo -n "$key ${large[$key]} "; done)"
    equal "host $host wrote" $sizes "${large[$host.payload_bytes_written]}"
    equal "was written at host $host" $sizes "${large[$host.payload_bytes_written_here]}"
    equal "host $host copied into segments, but for the probe's own" "${small[$host.payload_bytes_copied]}" "${large[$host.payload_bytes_copied]}"
    equal "host $host copied out of segments, but for the probe's own" "${small[$host.payload_bytes_copied_here]}" "${large[$host.payload_bytes_copied_here]}"
    equal "the small calls wrote nothing" 0 "${small[$host.payload_bytes_written]}"
    equal "host $host took from its programs" $((sizes + small[$host.agent.payload_bytes_copied])) "${large[$host.agent.payload_bytes_copied]}"
    equal "as they had staged it" $((sizes + small[$host.agent.bytes_read])) "${large[$host.agent.bytes_read]}"
    equal "the segments have the small payload" 64 "${large[$host.payload_bytes_copied]}"
  done
  equal "what one copies in, the other copies out" "${small[1.payload_bytes_copied]}" "${small[2.payload_bytes_copied_here]}"
  equal "and back" "${small[2.payload_bytes_copied]}" "${small[1.payload_bytes_copied_here]}"
}

calls_arrived() { (($(statistic 2 calls_from_peers) >= $1)); }
more_calls() { until_true 30 "calls go on" calls_arrived $(($(statistic 2 calls_from_peers) + $1)); }
says() { [[ "$(link "$1" transport_reason)" == *"$2"* ]]; }
stream() {  # CMD… again and again until the file "stop" is there
  while [[ ! -e "$work/stop" ]]; do "$@" || return; done
}

# The interface under the device goes and comes back while numbered calls are under way, small and large.
# shellcheck disable=SC2128  # $! is no array
interface_goes() {
  local first second
  cluster 'transport = "rdma"' 'transport = "auto"'
  until_true 20 "RDMA" both_over rdma
  serve e 2
  serve ordered 2
  rm -f "$work/stop"
  stream on 1 "$bin/binder_probe" oneway ordered 100 >"$work/oneway" 2>&1 &
  first=$!
  stream on 1 "$bin/binder_probe" echo e 64 8000 200000 4096 1048576 0 >"$work/echo" 2>&1 &
  second=$!
  more_calls 50
  ip link set v0 down
  until_true 20 "fall back to TCP" both_over tcp
  until_true 20 "host 1 says why" says 1 down
  until_true 20 "host 2 says why" says 2 down
  echo "without the interface: host 1 $(link 1 transport): $(link 1 transport_reason); host 2 $(link 2 transport): $(link 2 transport_reason)"
  more_calls 50
  expect "over TCP" both_over tcp
  ip link set v0 up
  until_true 60 "RDMA again" both_over rdma
  echo "with it again: $(link 1 transport_reason)"
  more_calls 50
  touch "$work/stop"
  expect "all oneway calls" wait "$first"
  expect "all others" wait "$second"
  expect "oneway calls, each once, in order" test 0 = "$(grep -cvx 'oneway 100 received 100 in order 100' "$work/oneway")"
  expect "calls were sent" test -s "$work/oneway" -a -s "$work/echo"
  expect "replies are what was sent" test 0 = "$(grep -cvE '^echo [0-9]+ ok$' "$work/echo")"
  equal "calls, each once" "$(statistic 1 calls_to_peers)" "$(statistic 2 calls_from_peers)"
  equal "no session was lost" 0 "$(grep -c 'is over' "$work/1.log" "$work/2.log" | awk -F: '{n += $2} END {print n}')"
  echo "$(wc -l <"$work/oneway") times 100 oneway calls and $(wc -l <"$work/echo") others"
}

gone() { ! kill -0 "$1"; }

# An agent killed: as over TCP.
agent_killed() {
  cluster 'transport = "rdma"' 'transport = "rdma"'
  until_true 20 "RDMA" both_over rdma
  serve busy 2
  serve lost 2
  local server=$started
  start watch 1 "$bin/binder_probe" watch lost
  start own 2 "$bin/binder_probe" call-until-dead busy 60000
  start call 1 "$bin/binder_probe" call-until-dead busy 60000
  until_true 20 "the watch" printed watch linked
  until_true 20 "the call" printed own calling
  until_true 20 "the call" printed call calling
  kill -KILL "${agent_pid[2]}"
  until_true 30 "the death is told" printed watch dead
  until_true 30 "the call ends" printed call BR_DEAD_REPLY
  until_true 30 "so does its own programs'" grep -qE 'Input/output error|No such device or address|BR_DEAD_REPLY' "$work/own"
  until_true 30 "and the server" gone "$server"
  agent_start 2
  until_true 30 "RDMA again" both_over rdma
  serve lost 2
  until_true 30 "as before" reaches 1 lost
  expect "with payloads" on 1 "$bin/binder_probe" echo lost 100000 >/dev/null
}

# An agent stopped for longer than the session timeout, though its device goes on: as over TCP.
agent_stopped() {
  cluster 'transport = "rdma"' 'transport = "rdma"'
  until_true 20 "RDMA" both_over rdma
  serve here 1
  serve there 2
  serve busy-here 1
  serve busy-there 2
  start call 1 "$bin/binder_probe" call-until-dead busy-there 60000
  start back 2 "$bin/binder_probe" call-until-dead busy-here 60000
  for name in call back; do until_true 20 "$name is made" printed $name calling; done
  kill -STOP "${agent_pid[2]}"
  until_true 30 "the call ends" printed call BR_DEAD_REPLY
  kill -CONT "${agent_pid[2]}"
  until_true 30 "the call back ends, too" printed back BR_DEAD_REPLY
  until_true 30 "RDMA again" both_over rdma
  until_true 30 "the name is back" reaches 1 there
  until_true 30 "and this way" reaches 2 here
}

# Too little memory may be locked: for the queue pair, or only for the arena of the program that is called.
little_memory() {
  local -a limited=(setpriv --bounding-set -ipc_lock prlimit)  # who may lock memory is not limited
  local before
  cluster 'transport = "auto"' $'transport = "auto"\n[rdma]\nstaging_bytes = 1048576'
  until_true 20 "RDMA" both_over rdma
  kill -TERM "${agent_pid[2]}"
  wait "${agent_pid[2]}" || true
  agent_start 2 "${limited[@]}" --memlock=65536
  until_true 20 "the hosts meet" agent_connected 1 2
  until_true 20 "host 2 says why" says 2 'RLIMIT_MEMLOCK is 65536 bytes'
  until_true 20 "host 1 says why" says 1 "host 'host2': "
  echo "with 64 KiB: host 2: $(link 2 transport_reason); host 1: $(link 1 transport_reason)"
  expect "TCP" both_over tcp
  serve e 2
  expect "payloads" on 1 "$bin/binder_probe" echo e 64 100000 1048576 >/dev/null
  kill -TERM "${agent_pid[2]}"
  wait "${agent_pid[2]}" || true

  : >"$work/2.log"
  agent_start 2 "${limited[@]}" --memlock=$((4 << 20))
  until_true 30 "RDMA" both_over rdma
  serve e 2
  before=$(link 2 payload_bytes_written_here)
  expect "payloads" on 1 "$bin/binder_probe" echo e 64 100000 1048576 >/dev/null
  equal "they came in segments" "$before" "$(link 2 payload_bytes_written_here)"
  expect "it says why" grep -q 'RLIMIT_MEMLOCK is 4194304 bytes' "$work/2.log"
  echo "with 4 MiB: $(grep -m 1 'RLIMIT_MEMLOCK' "$work/2.log")"
}

# One host does not want RDMA.
configured() {
  cluster 'transport = "auto"' 'transport = "tcp"'
  serve e 2
  until_true 20 "host 2 says why" says 2 "as configured"
  until_true 20 "host 1 says why" says 1 "host 'host2': as configured"
  expect "TCP" both_over tcp
  expect "payloads" on 1 "$bin/binder_probe" echo e 64 100000 1048576 >/dev/null
  equal "nothing was written" 0 "$(link 2 payload_bytes_written_here)"
  ask 1 status | grep '^link'
}

trap end_programs EXIT
(($# > 0)) || set -- transports programs_in_sessions one_copy interface_goes agent_killed agent_stopped little_memory configured
for part in "$@"; do
  SECONDS=0
  "$part"
  echo "$part: as it should be, in $SECONDS s"
done
