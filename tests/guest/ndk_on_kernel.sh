#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ndk_on_kernel.sh BIN_DIR: libbinder_ndk's calls on the kernel's binder driver, in a guest, with the example service
# manager. The tests of AServiceManager need one of Android's, so they are not among them.
set -euo pipefail

inside() {
  local bin=$1 manager status=0
  # No agent is meant: the library takes the kernel's device.
  unset LD_PRELOAD NETBINDER_SOCKET NETBINDER_SOCKET_2 NETBINDER_DIALECT
  "$bin/service_manager" >/tmp/manager 2>&1 &
  manager=$!
  "$bin/ndk_calls_test" --gtest_filter='NdkCalls.*' || status=$?
  ((status == 0)) || cat /tmp/manager
  kill "$manager"
  return "$status"
}

case "$#:${1:-}" in
  1:*)
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    exec "$here/kernel-guest" "$(printf '%q ' "$here/$(basename "${BASH_SOURCE[0]}")" --inside "$(realpath "$1")")"
    ;;
  2:--inside) inside "$2" ;;
  *)
    echo "usage: ndk_on_kernel.sh BIN_DIR" >&2
    exit 2
    ;;
esac
