# SPDX-License-Identifier: Apache-2.0
"""`netbinder ui` of an agent, for tests."""
import os
import pathlib
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "metrics"))
from agents import PATIENCE_S  # noqa: E402: beside this folder


class Ui:
    def __init__(self, bin_folder, agent, *options):
        self.process = subprocess.Popen(
            [os.path.join(bin_folder, "netbinder"), "ui", "--listen", "127.0.0.1:0", *options],
            env=agent.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"netbinder ui has ended: {self.process.wait()}"
        self.port = urllib.parse.urlsplit(self.url).port

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        assert status == 0, f"netbinder ui ended with {status}"
