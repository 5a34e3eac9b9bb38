#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds one preset and runs all its tests.
#   NETBINDER_PRESET=release|dev|asan|tsan     arguments are passed on to ctest (-R REGEX, -L LABEL, …)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

preset=${NETBINDER_PRESET:-release}

scripts/install-deps.sh
cmake --preset "$preset"
cmake --build --preset "$preset"
status=0
ctest --preset "$preset" -j "$(nproc)" "$@" || status=$?
# Among thousands of lines nobody finds them.
((status == 0)) || scripts/failed-tests "build/$preset"
exit "$status"
