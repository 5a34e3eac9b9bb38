# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of a call of 64 bytes in each part of netbinder: {"agent.local": 7400, …}.

THE RULE. What a call makes a part do is counted, and nothing else: neither looking for work, nor waiting, nor
turns in vain, which depend on the machine. So these are the instructions
  - of the core: all of a program that calls through it (bench/core_calls.cc);
  - of the shim: below ioctl_binder, without what is below MailboxLease::wait;
  - of an agent: below its ENTRANCES, where its loop has found something to do.
Agents and programs look for so long that they do not sleep between calls: waking costs instructions as well, and
who has to be woken depends on the machine. Each is the difference of two runs, of few calls and of many, divided by how many more they were: so what begins
and ends with a program does not count. Instructions of the kernel are not seen by callgrind.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from callgrind import Profile
from reserved_ports import numbers_of, reserve_ports

FEW, MANY = 100, 600
PATIENCE_S = 120
LOOK_US = 1_000_000  # under callgrind calls are slow, and nobody is to fall asleep between them

# The calls by which an agent begins to work: caller and callee, and how often each happens for a call.
LOCAL_ENTRANCES = {
    ("ClientChannel::handle_requests", "ClientChannel::handle_mailbox"): 1.5,
    ("ProgramChannels::serve_hot", "NodeHost::after_event"): 1,
    ("ProgramChannels::serve_hot", "NodeHost::flush"): 0.5,
}
HOSTS_ENTRANCES = {
    ("ClientChannel::handle_requests", "ClientChannel::handle_mailbox"): 0.9,
    ("ProgramChannels::serve_hot", "NodeHost::after_event"): 0.9,
    ("ProgramChannels::serve_hot", "NodeHost::flush"): 0.9,
    ("EventLoop::run", "NodeHost::flush"): 0.5,
    ("Connection::read", "Connection::read_bytes"): 0.9,
    ("Connection::poll", "PeerLink::settle"): 0.9,
}


class CannotCount(Exception):
    pass


def agent_instructions(few, many, entrances):
    calls = MANY - FEW
    total = 0
    for (caller, callee), least in entrances.items():
        before, after = few.edge(caller, callee), many.edge(caller, callee)
        if after[0] - before[0] < least * calls:
            raise CannotCount(f"{caller} has called {callee} {after[0] - before[0]} times in {calls} calls: is that "
                              "still an entrance? See ENTRANCES in tests/instructions/count.py")
        total += after[1] - before[1]
    return total / calls


def shim_instructions(few, many):
    def below(profile):
        ioctls, waits = profile.into("ioctl_binder"), profile.into("MailboxLease::wait")
        return ioctls[0], waits[0], ioctls[1] - waits[1]

    before, after = below(few), below(many)
    calls = MANY - FEW
    if after[0] - before[0] < 0.9 * calls or after[1] - before[1] < 0.9 * calls:
        raise CannotCount("the shim's ioctl_binder and MailboxLease::wait are not seen for each call: see "
                          "tests/instructions/count.py")
    return (after[2] - before[2]) / calls


