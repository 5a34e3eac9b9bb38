#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""absent_peers.py BIN LIB: what cannot be measured is named, and what is wrong is said before anything is measured."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from bench_output import Page, expect, fail, read_lines

OTHERS = ["netbinder", "ucx", "capnp", "grpc", "grpc-echo", "sd-bus", "aidl-echo", "memcpy", "process_vm_readv"]
NOBODY = 65534
SHORT = ["--sizes", "64", "--clients", "1", "--rounds", "1", "--seconds", "0.02"]


def bench(command, *words, user=None):
    return subprocess.run([command, "bench", *words], capture_output=True, text=True, check=False, user=user, group=user,
                          extra_groups=[] if user else None)


def expect_refused(run, said):
    expect(run.returncode != 0 and said in run.stderr, f"{said!r} is expected: {run.returncode} {run.stderr}")
    expect("turns" not in run.stdout, f"something was measured: {run.stdout}")


def main():
    folder, libraries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if os.geteuid() != 0:
        fail("CANNOT RUN: not root, so it cannot be seen what others cannot do. Nothing was tested")
    with tempfile.TemporaryDirectory(prefix="bench.") as work_name:
        work = pathlib.Path(work_name)
        work.chmod(0o755)
        (work / "bin").mkdir()
        (work / "lib").symlink_to(libraries)
        for program in ("netbinder", "netbinder-bench-socket"):
            shutil.copy(folder / program, work / "bin")
        alone = work / "bin/netbinder"

        # Peers that are not there, and a mode that takes root.
        (work / "out").mkdir()
        os.chown(work / "out", NOBODY, NOBODY)
        json, report = work / "out/lines.jsonl", work / "out/report.html"
        run = bench(alone, "--peers", *SHORT, "--json", json, "--report", report, user=NOBODY)
        expect(run.returncode == 0, f"the bench: {run.returncode} {run.stderr}")
        lines = read_lines(json)
        expect(sorted(line["peer"] for line in lines["absent"] if "peer" in line) == sorted(OTHERS), f"absent: {lines['absent']}")
        expect([line["mode"] for line in lines["absent"] if "mode" in line] == ["veth"], f"absent: {lines['absent']}")
        expect({line["mode"] for line in lines["summary"]} == {"local", "tcp"}, "the other modes are measured")
        text = Page(report).text
        for peer in OTHERS:
            expect(f"absent: {peer}: " in run.stdout, f"{peer} is not in the table: {run.stdout}")
            expect("netbinder-bench-" in text and peer in text, f"{peer} is not in the report")
        expect("libgrpc++-dev" in run.stdout, f"it is not said what grpc needs: {run.stdout}")
        expect("can be made by root only" in run.stdout and "can be made by root only" in text, "the missing mode is not named")

        expect_refused(bench(alone, "--peers", "--modes", "veth", *SHORT, user=NOBODY), "can be made by root only")
        expect_refused(bench(alone, "--peers", "socket,sokcet", *SHORT), "there is no peer sokcet; there are netbinder, ")
        expect_refused(bench(alone, "--peers", "grpc", *SHORT), "no peer is here")
        expect_refused(bench(alone, "--peers", *SHORT, "--report", work / "no/where.html"), "cannot write")
        expect_refused(bench(alone, "--rounds", "2"), "--peers")

        # A peer that breaks is named, and the others are measured.
        broken = work / "bin/netbinder-bench-limits"
        broken.write_text('#!/bin/sh\nif [ "$1" = --describe ]; then\n'
                          'echo \'{"peer":"memcpy","kind":"limit","what":"x","modes":["local"]}\'\nelse echo it broke >&2; exit 1; fi\n')
        broken.chmod(0o755)
        run = bench(alone, "--peers", "socket,memcpy", "--modes", "local", *SHORT)
        expect(run.returncode == 1 and "failed: it broke" in run.stdout, f"a broken peer: {run.returncode} {run.stdout}")
        expect(" socket    " in run.stdout, f"the other peer: {run.stdout}")


main()
