#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""probes_test.py NETBINDERD: the agent has a static probe for each point of a call, with its arguments, as bpftrace and
perf find them."""
import re
import subprocess
import sys

POINTS = ["begun", "placed", "queued", "sent", "arrived", "delivered", "replied", "reply_arrived", "reply_read", "accepted",
          "handled", "failed"]


def main():
    notes = subprocess.run(["readelf", "--notes", "--wide", sys.argv[1]], capture_output=True, text=True, check=True).stdout
    found = {}
    for name, arguments in re.findall(r"Provider: netbinder\s+Name: (\w+)\s+Location:[^\n]*\n\s+Arguments: ([^\n]*)", notes):
        found.setdefault(name, set()).add(len(arguments.split()))
    expected = {f"call_{point}": {5 if point == "failed" else 4} for point in POINTS}
    if found != expected:
        print(f"FAILED: {found}, not {expected}", file=sys.stderr)
        sys.exit(1)


main()
