#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# installed.sh SOURCE_DIR BUILD_DIR: installs the library somewhere, builds the chat room against it as a project of its
# own, the example of docs/DEVELOPING.md, and a C program with pkg-config, and runs them.
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

# The file of a name, from the document: the first block behind the line that begins with its name.
block() {
  awk -v "name=\`$1\`" 'index($0, name) == 1 {found = 1} /^```/ && found {if (inside) exit; inside = 1; next} inside' \
    "$source/docs/DEVELOPING.md"
}
mkdir -p "$work/hello/hello"
block hello/IHello.aidl >"$work/hello/hello/IHello.aidl"
block hello.cc >"$work/hello/hello.cc"
block CMakeLists.txt >"$work/hello/CMakeLists.txt"
cmake -S "$work/hello" -B "$work/hello/build" -G Ninja "-DCMAKE_PREFIX_PATH=$work/usr" >"$work/log" ||
  { cat "$work/log"; exit 1; }
cmake --build "$work/hello/build" >"$work/log" || { cat "$work/log"; exit 1; }
# shellcheck disable=SC2016  # the session's own shell expands it
greeting=$("$build/bin/netbinder" session --hosts 2 -- env -u LD_PRELOAD sh -c \
  'NETBINDER_SOCKET=$NETBINDER_SOCKET_2 "$0" & "$0" world' "$work/hello/build/hello")
[[ "$greeting" == "hello, world" ]] || { echo "FAILED: the greeting is: $greeting" >&2; exit 1; }

# Where libraries are depends on the prefix that the build was configured for.
description=$(find "$work/usr" -name binder_ndk.pc)
PKG_CONFIG_PATH=$(dirname "$description")
export PKG_CONFIG_PATH
# shellcheck disable=SC2046  # several words on purpose
cc -Wall -Wextra -Werror -std=c11 $(pkg-config --cflags binder_ndk) "$here/installed/version.c" -o "$work/version" \
  $(pkg-config --libs binder_ndk) "-Wl,-rpath,${PKG_CONFIG_PATH%/pkgconfig}"
"$work/version"
echo "installed: passed"
