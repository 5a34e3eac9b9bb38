#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# package.sh [--arch arm64 | --from BUILD] [FOLDER]: installs what is missing, builds the Debian packages and puts them into
# the folder (default: build/packages, or build/packages-arm64).
#   --arch arm64   builds them for arm64, on amd64
#   --from BUILD   makes them of a build that is there, of the release preset with -DCMAKE_INSTALL_PREFIX=/usr
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
arch='' build=''
case "${1:-}" in
  --arch)
    arch=$2
    [[ "$arch" == arm64 ]] || { echo "package.sh: --arch is for arm64" >&2; exit 2; }
    shift 2
    ;;
  --from)
    build=$(realpath "$2")
    grep -qx 'CMAKE_INSTALL_PREFIX:PATH=/usr' "$build/CMakeCache.txt" ||
      { echo "package.sh: $build is not configured for /usr" >&2; exit 2; }
    shift 2
    ;;
esac
folder=${1:-build/packages${arch:+-$arch}}
mkdir -p "$folder"
folder=$(realpath "$folder")

if [[ -z "$build" ]]; then
  build=$PWD/build/package${arch:+-$arch}
  scripts/install-deps.sh build package ${arch:+"$arch"}
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
  cmake --preset release -B "$build" ${arch:+-DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/$arch.cmake"} -DCMAKE_INSTALL_PREFIX=/usr \
    -DNETBINDER_BUILD_TESTS=OFF -DNETBINDER_BUILD_BENCHES=OFF -DNETBINDER_BUILD_EXAMPLES=OFF \
    -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$build/bin" -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$build/lib" \
    -DCMAKE_ARCHIVE_OUTPUT_DIRECTORY="$build/lib"
  cmake --build "$build"
fi
[[ -z "$arch" ]] || export DEB_HOST_ARCH=$arch  # for dpkg-shlibdeps
(cd "$build" && cpack -G DEB -B "$folder" >"$folder/cpack.log") || { cat "$folder/cpack.log" >&2; exit 1; }
rm -rf "$folder/_CPack_Packages"
ls -l "$folder"/*.deb
