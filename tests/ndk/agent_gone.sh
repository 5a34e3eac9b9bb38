#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# agent_gone.sh BIN_DIR CHAT: programs start before their agent, and their agent ends before them: the room's
# joinThreadPool returns, and who is in it is told that the call has met a dead object.
set -euo pipefail
bin=$1
chat=$2
work=$(mktemp -d)
pids=()
trap 'kill -KILL "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
unset LD_PRELOAD
export NETBINDER_SOCKET=$work/agent.sock

fail() {
  echo "FAILED: $1" >&2
  tail -n +1 "$work"/*.out >&2
  exit 1
}

until_line() {
  for _ in {1..1200}; do
    grep -qF -- "$2" "$work/$1.out" 2>/dev/null && return
    sleep 0.05
  done
  fail "no \"$2\" from $1"
}

"$chat" room >"$work/room.out" 2>&1 &
room=$!
pids+=("$room")
mkfifo "$work/alice" "$work/bob"
"$chat" alice <"$work/alice" >"$work/alice.out" 2>&1 &
alice=$!
pids+=("$alice")
exec 3>"$work/alice"
"$chat" bob <"$work/bob" >"$work/bob.out" 2>&1 &
pids+=($!)
exec 4>"$work/bob"
until_line room "cannot open: No such device or address"

cat >"$work/agent.toml" <<END
host = "alone"
socket = "$work/agent.sock"
admin_socket = "$work/agent.admin"
user = "$(id -un)"
END
"$bin/netbinderd" --config "$work/agent.toml" >"$work/agent.out" 2>&1 &
agent=$!
pids+=("$agent")
until_line alice "bob joined"

{ kill -KILL "$agent" && wait "$agent"; } 2>/dev/null || true
until_line room "the driver is gone"
status=0
wait "$room" || status=$?
((status == 1)) || fail "the room ended with $status"
echo "anybody?" >&3
status=0
wait "$alice" || status=$?
((status == 1)) || fail "alice ended with $status"
until_line alice "DEAD_OBJECT"
echo "agent_gone: passed"
