#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install-deps.sh [GROUP...]: installs the Debian 12 packages that are missing, of these groups, or of all but bench and arm64.
#   build  the agent, the shim, the command, the examples
#   test   what the other tests, the sanitizers and the tidying tools need
#   package  what Debian packages are made with, and tried in a bare system
#   guest  tests that boot a kernel that has the binder driver
#   bench  the peers of `netbinder bench --peers`; only if it is named
#   arm64  what an amd64 machine builds for arm64 with, and runs that with; only if it is named, as it makes arm64 a foreign
#          architecture of this machine
# Does nothing when all are there.
set -euo pipefail

declare -A groups=(
  [build]="g++ cmake ninja-build ccache pkg-config ca-certificates
    libboost1.81-dev capnproto libcapnp-dev
    libcli11-dev libtomlplusplus-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libssl-dev
    libibverbs-dev libsystemd-dev linux-libc-dev systemtap-sdt-dev aidl"
  [test]="git python3 binutils libgtest-dev libgmock-dev libbenchmark-dev libclang-rt-14-dev
    libboost-system1.81-dev libboost-context1.81-dev librdmacm-dev
    musl-tools g++-12-multilib libc6-dev-i386 fakeroot etcd-server etcd-client
    clang-16 libclang-rt-16-dev iproute2 spin rdma-core perftest clang-format clang-tidy
    valgrind chromium fonts-dejavu-core prometheus"
  [package]="dpkg-dev fakeroot help2man man-db debootstrap systemd shellcheck zsh"
  [bench]="libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libsystemd-dev dbus-daemon libucx-dev
    iproute2"
  [arm64]="g++-aarch64-linux-gnu qemu-user libboost-system1.81-dev:arm64 libboost-context1.81-dev:arm64 libcapnp-dev:arm64
    libfmt-dev:arm64 libgmock-dev:arm64 libgtest-dev:arm64 libibverbs-dev:arm64 libspdlog-dev:arm64 libssl-dev:arm64
    libsystemd-dev:arm64 libtomlplusplus-dev:arm64 systemtap-sdt-dev:arm64"
  [guest]="qemu-system-x86 busybox-static cpio kmod xz-utils zstd"
)

wanted=("$@")
((${#wanted[@]} > 0)) || wanted=(build test package guest)
packages=()
for group in "${wanted[@]}"; do
  if [[ -z "${groups[$group]:-}" ]]; then
    echo "install-deps: there is no group $group; there are build, test, package, guest, bench and arm64" >&2
    exit 2
  fi
  read -r -d '' -a of_group <<<"${groups[$group]}" || true
  packages+=("${of_group[@]}")
done

is_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

if ! command -v dpkg-query >/dev/null; then
  echo "install-deps: this script knows Debian packages only; install the equivalents of:" >&2
  echo "  ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
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

# Two packages bring a service of the system along. The tests start servers of their own, so where systemd runs,
# the services of packages that this script installs are neither started nor enabled.
services=()
if [[ -d /run/systemd/system ]]; then
  for package in "${missing[@]}"; do
    case $package in
      etcd-server) services+=(etcd.service) ;;
      prometheus) services+=(prometheus.service) ;;
    esac
  done
fi
if ((${#services[@]} > 0)); then
  "${as_root[@]}" systemctl mask --quiet "${services[@]}"
  trap '"${as_root[@]}" systemctl unmask --quiet "${services[@]}"' EXIT
fi

echo "install-deps: installing ${missing[*]}" >&2
if [[ " ${missing[*]}" == *:arm64* ]]; then
  "${as_root[@]}" dpkg --add-architecture arm64
fi
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
if ((${#services[@]} > 0)); then
  "${as_root[@]}" systemctl unmask --quiet "${services[@]}"
  trap - EXIT
  "${as_root[@]}" systemctl disable --quiet "${services[@]}"
fi
