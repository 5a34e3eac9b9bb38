#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and shows an unmodified binder program on one host calling a
# service on another: two agents on this machine, joined over TCP. Can be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() {
  printf '\n--- %s\n' "$*"
}

# Processor time of the build from nothing, as measured on two processors of 2.8 GHz.
build_seconds=450

say "installing what the build needs"
scripts/install-deps.sh build
say "building (release): $build_seconds s of processor time, so some $((build_seconds / $(nproc) / 60 + 1)) min here if nothing is built yet"
# Without what only tests and debuggers need; a folder that is configured already stays as it is.
if [[ ! -f build/release/build.ninja ]]; then
  cmake --preset release -DNETBINDER_BUILD_TESTS=OFF -DNETBINDER_BUILD_BENCHES=OFF -DNETBINDER_DEBUG_INFO=OFF
fi
cmake --build --preset release --target \
  netbinder netbinderd netbinder-shim service_manager hello_server hello_client

bin=$PWD/build/release/bin
out=$(mktemp)
trap 'rm -f "$out"' EXIT

say "two hosts on this machine: hello_server on host 2, hello_client on host 1"
"$bin/netbinder" session --hosts 2 --transport tcp -- bash -c '
  set -euo pipefail
  bin=$1
  NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$bin/hello_server" &
  "$bin/netbinder" service wait hello --timeout 10
  "$bin/hello_client" netbinder
  echo
  "$bin/netbinder" ping hello --count 3
  echo
  "$bin/netbinder" status
' bash "$bin" 2>&1 | tee "$out"

grep -q 'sayhello_to: .*hello, netbinder' "$out" || {
  echo "quickstart: the client did not get its answer" >&2
  exit 1
}
say "what happened"
cat <<EOT
hello_server, a plain binder program, opened /dev/binder through the preloaded shim, on the agent
of host 2, and registered "hello" with the built-in service manager there. The name was replicated
to host 1, where hello_client looked it up, got a handle that names the object on host 2, and
called it over TCP. Neither program knows of netbinder. Try it yourself:

  $bin/netbinder session --hosts 2 -- bash
EOT
