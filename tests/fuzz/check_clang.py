#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks clang whether it accepts the fuzz targets as the fuzz preset compiles them, without building
them: check_clang.py SOURCE_DIR BUILD_DIR. Other presets use another compiler, which accepts what
clang refuses (unused comparisons, default arguments with incomplete types)."""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

# As cmake/options.cmake and the preset have them.
CLANG = ["clang++-16", "-std=c++2b", "-O1", "-D__cpp_concepts=202002L", "-Wno-macro-redefined", "-Wall",
         "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Werror",
         "-Wsuggest-override", "-fsyntax-only"]


def clang_command(entry, source):
    """The unit's command with the compiler's own options left out."""
    command = CLANG + ["-include", str(source / "cmake/capnp_for_clang.h")]
    words = iter(shlex.split(entry["command"]))
    for word in words:
        if word in ("-isystem", "-include"):
            command += [word, next(words)]
        elif word.startswith(("-I", "-D")):
            command.append(word)
    return command + [entry["file"]]


def complaint(command):
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stderr if run.returncode else ""


def main():
    source, build = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    entries = [entry for entry in json.loads((build / "compile_commands.json").read_text())
               if entry["file"].startswith(f"{source}/tests/fuzz/")
               and entry["file"].endswith("_target.cc")]
    targets = sorted(source.glob("tests/fuzz/*_target.cc"))
    missing = {str(target) for target in targets} - {entry["file"] for entry in entries}
    if missing or not targets:
        sys.exit(f"the build has no commands for {sorted(missing)}")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        complaints = list(pool.map(lambda entry: complaint(clang_command(entry, source)), entries))
    for text in filter(None, complaints):
        print(text, file=sys.stderr)
    print(f"clang accepts {complaints.count('')} of {len(entries)} units")
    sys.exit(any(complaints))


if __name__ == "__main__":
    main()
