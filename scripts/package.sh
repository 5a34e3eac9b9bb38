#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh [FOLDER]: installs what is missing, builds the Debian packages and puts them into the folder
# (default: build/packages).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-build/packages}
mkdir -p "$folder"
folder=$(realpath "$folder")

scripts/install-deps.sh build package
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
cmake --preset release -B build/package -DCMAKE_INSTALL_PREFIX=/usr \
  -DNETBINDER_UNITY=ON -DNETBINDER_BUILD_TESTS=OFF -DNETBINDER_BUILD_BENCHES=OFF -DNETBINDER_BUILD_EXAMPLES=OFF \
  -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$PWD/build/package/bin" -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$PWD/build/package/lib" \
  -DCMAKE_ARCHIVE_OUTPUT_DIRECTORY="$PWD/build/package/lib"
cmake --build build/package
(cd build/package && cpack -G DEB -B "$folder" >"$folder/cpack.log") || { cat "$folder/cpack.log" >&2; exit 1; }
rm -rf "$folder/_CPack_Packages"
ls -l "$folder"/*.deb
