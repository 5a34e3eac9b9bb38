#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""trace_over_hosts.py BIN OUT [afar]: programs call each other over three hosts while `netbinder trace` records them; the
file, OUT/trace.json, is held against the rules of its format and against what the programs did. With "afar" the tracer
knows the socket of its own agent only, which asks those of the other hosts."""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from checks import expect, fail  # noqa: E402: beside this folder

# A server on the second host and one on the third; calls from the first host, a server that calls back, oneway calls,
# and one that fails. The tracer says when it records, and ends when it is told.
SCRIPT = r"""
set -e
NETBINDER_SOCKET=$NETBINDER_SOCKET_2 binder_probe serve two &
NETBINDER_SOCKET=$NETBINDER_SOCKET_3 binder_probe serve three &
binder_probe serve one &
for name in one two three; do netbinder service wait $name --timeout 60 >/dev/null; done
$TRACE --all --seconds 60 -o "$OUT/trace.json" >"$OUT/said" & tracer=$!
for socket in "$NETBINDER_SOCKET" "$NETBINDER_SOCKET_2" "$NETBINDER_SOCKET_3"; do
  until netbinder status --json --socket "$socket" | grep -q '"records_calls": true'; do kill -0 $tracer; done
done
binder_probe echo one 64
binder_probe echo two 64 9000
binder_probe callback three
binder_probe oneway two 7
binder_probe die three
netbinder monitor binder_probe --count 1 --json --seconds 60 >"$OUT/monitor.json" & monitor=$!
while kill -0 $monitor 2>/dev/null; do binder_probe echo two 3 >/dev/null; done
kill -INT $tracer
wait $tracer
kill %1 %3
"""


def ns(microseconds):
    return round(microseconds * 1000)


class Trace:
    def __init__(self, path):
        whole = json.loads(path.read_text(encoding="utf-8"))
        self.other = whole["otherData"]
        self.events = whole["traceEvents"]
        self.by_phase = collections.defaultdict(list)
        for event in self.events:
            self.by_phase[event["ph"]].append(event)
        self.names = {event["pid"]: event["args"]["name"] for event in self.by_phase["M"] if event["name"] == "process_name"}
        self.threads = {(event["pid"], event["tid"]) for event in self.by_phase["M"] if event["name"] == "thread_name"}
        self.slices = self.by_phase["X"]

    def named(self, name, category):
        return [each for each in self.slices if each["name"] == name and each["cat"] == category]


def check_format(trace):
    expect(set(trace.by_phase) == {"M", "X", "s", "f", "C"}, f"phases: {set(trace.by_phase)}")
    for each in trace.slices:
        expect(each["dur"] > 0 and each["ts"] >= 0, f"a slice of no time, or before the beginning: {each}")
        expect((each["pid"], each["tid"]) in trace.threads and each["pid"] in trace.names, f"a slice on no track: {each}")
    for each in trace.by_phase["C"]:
        expect(each["pid"] in trace.names and each["ts"] >= 0, f"a counter of nobody: {each}")
        expect(all(value >= 0 for value in each["args"].values()), f"a counter below 0: {each}")


def check_nesting(trace):
    by_thread = collections.defaultdict(list)
    for each in trace.slices:
        by_thread[each["pid"], each["tid"]].append((ns(each["ts"]), ns(each["ts"]) + ns(each["dur"]), each))
    for slices in by_thread.values():
        around = []
        for begin, end, each in sorted(slices, key=lambda each: (each[0], -each[1])):
            while around and around[-1] <= begin:
                around.pop()
            expect(not around or end <= around[-1], f"a slice overlaps the one around it: {each}")
            around.append(end)


def check_arrows(trace):
    ends = collections.defaultdict(list)
    for phase in "sf":
        for each in trace.by_phase[phase]:
            ends[each["cat"], each["id"]].append(each)
    over_hosts = 0
    for key, both in ends.items():
        expect([each["ph"] for each in both] == ["s", "f"], f"an arrow without both ends: {key} {both}")
        expect(both[0]["ts"] <= both[1]["ts"], f"an arrow goes back in time: {both}")
        for each in both:
            expect(any(slice["pid"] == each["pid"] and slice["tid"] == each["tid"]
                       and ns(slice["ts"]) <= ns(each["ts"]) < ns(slice["ts"]) + ns(slice["dur"]) for slice in trace.slices),
                   f"an arrow ends outside of every slice: {each}")
        hosts = {trace.names[each["pid"]].split(":")[0] for each in both}
        over_hosts += len(hosts) == 2
    expect(over_hosts >= 10, f"{over_hosts} arrows over hosts")


def check_traces(trace):
    """Every call is inside of the one that it was made in, on the thread that handles that."""
    handled = {each["args"]["span"]: each for each in trace.slices if each["cat"] == "handling"}
    nested = 0
    for each in trace.slices:
        if each["cat"] != "call" or "parent" not in each["args"]:
            continue
        outer = handled.get(each["args"]["parent"])
        expect(outer is not None, f"the call around it is missing: {each}")
        expect(outer["args"]["trace"] == each["args"]["trace"], f"{each} has another trace than {outer}")
        expect((outer["pid"], outer["tid"]) == (each["pid"], each["tid"]), f"{each} is on another thread than {outer}")
        expect(ns(outer["ts"]) <= ns(each["ts"]) and ns(each["ts"]) + ns(each["dur"]) <= ns(outer["ts"]) + ns(outer["dur"]),
               f"{each} is not inside of {outer}")
        nested += 1
    expect(nested >= 1, "no call is nested")
    for each in trace.slices:
        other = handled.get(each["args"]["span"])
        if other is not None:
            expect(other["args"]["trace"] == each["args"]["trace"], f"a call has two traces: {each} {other}")


def check_contents(trace, said):
    hosts = {name for name in trace.names.values() if name.startswith("host ")}
    expect(hosts == {"host host1", "host host2", "host host3"}, f"the hosts: {hosts}")
    programs = {name.rsplit(" ", 1)[0] for name in trace.names.values()}
    expect({"host1: binder_probe", "host2: binder_probe", "host3: binder_probe"} <= programs, f"the programs: {programs}")
    oneway = [each for each in trace.slices if each["args"]["oneway"] and each["cat"] == "handling"
              and trace.names[each["pid"]].startswith("host2:")]
    expect(len(oneway) >= 7, f"{len(oneway)} oneway calls were handled on the second host")
    failed = [each for each in trace.slices if "failed" in each["args"] and each["cat"] == "call"]
    expect(any("BR_DEAD_REPLY" in each["args"]["failed"] for each in failed), f"those that failed: {failed}")
    counters = {each["name"] for each in trace.by_phase["C"]}
    expect({"queue", "arena", "calls under way"} <= counters, f"counters: {counters}")
    clocks = {clock["host"]: clock["error_ns"] for clock in trace.other["clocks"]}
    expect(clocks == {"host1": 0, "host2": 0, "host3": 0}, f"one machine has one clock: {clocks}")
    expect("host2 has the clock of host1" in said, said)
    expect(any("interface" in each["args"] for each in trace.slices), "no interface has a name")


def check_monitor(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    expect(len(lines) == 1, f"one call was asked for: {lines}")
    call = json.loads(lines[0])
    expect(call["result"] in ("ok", "oneway") and call["failed"] is False, lines[0])
    expect(call["from"]["program"] == "binder_probe", f"the name of a program that may have ended: {lines[0]}")
    expect(isinstance(call["bytes"], str) and call["span"].startswith("0x"), lines[0])


def check_the_checks(trace, path):
    """The rules find what is wrong: planted faults."""
    def planted(change, check):
        spoilt = Trace(path)
        change(spoilt)
        if subprocess_fails(lambda: check(spoilt)):
            return
        fail(f"{check.__name__} has not found what was planted")

    planted(lambda spoilt: spoilt.by_phase["f"].pop(), check_arrows)
    planted(lambda spoilt: spoilt.slices[0].update(dur=-1), check_format)

    def stretch(spoilt):
        inner = next(each for each in spoilt.slices if "parent" in each["args"] and each["cat"] == "call")
        inner["dur"] += 1e7
    planted(stretch, check_nesting)


def subprocess_fails(check):
    try:
        with open("/dev/null", "w", encoding="utf-8") as nowhere:
            stderr, sys.stderr = sys.stderr, nowhere
            try:
                check()
            finally:
                sys.stderr = stderr
    except SystemExit:
        return True
    return False


def main():
    programs, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    tracer = "netbinder trace"
    if sys.argv[3:] == ["afar"]:
        tracer = f"env -u NETBINDER_SOCKET_2 -u NETBINDER_SOCKET_3 {tracer}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    run = subprocess.run([programs / "netbinder", "session", "--hosts", "3", "--", "timeout", "90", "bash", "-c", SCRIPT],
                         env=os.environ | {"PATH": f"{programs}:/usr/bin:/bin", "OUT": str(out), "TRACE": tracer}, capture_output=True, text=True,
                         check=False, timeout=100)
    expect(run.returncode == 0, f"{run.returncode}: {run.stdout}{run.stderr}")
    said = (out / "said").read_text(encoding="utf-8")
    trace = Trace(out / "trace.json")
    check_format(trace)
    check_nesting(trace)
    check_arrows(trace)
    check_traces(trace)
    check_contents(trace, said)
    check_monitor(out / "monitor.json")
    check_the_checks(trace, out / "trace.json")
    print(said, end="")


main()
