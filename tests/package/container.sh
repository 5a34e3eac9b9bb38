#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# container.sh SOURCE_DIR BIN_DIR: the configuration of the example of two containers is valid for both hosts, with the
# variables that it sets and certificates as its head says. The containers themselves need an engine.
set -euo pipefail
files=$(realpath "$1")/packaging/container
bin=$(realpath "$2")

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mapfile -t setup < <(sed -n 's/^#     \(mkdir certs.*\)/\1/p' "$files/compose.yaml")
((${#setup[@]} == 1)) || fail "the head of compose.yaml says otherwise how certificates are made"
PATH="$bin:$PATH" bash -euc "${setup[0]}" >/dev/null

for host in alpha beta; do
  mapfile -t variables < <(sed -n "/^  $host:/,/^  [a-z]*:/s/^      \(NETBINDER_[A-Z_]*\): \(.*\)/\1=\2/p" "$files/compose.yaml")
  ((${#variables[@]} == 4)) || fail "$host has ${#variables[@]} variables"
  env "${variables[@]/\/certs/$work/certs}" "$bin/netbinderd" --config "$files/two-hosts.toml" --check >checked ||
    { cat checked >&2; fail "the configuration of $host"; }
  grep -q "^host = \"$host\"" checked || fail "$host is not $host"
done
echo "container: passed"
