#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# installed.sh SOURCE_DIR BUILD_DIR: installs the library somewhere, builds the chat room against it as a project of its
# own, and a C program with pkg-config, and runs both.
set -euo pipefail
source=$(realpath "$1")
build=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for component in ndk ndk-dev; do
  cmake --install "$build" --prefix "$work/usr" --component "$component" >/dev/null
done
here=$source/tests/ndk
cmake -S "$here/installed" -B "$work/chat" -G Ninja "-DCMAKE_PREFIX_PATH=$work/usr" \
  "-DCHAT=$source/examples/aidl" >"$work/log" || { cat "$work/log"; exit 1; }
cmake --build "$work/chat" >"$work/log" || { cat "$work/log"; exit 1; }
"$here/chat.sh" "$build/bin" "$work/chat/chat"

export PKG_CONFIG_PATH=$work/usr/lib/pkgconfig
# shellcheck disable=SC2046  # several words on purpose
cc -Wall -Wextra -Werror -std=c11 $(pkg-config --cflags binder_ndk) "$here/installed/version.c" -o "$work/version" \
  $(pkg-config --libs binder_ndk) "-Wl,-rpath,$work/usr/lib"
"$work/version"
echo "installed: passed"
