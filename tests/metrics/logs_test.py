# SPDX-License-Identifier: Apache-2.0
"""logs_test.py BIN-FOLDER: the agent's log as text, as JSON and in the journal; levels of components,
changed while it runs. Needs root, for a mount namespace with a journal of its own."""
import ctypes
import json
import os
import re
import socket
import subprocess
import sys
import unittest

from agents import Agent, TwoHosts, as_json_line, eventually

BIN = sys.argv.pop(1)
CLONE_NEWNS = 0x20000


def records(agent):
    """Those that are whole; whoever logs does not wait until they are written."""
    text = agent.log_text()
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def reload(agent, settings):
    with open(agent.folder / "agent.toml") as file:
        text = file.read().partition("\n[log]")[0]
    with open(agent.folder / "agent.toml", "w") as file:
        file.write(text + "\n[log]\n" + settings)
    return as_json_line(agent.unix(), {"command": "reload"})


class Logs(unittest.TestCase):
    def test_text_has_level_and_message(self):
        agent = Agent(BIN, "alpha", "\n[log]\n")
        try:
            line = r"(?m)^\d{4}-\d\d-\d\d [\d:.]+ netbinderd\[\d+\] info: serving alpha at .*\n"
            eventually("the line is there", lambda: re.search(line, agent.log_text()))
        finally:
            agent.stop()

    def test_json_is_an_object_a_line(self):
        agent = Agent(BIN, "alpha", '\n[log]\nformat = "json"\n')
        try:
            serving = eventually("it is logged that it serves", lambda: [
                each for each in records(agent) if each["message"].startswith("serving alpha")])
            self.assertEqual(len(serving), 1)
            self.assertEqual({key: serving[0][key] for key in ("level", "component", "program", "pid")},
                             {"level": "info", "component": "agent", "program": "netbinderd",
                              "pid": agent.process.pid})
            self.assertRegex(serving[0]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d$")
        finally:
            agent.stop()

    def test_components_have_levels_that_a_reload_changes(self):
        agent = Agent(BIN, "alpha", '\n[log]\nformat = "json"\n')
        try:
            answer = reload(agent, 'format = "json"\nfilter = "programs=debug"\n')
            self.assertEqual(answer, {"changed": ["log.filter"], "needs_restart": []})
            subprocess.run([os.path.join(BIN, "netbinder"), "run", "--", os.path.join(BIN, "netbinder"),
                            "service", "list", "--names"], env=agent.environment(), check=True,
                           stdout=subprocess.DEVNULL)
            eventually("the end of a process is logged", lambda: any(
                each["message"].endswith(" ends") for each in records(agent)))
            debug = [each for each in records(agent) if each["level"] == "debug"]
            self.assertEqual({each["component"] for each in debug}, {"programs"})
            opened = [each for each in debug if " opens binder: process " in each["message"]]
            self.assertEqual(len(opened), 1)

            reload(agent, 'format = "json"\nfilter = "config=debug,programs=off"\n')
            eventually("the change is logged", lambda: any(
                'log.filter is "config=debug,programs=off" now' == each["message"]
                for each in records(agent)))
            # A mistake changes nothing.
            self.assertIn("there is no component", reload(agent, 'filter = "x=debug"\n')["error"])
        finally:
            agent.stop()

    def test_the_agent_tells_who_connects_and_what_it_spends(self):
        agent = Agent(BIN, "alpha", '\n[log]\nformat = "json"\nfilter = "agent=trace"\n')
        try:
            as_json_line(agent.unix(), {"command": "status"})
            agent.metrics()
            for level, what in (("debug", r"incarnation [0-9a-f]{16}; a wake-up takes \d+ ns here, .*"),
                                ("debug", r"uid 0 connects to the admin socket"),
                                ("trace", r"a page of metrics of \d{4,} bytes has taken \d+ us of the loop, "
                                          r"for 1 readers")):
                found = eventually(what, lambda: [
                    each for each in records(agent) if re.fullmatch(what, each["message"])])
                self.assertEqual({(each["component"], each["level"]) for each in found}, {("agent", level)})
        finally:
            agent.stop()

    def test_descriptors_between_hosts_are_told(self):
        hosts = TwoHosts(BIN, settings='log_level = "info"', more='[log]\nfilter = "files=trace"\n')
        try:
            alpha, beta = hosts.agents
            server = alpha.start(os.path.join(BIN, "hello_server"))
            tool = os.path.join(BIN, "netbinder")
            eventually("the service is found", lambda: beta.succeeds(tool, "interface", "hello"))
            with open(beta.folder / "passed", "w") as file:
                file.write("12345")
            reader, writer = os.pipe()
            # The service takes no descriptors, which its host says when these have come there.
            beta.succeeds(tool, "service", "call", "hello", "1", "file", beta.folder / "passed")
            subprocess.run([tool, "run", "--", tool, "cmd", "hello", "x"], env=beta.environment(),
                           stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            os.close(reader)
            os.close(writer)
            for agent, what in ((beta, r"debug: a thread begins for descriptors of uid 0"),
                                (beta, r"trace: descriptor 1 to host 1: the content of a file, 5 bytes"),
                                (alpha, r"trace: descriptor 1 from host 2: the content of a file, 5 bytes"),
                                (beta, r"trace: descriptor \d+ to host 1: a pipe is relayed from now on"),
                                (alpha, r"trace: descriptor \d+ from host 2: a pipe is relayed from now on"),
                                (beta, r"trace: descriptor \d+ to host 1 is relayed no more")):
                eventually(what, lambda: re.search(f"(?m){what}$", agent.log_text()))
            server.terminate()
            server.wait()
        finally:
            hosts.stop()

    def test_format_changes_by_a_reload(self):
        agent = Agent(BIN, "alpha", "\n[log]\n")
        try:
            reload(agent, 'format = "json"\n')
            eventually("there is a record of the reload", lambda: any(
                "log.format" in json.loads(line)["message"]
                for line in agent.log_text().splitlines(keepends=True)
                if line.startswith("{") and line.endswith("}\n")))
        finally:
            agent.stop()

    def test_edges_of_links_and_claims_are_at_debug(self):
        hosts = TwoHosts(BIN, settings='log_level = "debug"\n[[context]]\nname = "binder"\n'
                                       'service_manager = "builtin-until-claimed"')
        try:
            alpha, beta = hosts.agents
            for what in (r"debug: connected with host \d '(alpha|beta)' at 127\.0\.0\.1:",
                         r"debug: host \d '(alpha|beta)' has connected from 127\.0\.0\.1:"):
                eventually(what, lambda: re.search(what, alpha.log_text() + beta.log_text()))
            manager = beta.start(os.path.join(BIN, "service_manager"))
            try:
                eventually("the arbiter has been asked", lambda: (
                    "from host beta: uid 0 claims context binder" in alpha.log_text()))
                eventually("it has answered", lambda: (
                    "from host alpha: the claim of context binder is granted" in beta.log_text()))
            finally:
                manager.terminate()
                manager.wait()
            for agent in hosts.agents:
                self.assertNotIn(" trace: ", agent.log_text())
        finally:
            hosts.stop()


class Journal(unittest.TestCase):
    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "this test has to be run as root")

    def test_records_have_fields(self):
        # In a namespace of its own, where /run has nothing but this test's journal.
        libc = ctypes.CDLL(None, use_errno=True)
        self.assertEqual(libc.unshare(CLONE_NEWNS), 0, os.strerror(ctypes.get_errno()))
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)

        agent = Agent(BIN, "alpha", '\n[log]\nformat = "journal"\n')
        try:
            self.assertIn("there is no journal here", agent.log_text())
            os.makedirs("/run/systemd/journal")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
                journal.settimeout(30)
                journal.bind("/run/systemd/journal/socket")
                as_json_line(agent.unix(), {"command": "reload"})
                fields = {}
                while not fields.get("MESSAGE", "").startswith("the configuration was read again"):
                    fields = dict(line.split("=", 1) for line in journal.recv(65536).decode().splitlines())
                self.assertEqual(fields["PRIORITY"], "6")
                self.assertEqual(fields["NETBINDER_COMPONENT"], "config")
                self.assertEqual(fields["SYSLOG_IDENTIFIER"], "netbinderd")
                # A journal that takes nothing keeps nobody from being served.
                for _ in range(200):
                    as_json_line(agent.unix(), {"command": "reload"})
                self.assertEqual(as_json_line(agent.unix(), {"command": "status"})["host"], "alpha")
        finally:
            agent.stop()


if __name__ == "__main__":
    unittest.main()
