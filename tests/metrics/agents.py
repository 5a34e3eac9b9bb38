# SPDX-License-Identifier: Apache-2.0
"""Agents for tests: netbinderd in a folder of its own, HTTP to it, and its page of metrics."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from reserved_ports import numbers_of, reserve_ports

PATIENCE_S = 60


class Folder:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="netbinder-metrics-")
        os.chmod(self.path, 0o755)  # other users' programs come to the sockets

    def __truediv__(self, name):
        return os.path.join(self.path, name)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


RESERVED = []  # until the test ends


def reserved_ports(count):
    made = reserve_ports(count)
    RESERVED.extend(made)
    return numbers_of(made)


def eventually(what, is_so):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        got = is_so()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.01)


class Agent:
    def __init__(self, bin_folder, name, settings):
        self.bin = bin_folder
        self.folder = Folder()
        self.socket = self.folder / "agent.sock"
        self.admin = self.socket + ".admin"
        with open(self.folder / "agent.toml", "w") as file:
            file.write(f'host = "{name}"\nsocket = "{self.socket}"\nuser = "root"\n{settings}')
        self.log = self.folder / "log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [os.path.join(bin_folder, "netbinderd"), "--config", self.folder / "agent.toml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            eventually("the agent serves", self._serves)
        except AssertionError:
            self.stop()
            raise

    def _serves(self):
        if self.process.poll() is not None:
            raise AssertionError("netbinderd has ended:\n" + self.log_text())
        return "serving" in self.log_text()

    def log_text(self):
        with open(self.log) as file:
            return file.read()

    def stop(self):
        self.process.terminate()
        status = self.process.wait(PATIENCE_S)
        text = self.log_text()
        self.folder.remove()
        if status != 0:
            raise AssertionError(f"netbinderd ended with status {status}:\n{text}")

    def environment(self):
        made = {key: value for key, value in os.environ.items()
                if not key.startswith("NETBINDER_") and key != "LD_PRELOAD"}
        made["NETBINDER_SOCKET"] = self.socket
        return made

    def run(self, *command, **options):
        """Runs a program of this host to its end."""
        return subprocess.run([os.path.join(self.bin, "netbinder"), "run", "--", *command],
                              env=self.environment(), check=True, capture_output=True, text=True,
                              timeout=PATIENCE_S, **options).stdout

    def succeeds(self, *command):
        """Whether a program of this host ends with status 0."""
        return subprocess.run([os.path.join(self.bin, "netbinder"), "run", "--", *command], env=self.environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=PATIENCE_S).returncode == 0

    def start(self, *command):
        return subprocess.Popen([os.path.join(self.bin, "netbinder"), "run", "--", *command],
                                env=self.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL)

    def unix(self):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(PATIENCE_S)
        made.connect(self.admin)
        return made

    def metrics(self):
        status, _, page = get(self.unix(), "/metrics")
        assert status == 200, page
        return page


def tcp(port):
    made = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    return made


def read_all(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def exchange(connection, request):
    """What comes back until the other end hangs up: status, headers, body."""
    connection.sendall(request)
    answer = read_all(connection)
    connection.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    match = re.fullmatch(r"HTTP/1\.1 (\d+) .*", lines[0])
    assert match, answer
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(match[1]), headers, body.decode()


def get(connection, path, method="GET"):
    return exchange(connection, f"{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Page:
    """The samples of a page: {name: {labels as a sorted tuple: value}}."""

    def __init__(self, text):
        self.types = {}
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in self.types, f"{name} is there twice"
                self.types[name] = kind
            elif not line.startswith("#"):
                match = SAMPLE.fullmatch(line)
                assert match, line
                labels = tuple(sorted(LABEL.findall(match[2] or "")))
                of_name = self.samples.setdefault(match[1], {})
                assert labels not in of_name, line
                of_name[labels] = float(match[3])

    def value(self, name, **labels):
        return self.samples[name][tuple(sorted(labels.items()))]

    def get(self, name, default=0, **labels):
        return self.samples.get(name, {}).get(tuple(sorted(labels.items())), default)


def certificates(bin_folder, folder, hosts):
    """An authority and certificates in that folder."""
    tool = os.path.join(bin_folder, "netbinder")
    subprocess.run([tool, "certs", "init", folder.path], check=True, capture_output=True)
    for host in hosts:
        subprocess.run([tool, "certs", "host", host, "--folder", folder.path], check=True,
                       capture_output=True)


class TwoHosts:
    """Two agents with mutual TLS, each with [metrics] on a port."""

    def __init__(self, bin_folder, settings="", metrics="", more=""):
        self.certificates = Folder()
        certificates(bin_folder, self.certificates, ["alpha", "beta"])
        link_a, link_b, *self.ports = reserved_ports(4)
        common = (f'[[hosts]]\nname = "alpha"\naddress = "127.0.0.1:{link_a}"\n'
                  f'[[hosts]]\nname = "beta"\naddress = "127.0.0.1:{link_b}"\n')
        self.agents = []
        for name, port in zip(["alpha", "beta"], self.ports):
            tls = "".join(f'{key} = "{self.certificates / file}"\n' for key, file in
                          [("certificate", name + ".pem"), ("key", name + ".key"), ("ca", "ca.pem")])
            self.agents.append(Agent(
                bin_folder, name,
                f'{settings}\n{common}[tls]\n{tls}[metrics]\nlisten = "127.0.0.1:{port}"\n{metrics}{more}'))
        eventually("both hosts have a session", lambda: all(
            Page(agent.metrics()).value("netbinder_hosts_connected") == 2 for agent in self.agents))

    def stop(self):
        try:
            for agent in self.agents:
                agent.stop()
        finally:
            self.certificates.remove()


def as_user(uid, function):
    """What a function of no arguments gives back, as text, in a child that is that user."""
    assert os.geteuid() == 0, "this test has to be run as root"
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            with open(writer, "w") as out:
                out.write(function())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with open(reader) as text:
        got = text.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, got
    return got


def as_json_line(connection, request):
    connection.sendall(json.dumps(request).encode() + b"\n")
    line = b""
    while not line.endswith(b"\n"):
        part = connection.recv(65536)
        assert part, "the agent hung up"
        line += part
    connection.close()
    return json.loads(line)
