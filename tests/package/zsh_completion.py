#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""zsh_completion.py FOLDER: types into a zsh that finds FOLDER's _netbinder, and reads what it shows."""
import os
import pty
import re
import select
import sys
import tempfile
import time

TIMEOUT_S = 60


class Zsh:
    def __init__(self, folder, home):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME=home, ZDOTDIR=home, TERM="dumb", LC_ALL="C.UTF-8", COLUMNS="200")
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.shown = ""
        self.run(f"unsetopt ZLE_BRACKETED_PASTE 2>/dev/null; fpath=({folder} $fpath)")
        self.run("autoload -Uz compinit && compinit -u -d ~/dump; LISTMAX=1000; setopt NO_BEEP")

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def wait_for(self, pattern):
        """Everything that has been shown, once it has this in it."""
        end = time.monotonic() + TIMEOUT_S
        while not re.search(pattern, self.shown, re.S):
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            if not ready:
                sys.exit(f"FAILED: zsh has not shown {pattern!r} but {self.shown!r}")
            self.shown += os.read(self.terminal, 65536).decode(errors="replace")
        return self.shown

    def run(self, line):
        self.shown = ""
        self.type(line + "; print done-$((6 * 7))\n")
        self.wait_for("done-42")

    def completed(self, line, *expected):
        """What is shown after a tab behind `line`; each of `expected` is in it."""
        self.shown = ""
        self.type(line + "\t")
        for each in expected:
            self.wait_for(each)
        shown = self.shown
        self.type("\x03")  # another line
        self.run(":")
        return shown


def main():
    with tempfile.TemporaryDirectory() as home:
        zsh = Zsh(sys.argv[1], home)
        shown = zsh.completed("netbinder se", r"session\s+-- start private agents",
                              r"service\s+-- ask the service manager")
        if "status" in shown:
            sys.exit(f"FAILED: 'se' is no beginning of status: {shown!r}")
        zsh.completed("netbinder service li", "service list ")  # the only one: it is typed
        zsh.completed("netbinder session --transport ", "rdma", "tcp")
        zsh.completed("netbinder service wait --t", "--timeout")
        zsh.completed("netbinder run -- print", "printf")
        zsh.type("exit\n")
        os.waitpid(zsh.pid, 0)
    print("zsh_completion: passed")


if __name__ == "__main__":
    main()
