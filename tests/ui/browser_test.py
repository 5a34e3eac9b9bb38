# SPDX-License-Identifier: Apache-2.0
"""browser_test.py BIN-FOLDER PICTURE: a browser shows hosts, services, latencies and counters that change, and what has
become of them. The picture is kept."""
import os
import pathlib
import subprocess
import sys
import tempfile

from ui import Ui

from agents import TwoHosts, eventually

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "browser"))
import chromium  # noqa: E402: beside this folder
import png  # noqa: E402
from devtools import OpenPage  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from checks import expect  # noqa: E402

# Rows of a table as lists of texts.
ROWS = ("[...document.querySelectorAll('#%s tr')].slice(1).map(row => [...row.children].map(cell => cell.textContent))")
COUNT = ("(() => { const row = " + ROWS % "latency" + ".find(row => row[0] === 'examples.IHello' && "
         "row[2] === 'calls to other hosts'); return row ? Number(row[3]) : 0; })()")
SLOWEST = ROWS % "slowest"
CALLS = "document.querySelectorAll('#traffic b')[1].textContent"


def call(bin_folder, agent):
    tool = os.path.join(bin_folder, "netbinder")
    eventually("the service answers", lambda: agent.succeeds(tool, "service", "call", "hello", "1"))


def watch(page, bin_folder, hosts, server, picture):
    alpha, beta = hosts.agents
    page.until("it has looked twice", "Number(document.body.dataset.looks) >= 2")
    rows = page.until("the other host is there", "(() => { const rows = " + ROWS % "hosts" + "; return rows.length === 2 "
                      "&& rows[1][5].endsWith('µs') && rows; })()")
    expect(rows[0][:2] == ["beta", "this host"] and rows[1][:2] == ["alpha", "established"], f"hosts: {rows}")
    expect(rows[1][3] == "tcp+tls", f"transport: {rows}")
    service = page.until("the service is there", ROWS % "services" + ".find(row => row[0] === 'hello' && "
                         "row[1] === 'examples.IHello')")
    expect(service[2] == "alpha", f"services: {service}")
    expect(page.evaluate("document.getElementById('title').textContent") == "beta", "title")

    # Counters change while calls are made.
    call(bin_folder, beta)
    before = page.until("calls are timed", COUNT)
    call(bin_folder, beta)
    page.until("more calls are timed", f"{COUNT} > {before}")
    busy = subprocess.Popen(["sh", "-c", 'while "$@"; do :; done', "sh", os.path.join(bin_folder, "netbinder"), "run", "--",
                             os.path.join(bin_folder, "hello_client")], env=beta.environment(),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        page.until("there are calls", f"{CALLS} !== '0'")
        page.until("the curve has points", "document.querySelectorAll('#traffic polyline')[1].getAttribute('points')"
                   ".split(' ').length >= 3")
        shot = page.screenshot()
    finally:
        busy.terminate()
        busy.wait()
    pathlib.Path(picture).write_bytes(shot)  # for people
    colours = png.count_colours(shot)
    expect(len(colours) > 20, f"the picture has {len(colours)} colours")

    show_slowest(page, bin_folder, beta)

    server.terminate()
    server.wait()
    page.until("the service has gone", ROWS % "services" + ".every(row => row[0] !== 'hello')")
    page.until("there are no calls", f"{CALLS} === '0'")
    expect(page.errors == [], f"the page complains: {page.errors}")
    expect(page.evaluate("document.getElementById('problem').hidden"), "there is a problem")


def show_slowest(page, bin_folder, agent):
    """A call whose service sleeps for 700 ms is above one that is answered at once."""
    probe = os.path.join(bin_folder, "binder_probe")
    slow = agent.start(probe, "serve", "slow")
    try:
        eventually("the slow service answers", lambda: agent.succeeds(probe, "echo", "slow", "64"))
        expect(not agent.succeeds(probe, "call-until-dead", "slow", "700"), "the service has died")
        rows = page.until("the slow call is listed", f"(() => {{ const rows = {SLOWEST}; return rows.some(row => "
                          "row[4] === '10' && row[1].startsWith('binder_probe(')) && rows; })()")
    finally:
        slow.terminate()
        slow.wait()
    place = next(i for i, row in enumerate(rows) if row[4] == "10" and row[1].startswith("binder_probe("))
    _, caller, handler, _, _, took, result = rows[place]
    expect(caller != handler and handler.startswith("binder_probe("), f"who called whom: {rows[place]}")
    expect(result == "ok" and milliseconds(took) >= 700, f"how it ended: {rows[place]}")
    expect(len(rows) > place + 1 and milliseconds(rows[-1][5]) < milliseconds(took), f"the quick ones: {rows}")
    took = [milliseconds(row[5]) for row in rows]
    expect(took == sorted(took, reverse=True), f"they are not sorted: {rows}")
    expect(len(rows) <= 20, f"there are {len(rows)} of them")


def milliseconds(shown):
    value, unit = shown.split(" ")
    return float(value) * {"µs": 1e-3, "ms": 1, "s": 1e3}[unit]


def main():
    chromium.require()
    bin_folder, picture = sys.argv[1:]
    hosts = TwoHosts(bin_folder, metrics="latency = true\n")
    try:
        server = hosts.agents[0].start(os.path.join(bin_folder, "hello_server"))
        call(bin_folder, hosts.agents[1])
        ui = Ui(bin_folder, hosts.agents[1])
        try:
            with tempfile.TemporaryDirectory(prefix="browser.", ignore_cleanup_errors=True) as work, \
                    OpenPage(work, ui.url, (1200, 900)) as page:
                watch(page, bin_folder, hosts, server, picture)
                # It says what is wrong when the agent is gone, and shows no stale numbers as if they were new.
                agent = hosts.agents.pop()
                agent.stop()
                page.until("it says that the agent is gone", "!document.getElementById('problem').hidden && "
                           "document.getElementById('problem').textContent.includes('no agent answers')")
                expect(page.evaluate("document.body.classList.contains('stale')"), "the numbers look new")
        finally:
            ui.stop()
            server.terminate()
            server.wait()
    finally:
        hosts.stop()


main()
