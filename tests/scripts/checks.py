# SPDX-License-Identifier: Apache-2.0
"""The end of a test that is a script, where something is not as it has to be."""
import sys


def fail(what):
    print(f"FAILED: {what}", file=sys.stderr)
    sys.exit(1)


def expect(condition, what):
    if not condition:
        fail(what)
