# SPDX-License-Identifier: Apache-2.0
"""top_test.py BIN-FOLDER: netbinder top on a terminal, into a pipe, and without an agent."""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

from agents import Agent, Page, as_json_line, as_user, eventually

BIN = sys.argv.pop(1)
TOP = os.path.join(BIN, "netbinder")
BEGIN, END = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"


class Terminal:
    """A program on a terminal of its own, as its controlling one."""

    def __init__(self, arguments, environment, rows=24, columns=100):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.slave = slave
        self.before = termios.tcgetattr(slave)
        self.output = b""
        self.process = subprocess.Popen(arguments, env=environment, stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, what, count=1):
        deadline = time.monotonic() + 30
        while self.output.count(what) < count:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"{what} does not come: {self.output}")
            self.output += os.read(self.master, 65536)

    def type(self, keys):
        os.write(self.master, keys)

    def end(self):
        """Waits for the program's end; its status, and whether the terminal is as it was."""
        status = None
        deadline = time.monotonic() + 30
        while status is None and time.monotonic() < deadline:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                self.output += os.read(self.master, 65536)
            status = self.process.poll()
        if status is None:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not end: {self.output}")
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536)
        after = termios.tcgetattr(self.slave)
        restored = after == self.before and self.output.count(BEGIN) == self.output.count(END)
        os.close(self.slave)
        os.close(self.master)
        return status, restored


class Top(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = Agent(BIN, "alpha", "")
        cls.server = cls.agent.start(os.path.join(BIN, "hello_server"))
        eventually("the server's process is there", lambda: Page(cls.agent.metrics()).get(
            "netbinder_processes", context="binder") >= 2)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.agent.stop()

    def terminal(self, *arguments, **size):
        made = Terminal([TOP, "top", "--socket", self.agent.socket, *arguments],
                        self.agent.environment(), **size)
        made.read_until(b"hello_server")
        return made

    def test_ctrl_c_gives_the_terminal_back(self):
        terminal = self.terminal()
        self.assertTrue(terminal.output.startswith(BEGIN))
        terminal.type(b"\x03")
        self.assertEqual(terminal.end(), (0, True))

    def test_so_does_q(self):
        terminal = self.terminal()
        terminal.type(b"xq")
        self.assertEqual(terminal.end(), (0, True))

    def test_so_does_a_signal(self):
        terminal = self.terminal()
        terminal.process.send_signal(signal.SIGTERM)
        self.assertEqual(terminal.end(), (128 + signal.SIGTERM, True))

    def test_it_goes_on(self):
        terminal = self.terminal("--interval", "0.1")
        terminal.read_until(b"netbinder top: host alpha", count=3)
        terminal.type(b"q")
        self.assertEqual(terminal.end(), (0, True))

    def test_no_line_is_wider_than_the_terminal(self):
        terminal = self.terminal(rows=30, columns=72)
        shown = terminal.output.count(b"\x1b[J")
        terminal.resize(12, 40)  # which the program is told by a signal
        terminal.read_until(b"\x1b[J", count=shown + 1)
        page = terminal.output.split(b"\x1b[H")[-1].split(b"\x1b[J")[0].decode()
        for escape in ("\x1b[1m", "\x1b[0m", "\x1b[K"):
            page = page.replace(escape, "")
        lines = [line.rstrip("\r") for line in page.split("\n")]
        self.assertLessEqual(len(lines), 12)
        self.assertLessEqual(max(map(len, lines)), 40)
        terminal.type(b"q")
        self.assertEqual(terminal.end(), (0, True))

    def test_an_agent_that_goes_away_ends_it(self):
        agent = Agent(BIN, "beta", "")
        terminal = Terminal([TOP, "top", "--socket", agent.socket, "--interval", "0.1"],
                            agent.environment())
        terminal.read_until(b"host beta")
        agent.stop()
        self.assertEqual(terminal.end(), (1, True))
        self.assertIn(b"no agent answers", terminal.output)

    def run_top(self, *arguments):
        return subprocess.run([TOP, "top", "--socket", self.agent.socket, *arguments],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def test_once_prints_a_page(self):
        done = self.run_top("--once", "--interval", "0.1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("host alpha", done.stdout)
        self.assertIn("hello_server", done.stdout)
        self.assertNotIn("\x1b", done.stdout)

    def test_rates_are_of_the_time_between_looks(self):
        watched = subprocess.Popen([TOP, "top", "--socket", self.agent.socket, "--json", "--interval", "0.2"],
                                   stdout=subprocess.PIPE, text=True)
        try:
            for _ in range(200):
                self.agent.run(os.path.join(BIN, "hello_client"))
                page = json.loads(watched.stdout.readline())
                if page["calls_per_second"]["local"] > 0:
                    break
            self.assertGreater(page["calls_per_second"]["local"], 0)
            self.assertEqual(page["host"], "alpha")
            server = [each for each in page["processes"] if each["pid"] == self.server.pid]
            self.assertEqual(len(server), 1)
            self.assertEqual(server[0]["program"], "hello_server")
            binder = [each for each in page["contexts"] if each["name"] == "binder"]
            self.assertGreaterEqual(binder[0]["processes"], 1)
        finally:
            watched.terminate()
            watched.wait()
            watched.stdout.close()

    def test_a_user_sees_his_own_programs(self):
        os.chmod(self.agent.admin, 0o666)
        seen = as_user(65534, lambda: json.dumps(as_json_line(self.agent.unix(), {"command": "loads"})))
        self.assertEqual(json.loads(seen), {"processes": []})
        of_root = as_json_line(self.agent.unix(), {"command": "loads"})["processes"]
        self.assertIn(self.server.pid, [each["pid"] for each in of_root])

    def test_exit_statuses(self):
        self.assertEqual(subprocess.run([TOP, "top", "--socket", "/nowhere", "--once"],
                                        capture_output=True).returncode, 1)
        self.assertEqual(self.run_top("--interval", "0").returncode, 2)


if __name__ == "__main__":
    unittest.main()
