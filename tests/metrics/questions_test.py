#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""questions_test.py BIN: a host that asks another one much is told to wait, and nobody else is."""
import json
import sys

from agents import TwoHosts, eventually

REFUSAL = "too many questions of this host"


class Admin:
    """A connection to an agent's admin socket: one question after another."""

    def __init__(self, agent):
        self._socket = agent.unix()
        self._lines = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._lines.close()
        self._socket.close()

    def ask(self, **request):
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(self._lines.readline())


def main():
    hosts = TwoHosts(sys.argv[1])
    try:
        alpha, beta = hosts.agents
        with Admin(alpha) as here, Admin(beta) as there:
            # One every 50 ms is answered: only if each of them took that long would none be refused.
            answered = 0
            while "error" not in (answer := here.ask(command="status", host="beta")):
                assert answer["host"] == "beta", answer
                answered += 1
                assert answered < 20_000, "as many as it likes"
            assert answer["error"] == REFUSAL, answer
            assert answered >= 64, f"refused after {answered}"

            assert there.ask(command="status")["host"] == "beta"
            assert "error" not in there.ask(command="status", host="alpha"), "the other direction has its own"
            assert here.ask(command="status")["host"] == "alpha"
            eventually("it is answered again", lambda: "error" not in here.ask(command="status", host="beta"))
    finally:
        hosts.stop()


main()
