#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian 12 packages that the build and the tests need. Does nothing when all are there.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build ccache pkg-config git ca-certificates
  libboost1.81-dev libboost-system1.81-dev libboost-context1.81-dev
  capnproto libcapnp-dev
  libcli11-dev libtomlplusplus-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libssl-dev
  libibverbs-dev librdmacm-dev
  linux-libc-dev
)
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev libclang-rt-14-dev
  clang-16 libclang-rt-16-dev
  iproute2 rdma-core perftest
  clang-format clang-tidy
)
# tests/guest boots a kernel that has the binder driver.
guest_packages=(qemu-system-x86 busybox-static cpio kmod xz-utils zstd)

is_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

if ! command -v dpkg-query >/dev/null; then
  echo "install-deps: this script knows Debian packages only; install the equivalents of:" >&2
  echo "  ${build_packages[*]} ${test_packages[*]} ${guest_packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${build_packages[@]}" "${test_packages[@]}" "${guest_packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install-deps: run as root to install: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "install-deps: installing ${missing[*]}" >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
