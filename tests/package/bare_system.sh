#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bare_system.sh SOURCE_DIR BIN_DIR [BUILD_DIR]: builds the Debian packages, or makes them of that build, installs them into
# a bare system, has netbinder doctor and the hello programs run there, and removes and purges them. Needs root and a Debian
# archive. The hello programs are those of BIN_DIR.
set -euo pipefail

source=$(realpath "$1")
bin=$(realpath "$2")
from=(${3:+--from "$3"})
if ((EUID != 0)); then
  echo "NOT RUN: a system of its own can be made by root only" >&2
  exit 1
fi
# Mounts made here are gone with this process.
[[ "${IN_NAMESPACE:-}" == yes ]] || IN_NAMESPACE=yes exec unshare --mount --pid --fork --propagation private "$0" "$@"

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
work=$(mktemp -d)
tree=$work/tree
trap 'umount -R "$tree/proc" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT

"$source/scripts/package.sh" "${from[@]}" "$work/packages" >"$work/log" 2>&1 || { tail -n 40 "$work/log" >&2; fail "no packages"; }
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
debootstrap --variant=minbase bookworm "$tree" "$mirror" >"$work/log" 2>&1 ||
  { tail -n 40 "$work/log" >&2; fail "no bare system"; }
mount -t proc proc "$tree/proc"
packages=("$work"/packages/*.deb)
cp "${packages[@]}" "$bin/hello_server" "$bin/hello_client" "$tree/root/"
inside() { chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
apt_inside() { inside apt-get -q "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "apt-get $*"; }; }

apt_inside update
apt_inside install -y --no-install-recommends "${packages[@]/#$work\/packages//root}"
grep -q '^netbinder:' "$tree/etc/passwd" || fail "there is no user netbinder"
[[ "$(stat -c '%U %a' "$tree/var/lib/netbinder")" == *' 700' ]] || fail "the agent's folder is open"
version=$(inside netbinder --version)
[[ "$version" == "netbinder $(inside dpkg-query -W -f='${Version}' netbinder)" ]] || fail "the version is $version"
# On this system, where the programs of the units are not.
verify() {
  systemd-analyze verify --man=no "$@" 2>&1 | grep netbinder | grep -v 'is not executable' >"$work/log" || true
  [[ ! -s "$work/log" ]] || { cat "$work/log" >&2; fail "systemd does not like the units"; }
}
verify "$tree"/usr/lib/systemd/system/netbinder.{service,socket}
verify --user "$tree"/usr/lib/systemd/user/netbinder.{service,socket}

# The agent as the unit starts it, but for systemd.
inside netbinderd --system --config /etc/netbinder/netbinder.toml 2>"$work/agent" &
agent=$!
for _ in {1..1000}; do
  inside netbinder status >/dev/null 2>&1 && break
  kill -0 "$agent" || { cat "$work/agent" >&2; fail "the agent has ended"; }
  sleep 0.05
done
grep -q 'it runs as netbinder' "$work/agent" || { cat "$work/agent" >&2; fail "the agent has root's rights"; }
status=0
inside netbinder doctor >"$work/doctor" || status=$?
((status < 2)) || { cat "$work/doctor" >&2; fail "doctor finds errors"; }
inside netbinder run -- /root/hello_server >/dev/null &
inside netbinder service wait hello --timeout 60 >/dev/null || fail "the service does not come"
said=$(inside netbinder run -- /root/hello_client world)
[[ "$said" == *'hello, world'* ]] || fail "the client says: $said"
inside netbinder session --hosts 2 -- sh -c 'netbinder service list' >/dev/null || fail "no session"
kill "$agent"
wait "$agent" || true

inside sh -c 'test -f /usr/include/netbinder-ndk/android/binder_ibinder.h && test -f /usr/include/netbinder/channel/layout.h' ||
  fail "headers are missing"
apt_inside remove -y netbinder
! inside sh -c 'ls /usr/bin/netbinder* /usr/lib/*/libnetbinder* /usr/lib/systemd/system/netbinder*' 2>/dev/null ||
  fail "files are left"
[[ -e "$tree/etc/netbinder/netbinder.toml" ]] || fail "the configuration went with the package"
apt_inside purge -y netbinder
[[ ! -e "$tree/etc/netbinder" && ! -e "$tree/var/lib/netbinder" ]] || fail "purge leaves files"
echo "bare_system: installed, ran, removed and purged $version"
