# SPDX-License-Identifier: Apache-2.0
"""What callgrind has counted: who called whom, how often, and with how many instructions below."""
import collections
import re

_NAME = re.compile(r"^(c?fn)=\((\d+)\)(?: (.*))?$")


class Profile:
    """One process, read from its callgrind.out file. Functions are known by their names without arguments."""

    def __init__(self, path):
        self.total = 0
        self._edges = collections.defaultdict(lambda: [0, 0])  # (caller, callee): calls, instructions
        names = {}
        caller = callee = ""
        calls = None
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found = _NAME.match(line)
                if found:
                    kind, number, name = found.groups()
                    if name is not None:
                        names[number] = short_name(name)
                    if kind == "fn":
                        caller = names[number]
                    else:
                        callee = names[number]
                elif line.startswith("calls="):
                    calls = int(line[len("calls="):].split()[0])
                elif calls is not None:  # the line behind calls= has the inclusive cost
                    edge = self._edges[caller, callee]
                    edge[0] += calls
                    edge[1] += int(line.split()[1])
                    calls = None
                elif line.startswith("totals:"):
                    self.total = int(line.split()[1])

    def edge(self, caller, callee):
        """Calls and instructions; both 0 if there was no such call."""
        return tuple(self._edges.get((caller, callee), (0, 0)))

    def into(self, callee):
        """The same of all callers together."""
        edges = [edge for (_, to), edge in self._edges.items() if to == callee]
        return sum(edge[0] for edge in edges), sum(edge[1] for edge in edges)


def short_name(name):
    """'netbinder::Session::send(int)' is 'Session::send'."""
    name = re.sub(r"\(anonymous namespace\)::", "", re.sub(r"'\d+$", "", name))
    name = re.sub(r"^(netbinder::)+(tcp::)?", "", name)
    return name.split("(")[0]
