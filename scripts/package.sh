#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh [--from BUILD] [FOLDER]: installs what is missing, builds the Debian packages and puts them into the folder
# (default: build/packages). With --from they are made of a build that is there, of the release preset with
# -DCMAKE_INSTALL_PREFIX=/usr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=
if [[ "${1:-}" == --from ]]; then
  build=$(realpath "$2")
  shift 2
fi
folder=${1:-build/packages}
mkdir -p "$folder"
folder=$(realpath "$folder")

if [[ -z "$build" ]]; then
  build=$PWD/build/package
  scripts/install-deps.sh build package
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
  cmake --preset release -B "$build" -DCMAKE_INSTALL_PREFIX=/usr \
    -DNETBINDER_BUILD_TESTS=OFF -DNETBINDER_BUILD_BENCHES=OFF -DNETBINDER_BUILD_EXAMPLES=OFF \
    -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$build/bin" -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$build/lib" \
    -DCMAKE_ARCHIVE_OUTPUT_DIRECTORY="$build/lib"
  cmake --build "$build"
elif ! grep -qx 'CMAKE_INSTALL_PREFIX:PATH=/usr' "$build/CMakeCache.txt"; then
  echo "package.sh: $build is not configured for /usr" >&2
  exit 2
fi
(cd "$build" && cpack -G DEB -B "$folder" >"$folder/cpack.log") || { cat "$folder/cpack.log" >&2; exit 1; }
rm -rf "$folder/_CPack_Packages"
ls -l "$folder"/*.deb
