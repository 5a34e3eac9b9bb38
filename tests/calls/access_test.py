#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""access_test.py BIN: who may have calls recorded, for how long, and that it ends by itself; and who on another host. Needs
root, for a program of another user."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from checks import expect  # noqa: E402: beside this folder

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "metrics"))
from agents import TwoHosts  # noqa: E402

OTHER_UID = 4711


def ask(path, request):
    """The answer, and how many descriptors came with it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
        agent.connect(path)
        agent.sendall(json.dumps(request).encode() + b"\n")
        answer, count = b"", 0
        while not answer.endswith(b"\n"):
            more, rights, _, _ = socket.recv_fds(agent, 4096, 4)
            expect(more, f"the agent hung up: {answer}")
            answer += more
            count += len(rights)
            for fd in rights:
                os.close(fd)
        return json.loads(answer), count


def as_another_user(path, request):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setresgid(OTHER_UID, OTHER_UID, OTHER_UID)
        os.setgroups([])
        os.setresuid(OTHER_UID, OTHER_UID, OTHER_UID)
        os.write(writing, json.dumps(ask(path, request)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return json.loads(os.read(reading, 65536))


def inside():
    socket_path = os.environ["NETBINDER_SOCKET"] + ".admin"
    os.chmod(os.path.dirname(socket_path), 0o755)  # it is the access on the agent's word that is tried
    os.chmod(socket_path, 0o666)
    request = {"command": "record_calls", "seconds": 1}
    answer, count = as_another_user(socket_path, request)
    expect("only root and the agent's user" in answer.get("error", "") and count == 0, f"another user: {answer} {count}")
    expect(ask(socket_path, {"command": "status"})[0]["records_calls"] is False, "it records for another user")
    for seconds in (0, 61, "1", 1.5, None):
        answer, count = ask(socket_path, {"command": "record_calls", "seconds": seconds})
        expect("from 1 to 60" in answer.get("error", "") and count == 0, f"{seconds} seconds: {answer}")
    records = False
    while not records:
        began = time.monotonic()
        answer, count = ask(socket_path, request)
        expect(answer.get("ring_version", 0) >= 1 and count == 1, f"root: {answer} {count}")
        records = ask(socket_path, {"command": "status"})[0]["records_calls"] is True
        # Beside other programs the second may be over already.
        expect(records or time.monotonic() - began >= 1, "it does not record")
    deadline = time.monotonic() + 60
    while ask(socket_path, {"command": "status"})[0]["records_calls"]:
        expect(time.monotonic() < deadline, "it does not end by itself")
        time.sleep(0.05)


def from_another_host(programs):
    """Root of another host is nobody here, as nothing says otherwise."""
    hosts = TwoHosts(str(programs))
    try:
        alpha, beta = hosts.agents
        answer, count = ask(alpha.admin, {"command": "recorded_calls", "host": "beta"})
        expect("only root and the agent's user" in answer.get("error", "") and count == 0, f"alpha's root: {answer}")
        expect(ask(beta.admin, {"command": "status"})[0]["records_calls"] is False, "it records for another host's root")
        answer, _ = ask(beta.admin, {"command": "recorded_calls", "host": "beta"})
        expect(answer.get("host_name") == "beta" and answer["entries"] == "", f"beta's root: {answer}")
        for wrong in ({"recording": 7, "since": 0}, {"recording": "x"}, {"recording": "x", "since": -1}):
            answer, _ = ask(beta.admin, {"command": "recorded_calls"} | wrong)
            expect("as an answer has told them" in answer.get("error", ""), f"{wrong}: {answer}")
        monitor = subprocess.run([programs / "netbinder", "monitor", "--host", "beta", "--seconds", "1"], env=alpha.environment(),
                                 capture_output=True, text=True, check=False, timeout=60)
        expect(monitor.returncode == 1 and "beta: the agent refuses: only root" in monitor.stderr, f"monitor: {monitor}")
    finally:
        hosts.stop()


def main():
    if len(sys.argv) == 1:
        return inside()
    if os.geteuid() != 0:
        print("CANNOT RUN: only root can be another user. Nothing was tested", file=sys.stderr)
        sys.exit(1)
    programs = pathlib.Path(sys.argv[1])
    run = subprocess.run([programs / "netbinder", "session", "--", sys.executable, "-B", __file__], capture_output=True,
                         text=True, check=False, timeout=90)
    expect(run.returncode == 0, f"{run.returncode}: {run.stdout}{run.stderr}")
    from_another_host(programs)


main()
