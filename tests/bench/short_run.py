#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""short_run.py BIN OUT: a very short bench; what it has written to the folder OUT is as it should be."""
import math
import os
import pathlib
import shutil
import subprocess
import sys

from bench_output import Page, expect, fail, point_of, read_lines

PEERS = ["netbinder", "socket", "socket-polled", "aidl-echo", "memcpy"]
MODES = ["local", "tcp", "veth", "tls"]
ROUNDS = 2


def point(mode, size=64, clients=1, interval_us=0, pinning="none", work="call", load="none"):
    return (mode, size, clients, interval_us, pinning, work, load)


def expected_points(mode, peer):
    if peer == "aidl-echo":
        return {point(mode)}
    if peer == "memcpy":
        return {point(mode)} if mode == "local" else set()
    if mode == "tls":
        return {point(mode, size) for size in (0, 64)} if peer == "netbinder" else set()
    points = {point(mode, size) for size in (0, 64)}
    points |= {point(mode, clients=2), point(mode, interval_us=5000), point(mode, pinning="one")}
    if os.cpu_count() > 1:
        points.add(point(mode, pinning="apart"))
    if peer == "netbinder":
        points.add(point(mode, work="oneway"))
    if mode == "local":
        points.add(point(mode, load="busy"))
    return points


def check_lines(lines):
    expect(len(lines["machine"]) == 1, "there is one line about the machine")
    machine = lines["machine"][0]
    expect(machine["rounds"] == ROUNDS and machine["processors"] > 0 and machine["took_s"] > 0, f"the machine: {machine}")
    expect({line["peer"] for line in lines["peer"]} == set(PEERS), f"the peers: {lines['peer']}")
    wanted = {(peer, *point) for peer in PEERS for mode in MODES for point in expected_points(mode, peer)}
    seen = [(line["peer"], *point_of(line)) for line in lines["summary"]]
    expect(sorted(seen) == sorted(wanted), f"too many or too few: {set(seen) ^ wanted}")
    turns = sorted((line["peer"], *point_of(line)) for line in lines["turn"])
    expect(turns == sorted(list(wanted) * ROUNDS), "each is measured in each round")
    for line in lines["turn"]:
        expect("error" not in line, f"a turn failed: {line}")
        expect(line["calls"] > 0 and 0 < line["p50_us"] <= line["p99_us"] <= line["p999_us"], f"the times: {line}")
        # A call of nobody's takes less time than it takes to look at the clock.
        expect(line["cpu_us_per_call"] >= 0 and line["calls_per_s"] > 0, f"what it took: {line}")
        mb_per_s = line["calls_per_s"] * line["bytes"] / 1e6
        expect(math.isclose(line["mb_per_s"], mb_per_s, rel_tol=0.01, abs_tol=0.01), f"bytes a second: {line}")
        if line["interval_us"] == 0 and line["clients"] == 1:
            # Half of the calls took as long as the median at least, one after another.
            expect(line["calls_per_s"] <= 2.2e6 / line["p50_us"], f"times and calls: {line}")
    for line in lines["summary"]:
        expect(line["least_p50_us"] <= line["p50_us"] <= line["most_p50_us"], f"the spread: {line}")
        expect(1 <= line["counted"] <= line["turns"] == ROUNDS, f"the turns: {line}")
        times = [time for _, time in line["quantiles_us"]]
        expect(times == sorted(times), f"the distribution: {line}")


def check_report(path):
    page = Page(path)
    expect(page.foreign == [], f"the page needs others: {page.foreign}")
    expect("@import" not in page.source and "url(" not in page.source, "the style needs others")
    for mode in MODES:
        calls = 1 if mode == "tls" else 3
        expect((f"clients-{mode}" in page.plots) == (mode != "tls"), "a plot of one number of clients")
        for plot, peers in (("distribution", calls), ("sizes", calls + (mode == "local")), ("clients", calls)):
            if (plot, mode) == ("clients", "tls"):
                continue
            series = page.plots.get(f"{plot}-{mode}")
            expect(series is not None, f"there is no plot {plot}-{mode}")
            expect(len(series) == peers, f"{plot}-{mode} has {len(series)} series, not {peers}")
            expect(all(path.startswith("M") for path in series.values()), f"{plot}-{mode}: {series}")
    for peer in PEERS:
        expect(peer in page.text, f"{peer} is not in the report")
    expect("A turn is disturbed if" in page.text, "the rule is not in the report")
    expect(page.text.count("Generated stubs") == 1, "echoes are not compared with each other")


def check_table(out):
    header = [line for line in out.splitlines() if "p99.9 us" in line]
    rows = [line for line in out.splitlines() if line[2:].startswith(("netbinder ", "socket", "aidl-echo "))]
    expect(len(rows) > 20 and header, f"the table: {out}")
    expect({len(line) for line in rows if "/" in line} <= {len(header[0])}, f"the table is not aligned:\n{out}")


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    if os.geteuid() != 0:
        fail("CANNOT RUN: not root, so no network namespaces. Nothing was tested")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    run = subprocess.run(
        [folder / "netbinder", "bench", "--peers", ",".join(PEERS), "--sizes", "64,0", "--clients", "1,2", "--rounds",
         str(ROUNDS), "--seconds", "0.02", "--json", out / "lines.jsonl", "--report", out / "report.html"],
        capture_output=True, text=True, check=False)
    expect(run.returncode == 0, f"the bench: {run.returncode}\n{run.stdout}{run.stderr}")
    expect(" turns, " in run.stderr and " s left" in run.stderr, f"there is no progress: {run.stderr}")
    check_table(run.stdout)
    check_lines(read_lines(out / "lines.jsonl"))
    check_report(out / "report.html")

    # Echoes alone: there is nothing to plot.
    run = subprocess.run(
        [folder / "netbinder", "bench", "--peers", "aidl-echo", "--modes", "local", "--sizes", "64,65536", "--clients", "1",
         "--rounds", "1", "--seconds", "0.02", "--report", out / "echoes.html"],
        capture_output=True, text=True, check=False, timeout=120)
    expect(run.returncode == 0, f"echoes: {run.returncode}\n{run.stdout}{run.stderr}")
    expect(Page(out / "echoes.html").plots == {}, "an empty plot")


main()
