#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shell_scripts.sh SOURCE_DIR: shellcheck finds nothing in any script of the tree.
set -euo pipefail
cd "$1"

mapfile -t scripts < <(
  find . \( -path ./build -o -path ./.git \) -prune -o -type f -size -200k -print |
    while read -r file; do
      read -r first <"$file" 2>/dev/null || true
      [[ "$first" =~ ^\#!.*(/|' ')(ba)?sh$ ]] && echo "$file"
    done
)
((${#scripts[@]} > 20)) || { echo "FAILED: only ${#scripts[@]} scripts were found" >&2; exit 1; }
shellcheck --external-sources --source-path=SCRIPTDIR --severity=warning "${scripts[@]}"
echo "shell_scripts: ${#scripts[@]} scripts, nothing found"
