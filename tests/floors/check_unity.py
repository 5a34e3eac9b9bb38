#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_unity.py PROJECT [FOLDER...]: names that a unity build would define twice.

Most builds compile several files as one (NETBINDER_UNITY), and which files meet there changes with
each file that is added. So no two files of a part may give what they keep to themselves, a constant,
a type or a function with the same parameters, one name. Prints such names; exit status 1 if there
are any. Without folders: all that is built in that way. Fuzz targets (*_target.cc) are each alone.

GoogleTest's names are ::testing's: a file that meets netbinder::testing in its unit finds that one first.
"""
import collections
import pathlib
import re
import sys

FOLDERS = ["channel", "cluster-config", "core", "host", "membership", "ndk", "node-agent", "parcel",
           "tests", "tools", "transport"]
CONSTANT = re.compile(r"(?:static |inline )*constexpr [^=({]*?\b(\w+)(?:\[\w*\])? ?[={]")
TYPE = re.compile(r"(?:struct|class|enum class|enum) (\w+)\b[^;]*$")
RAW_STRING = re.compile(r'R"(\w*)\(.*?\)\1"', re.S)
FUNCTION = re.compile(r"[A-Za-z_][^=;#]*?\b(\w+)\(([^{;]*)\) (?:const )?(?:noexcept )?\{", re.S)
GOOGLETESTS = re.compile(r"(?<![:\w])testing::(?:Test\w*|Types|Values\w*|Combine|Range|Bool|ExitedWithCode|KilledBySignal)\b")


def kept_names(text):
    """(namespace, what is defined) of each definition at the top of an unnamed namespace."""
    outer, unnamed = "", False
    lines = RAW_STRING.sub('""', text).splitlines()
    for i, line in enumerate(lines):
        if match := re.match(r"namespace ([\w:]+) \{", line):
            outer = match.group(1)
        elif re.match(r"namespace \{", line):
            unnamed = True
        elif re.match(r"\}  // namespace$", line):
            unnamed = False
        elif unnamed or line.startswith("static "):
            if match := CONSTANT.match(line) or TYPE.match(line):
                yield outer, match.group(1)
            elif line[:1].isalpha() and not line.startswith(("using", "template", "INSTANTIATE_")):
                if match := FUNCTION.match("\n".join(lines[i:i + 6])):
                    types = re.sub(r"\b\w+(?=\s*(,|$))", "", match.group(2))  # without the names
                    yield outer, match.group(1) + "(" + re.sub(r"\s+", "", types) + ")"


def target_of(project, path):
    """The folder whose CMakeLists.txt builds the file; None: not in a unity build."""
    for folder in path.parents:
        lists = folder / "CMakeLists.txt"
        if lists.exists():
            text = lists.read_text()
            if "CMAKE_UNITY_BUILD OFF" in text or "PROPERTIES UNITY_BUILD OFF" in text:
                return None
            return folder
        if folder == project:
            return None
    return None


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    seen = collections.defaultdict(list)
    for folder in sys.argv[2:] or FOLDERS:
        for path in sorted((project / folder).rglob("*.cc")):
            target = target_of(project, path)
            if target is None or path.name.endswith("_target.cc"):
                continue
            for outer, name in set(kept_names(path.read_text())):
                seen[target, outer, name].append(path.relative_to(project))
    bare = [(path.relative_to(project), match.group(0)) for path in sorted((project / "tests").rglob("*"))
            if path.suffix in (".cc", ".h") for match in GOOGLETESTS.finditer(path.read_text())]
    for path, name in bare:
        print(f"{path}: {name} is ::{name}")
    twice = {key: files for key, files in seen.items() if len(files) > 1}
    for (_, _, name), files in twice.items():
        print(f"{name} is defined in " + " and ".join(map(str, files)))
    if not seen:
        print("no definitions were found at all")
    return 1 if twice or bare or not seen else 0


if __name__ == "__main__":
    sys.exit(main())
