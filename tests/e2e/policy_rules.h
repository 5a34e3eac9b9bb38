// SPDX-License-Identifier: Apache-2.0
//
// For scripts of a session of two hosts: `rules TEXT` replaces the rules of both; `as COMMAND` runs
// it as uid 4711 of the first host, and `there COMMAND` as that user of the second; `failed` prints
// the calls that have failed on the first.
#pragma once

namespace netbinder::testing {

inline constexpr const char* kRules = R"script(
d=$(dirname $NETBINDER_SOCKET); chmod 755 $d; mkdir $d/host1.toml.d $d/host2.toml.d
rules() {
  for n in 1 2; do printf 'log_level = "warn"\n%s\n' "$1" >$d/host$n.toml.d/rules.toml; done
  netbinder reload >/dev/null && netbinder reload --socket $NETBINDER_SOCKET_2 >/dev/null || exit 9
}
as() { setpriv --reuid 4711 --regid ${gid:-4711} --clear-groups "$@" 2>&1; }
there() { NETBINDER_SOCKET=$NETBINDER_SOCKET_2 as "$@"; }
failed() { netbinder log --failed --kernel; }
)script";

}  // namespace netbinder::testing
