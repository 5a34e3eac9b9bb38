#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser_test.py TRACE: a browser reads the file and draws all of it: every slice on the track of its thread, every arrow
between two of them, every counter. The picture is kept beside the file. The same finds nothing in a trace without events."""
import html
import json
import pathlib
import re
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "browser"))
import chromium  # noqa: E402: beside this folder
import png  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from checks import expect  # noqa: E402

SIZE = (1400, 1000)
COLOURS = {"call": (31, 119, 180), "handling": (44, 160, 44), "arrow": (214, 39, 40)}


def page_of(work, text):
    viewer = (pathlib.Path(__file__).parent / "drawn_trace.html").read_text(encoding="utf-8")
    page = work / "page.html"
    page.write_text(viewer.replace(">TRACE<", ">" + text.replace("</", "<\\/") + "<"), encoding="utf-8")
    return page


def look(work, text):
    page = page_of(work, text)
    found = re.search(r'<pre id="seen">(.*?)</pre>', chromium.show(work, page, SIZE, "--dump-dom"), re.S)
    expect(found, "the page's script has not run")
    shot = work / "shot.png"
    chromium.show(work, page, SIZE, f"--screenshot={shot}", "--hide-scrollbars")
    return json.loads(html.unescape(found.group(1))), png.count_colours(shot.read_bytes()), shot


def main():
    chromium.require()
    path = pathlib.Path(sys.argv[1])
    text = path.read_text(encoding="utf-8")
    events = json.loads(text)["traceEvents"]
    with tempfile.TemporaryDirectory(prefix="browser.") as work_name:
        work = pathlib.Path(work_name)
        seen, colours, shot = look(work, text)
        shutil.copy(shot, path.with_suffix(".png"))  # for people
        slices = [event for event in events if event["ph"] == "X"]
        arrows = [event for event in events if event["ph"] == "s"]
        expect(len(seen["slices"]) == len(slices) > 0, f"{len(seen['slices'])} of {len(slices)} slices")
        expect(all(each["width"] >= 1 and each["left"] >= 0 for each in seen["slices"]), "a slice is not on the page")
        expect(seen["arrows"] == seen["lines"] == len(arrows) > 0, f"{seen['arrows']} of {len(arrows)} arrows")
        expect(seen["tracks"] == len({(each["pid"], each["tid"]) for each in slices}) >= 5, f"{seen['tracks']} tracks")
        expect(seen["counters"] >= 5, f"{seen['counters']} counters")
        for name, colour in COLOURS.items():
            expect(colours.get(colour, 0) >= 30, f"{colours.get(colour, 0)} pixels of each {name}")

        seen, colours, _ = look(work, json.dumps({"traceEvents": []}))
        expect(seen["slices"] == [] and seen["lines"] == 0, f"drawn without events: {seen}")
        expect(not any(colours.get(colour) for colour in COLOURS.values()), "the colours are there without events")


main()