class Programs:
    """Programs that run under callgrind, or not, and are ended with this object."""

    def __init__(self, bin_folder, lib_folder, work):
        self.bin, self.lib, self.work = bin_folder, lib_folder, work
        self._running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self._running:
            program.kill()
            program.wait()

    def _words(self, name, words, counted):
        if not counted:
            return words
        return ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={self.work / name}.out", *words]

    def start(self, name, words, environment=None, counted=True):
        with open(self.work / f"{name}.log", "wb") as log:
            program = subprocess.Popen(self._words(name, words, counted), stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, env={**os.environ, **(environment or {})})
        program.name = name
        self._running.append(program)
        return program

    def log(self, name):
        return (self.work / f"{name}.log").read_text(errors="replace")

    def wait(self, program, wanted):
        try:
            status = program.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise CannotCount(f"{program.name} does not end") from None
        if status not in wanted:
            raise CannotCount(f"{program.name} ended with {status}: {self.log(program.name)}")
        self._running.remove(program)

    def stop(self, program):
        program.send_signal(signal.SIGTERM)
        self.wait(program, {0, -signal.SIGTERM})

    def until(self, what, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            ended = [program.name for program in self._running if program.poll() is not None]
            if ended:
                raise CannotCount(f"{ended[0]} has ended before {what}: {self.log(ended[0])}")
            if time.monotonic() > deadline:
                raise CannotCount(f"not in time: {what}")
            time.sleep(0.01)

    def start_agent(self, host, hosts, counted):
        """`hosts`: name and port of each."""
        config = [f'host = "{host}"', 'cluster = "count"', f'socket = "{self.work}/{host}.sock"', 'transport = "tcp"',
                  f'cluster_key = "{self.work}/cluster.key"', 'log_level = "error"', f"busy_poll_us = {LOOK_US}",
                  "[[context]]", 'name = "binder"', 'service_manager = "none"']
        for name, port in hosts.items():
            config += ["[[hosts]]", f'name = "{name}"', f'address = "127.0.0.1:{port}"']
        file = self.work / f"{host}.toml"
        file.write_text("\n".join(config) + "\n")
        agent = self.start(host, [self.bin / "netbinderd", "--config", file], counted=counted)
        self.until("the agent listens", (self.work / f"{host}.sock").is_socket)
        return agent

    def start_program(self, name, words, host, counted):
        # Calls that go around the C library are not followed: callgrind does not know how that is done.
        return self.start(name, [self.bin / "calls", *words], counted=counted,
                          environment={"LD_PRELOAD": str(self.lib / "libnetbinder-shim.so"), "NETBINDER_TRAP": "0",
                                       "NETBINDER_SOCKET": str(self.work / f"{host}.sock")})


def run_calls(folders, work, hosts, count):
    """Profiles by name: of the agents between hosts, and of the programs as well on one host."""
    work.mkdir()
    local = len(hosts) == 1
    client_host, server_host = hosts[-1], hosts[0]
    reserved = [] if local else reserve_ports(len(hosts))
    ports = dict(zip(hosts, numbers_of(reserved)))
    with Programs(*folders, work) as programs:
        agents = [programs.start_agent(host, ports, counted=True) for host in hosts]
        server = programs.start_program("server", ["serve"], server_host, counted=local)
        programs.until("the server serves", lambda: "serving" in programs.log("server"))
        client = programs.start_program("client", ["call", str(count)], client_host, counted=local)
        programs.wait(client, {0})
        for program in [server, *agents]:
            programs.stop(program)
    return {name: Profile(work / f"{name}.out") for name in [*hosts, *(["server", "client"] if local else [])]}


def core_instructions(folders, work, mode):
    totals = []
    for count in (FEW, MANY):
        with Programs(*folders, work) as programs:
            name = f"core-{mode}-{count}"
            programs.wait(programs.start(name, [programs.bin / "core_calls", mode, str(count)]), {0})
            totals.append(Profile(work / f"{name}.out").total)
    return (totals[1] - totals[0]) / (MANY - FEW)


def at_nice_value_zero():
    """A server of another nice value has its priority changed for each call and back, as the driver's rules are."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        raise CannotCount(f"the nice value is {os.nice(0)}, and this user may not make it 0") from None


def count_all(bin_folder, lib_folder, work):
    folders = (pathlib.Path(bin_folder).resolve(), pathlib.Path(lib_folder).resolve())
    work = pathlib.Path(work)
    at_nice_value_zero()
    counts = {f"core.{mode}": core_instructions(folders, work, mode) for mode in ("local", "hosts")}
    few, many = (run_calls(folders, work / f"local-{n}", ["agent"], n) for n in (FEW, MANY))
    counts["agent.local"] = agent_instructions(few["agent"], many["agent"], LOCAL_ENTRANCES)
    counts["shim.client"] = shim_instructions(few["client"], many["client"])
    counts["shim.server"] = shim_instructions(few["server"], many["server"])
    few, many = (run_calls(folders, work / f"hosts-{n}", ["home", "caller"], n) for n in (FEW, MANY))
    counts["agent.hosts.caller"] = agent_instructions(few["caller"], many["caller"], HOSTS_ENTRANCES)
    counts["agent.hosts.home"] = agent_instructions(few["home"], many["home"], HOSTS_ENTRANCES)
    return {name: round(count) for name, count in counts.items()}
