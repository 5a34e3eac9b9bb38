#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_floors.py SOURCE_DIR BUILD_DIR: no step upwards between floors, no circles of calls.

Includes are read from the sources; calls from the object files (object_calls.py): what a file wants
and another one defines is a call of that one. Symbols that many objects define (inline functions,
templates) say nothing about who calls whom and are left out. What is not allowed is printed edge by
edge, with a symbol or an include for each, and the exit status is 1.
"""
import collections
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import object_calls

Edge = collections.namedtuple("Edge", "source target symbol")  # paths from the root; why

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
SOURCES = (".cc", ".c", ".h")
# operator new, new[], delete and delete[], mangled.
ALLOCATION = ("_Znw", "_Zna", "_Zdl", "_Zda")


class Rules:
    """The tables of floors.py."""

    def __init__(self, floors, limits, places=None, exceptions=(), required=(), defining_c=()):
        self.floors = floors
        self.limits = limits
        self.places = places or {}
        self.exceptions = exceptions
        self.required = required
        self.defining_c = defining_c

    def floor_of(self, path):
        """The floor a file is on; None if it is on none."""
        if path in self.places:
            return self.places[path]
        for folder in pathlib.PurePosixPath(path).parents:
            if str(folder) in self.floors:
                return str(folder)
        return None

    def allows(self, source, target):
        here, there = self.floor_of(source), self.floor_of(target)
        return here == there or there is None or there in self.floors[here]

    def limit_of(self, circle):
        """How many files a circle may have, and the exception that says so."""
        for pattern, most, reason in self.exceptions:
            if all(pathlib.PurePosixPath(path).match(pattern) for path in circle):
                return most, reason
        limits = [most for folder, most in self.limits.items()
                  if any(path.startswith(folder + "/") for path in circle)]
        return min(limits, default=len(circle)), ""


def top_folders(rules):
    return sorted({floor.split("/")[0] for floor in rules.floors})


def source_files(rules, root):
    for folder in top_folders(rules):
        for where, _, names in sorted(os.walk(os.path.join(root, folder))):
            for name in sorted(names):
                if name.endswith(SOURCES):
                    yield os.path.relpath(os.path.join(where, name), root)


def includes(rules, root):
    """An edge for each include of a file of ours."""
    for path in source_files(rules, root):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            for header in INCLUDE.findall(file.read()):
                if rules.floor_of(header) is not None:
                    yield Edge(path, header, f'#include "{header}"')


def objects(rules, root, build):
    """(object file, its sources) for what was built of sources that are still there."""
    outputs = None  # of a build by Ninja: it leaves objects that it makes no longer
    ninja = pathlib.Path(build, "build.ninja")
    if ninja.exists():
        outputs = set(re.findall(r"^build (\S+\.o):", ninja.read_text(encoding="utf-8"),
                                 re.MULTILINE))
    for folder in top_folders(rules):
        for where, _, names in sorted(os.walk(os.path.join(build, folder))):
            made_of = re.match(r"(.*)/CMakeFiles/[^/]+\.dir(/.*)?$", where)
            for name in sorted(names):
                path = os.path.join(where, name)
                if made_of is None or not name.endswith(".o"):
                    continue
                if outputs is not None and os.path.relpath(path, build) not in outputs:
                    continue
                place = os.path.relpath(made_of.group(1), build) + (made_of.group(2) or "")
                sources = [os.path.normpath(os.path.join(place, name[:-len(".o")]))]
                if where.endswith("/Unity"):  # the file of all of them stands beside its object
                    file = pathlib.Path(path[:-len(".o")])
                    sources = [os.path.relpath(source, os.path.realpath(root))
                               for source in INCLUDE.findall(file.read_text(encoding="utf-8"))]
                if all(os.path.exists(os.path.join(root, source)) for source in sources):
                    yield path, sources


def calls(rules, root, build):
    """An edge for each symbol that a file wants and another file of ours defines."""
    sources = object_calls.Sources(path for path in source_files(rules, root)
                                   if not path.endswith(".h"))
    definers = collections.defaultdict(set)
    wanted_by = collections.defaultdict(set)
    for object_file, made_of in objects(rules, root, build):
        found = (object_calls.of_one_source(object_file, made_of[0]) if len(made_of) == 1
                 else object_calls.of_several_sources(object_file, sources))
        for symbol, source in found.defined.items():
            definers[symbol].add(source)
        for source, symbols in found.wanted.items():
            wanted_by[source] |= symbols
        yield from (Edge(*inlined) for inlined in sorted(found.inlined))
    for source in sorted(wanted_by):
        own = source.split("/")[0] + "/"
        for symbol in sorted(wanted_by[source]):
            found = definers.get(symbol, ())
            # Programs may define the same symbol each; what is linked is the nearest.
            near = [target for target in found if target.startswith(own)]
            # A name of C is the C library's, but in a folder that defines such functions; and the
            # C++ library's allocation functions are its own, whatever program counts with others.
            if not symbol.startswith("_Z") or symbol.startswith(ALLOCATION):
                found = near = near if own[:-1] in rules.defining_c else []
            for target in sorted(near or found):
                if target != source:
                    yield Edge(source, target, symbol)


def circles(edges):
    """The strongly connected components of more than one file (Tarjan's, without recursion)."""
    graph = collections.defaultdict(set)
    for edge in edges:
        graph[edge.source].add(edge.target)
    index, low, stack, found = {}, {}, [], []
    for start in sorted(graph):
        if start in index:
            continue
        index[start] = low[start] = len(index)
        stack.append(start)
        work = [(start, iter(sorted(graph[start])))]
        while work:
            node, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    circle = stack[stack.index(node):]
                    del stack[stack.index(node):]
                    if len(circle) > 1:
                        found.append(sorted(circle))
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                work.append((target, iter(sorted(graph[target]))))
            elif target in stack:
                low[node] = min(low[node], index[target])
    return found


def demangled(symbols):
    """Symbols as people write them, where there is c++filt."""
    try:
        lines = subprocess.run(["c++filt"], input="\n".join(symbols), check=True,
                               capture_output=True, text=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        return list(symbols)
    return lines[:len(symbols)]


def first_of_each_pair(edges):
    pairs = {}
    for edge in edges:
        pairs.setdefault((edge.source, edge.target), edge)
    return list(pairs.values())


def check(rules, root, build):
    """Sentences about what is wrong; none if nothing is."""
    wrong = []

    def report(title, edges):
        names = demangled([edge.symbol for edge in edges])
        wrong.append("\n".join([title] + [f"  {edge.source} -> {edge.target}: {name}"
                                          for edge, name in zip(edges, names)]))

    steps = list(includes(rules, root))
    upwards = [edge for edge in steps if not rules.allows(edge.source, edge.target)]
    if upwards:
        report("includes that go upwards:", upwards)
    called = list(calls(rules, root, build))
    upwards = [edge for edge in called if not rules.allows(edge.source, edge.target)]
    if upwards:
        report("calls that go upwards:", first_of_each_pair(upwards))
    for circle in circles(called):
        most, reason = rules.limit_of(circle)
        if len(circle) > most:
            inside = [edge for edge in called if edge.source in circle and edge.target in circle]
            report(f"a circle of calls among {len(circle)} files, of {most} allowed"
                   + (f" ({reason})" if reason else "") + ":", first_of_each_pair(inside))
    built = {source.split("/")[0]
             for _, made_of in objects(rules, root, build) for source in made_of}
    wrong += [f"nothing of {folder}/ is built below {build}" for folder in rules.required
              if folder not in built]
    return wrong


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    import floors
    rules = Rules(floors.FLOORS, floors.CIRCLE_LIMITS, floors.PLACES, floors.EXCEPTIONS,
                  floors.REQUIRED, floors.DEFINING_C)
    wrong = check(rules, *arguments)
    for sentence in wrong:
        print(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
