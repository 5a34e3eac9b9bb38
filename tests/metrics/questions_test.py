#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""questions_test.py BIN: a host that asks another one much is told to wait, and nobody else is."""
import sys

from agents import TwoHosts, as_json_line, eventually

REFUSAL = "too many questions of this host"


def status(asked, **of):
    return as_json_line(asked.unix(), {"command": "status"} | of)


def main():
    hosts = TwoHosts(sys.argv[1])
    try:
        alpha, beta = hosts.agents
        # One every 50 ms is answered: only if each of them took that long would none be refused.
        answered = 0
        while "error" not in (answer := status(alpha, host="beta")):
            assert answer["host"] == "beta", answer
            answered += 1
            assert answered < 20_000, "as many as it likes"
        assert answer["error"] == REFUSAL, answer
        assert answered >= 64, f"refused after {answered}"

        assert status(beta)["host"] == "beta"
        assert "error" not in status(beta, host="alpha"), "the other direction has its own"
        assert status(alpha)["host"] == "alpha"
        eventually("it is answered again", lambda: "error" not in status(alpha, host="beta"))
    finally:
        hosts.stop()


main()
