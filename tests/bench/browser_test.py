#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser_test.py REPORT: the report's plots are really drawn, in headless Chromium.

Two looks: where the browser has laid each series out (a script at the end of a copy of the page says so), and whether
the colours of the series are on its screenshot. Both must find nothing in a page whose plots were taken out.
"""
import json
import pathlib
import re
import shutil
import sys
import tempfile

from bench_output import Page, expect

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "browser"))
import chromium  # noqa: E402: beside this folder
import png  # noqa: E402

SIZE = (1200, 4000)
LEAST_PIXELS = 30  # of each colour of a series

# Says for each plot and series how large it is on the page, and of which colour.
SCRIPT = """<script>
const seen = {};
for (const plot of document.querySelectorAll('svg.plot')) {
  const box = plot.getBoundingClientRect();
  seen[plot.id] = {width: box.width, height: box.height, series: [...plot.querySelectorAll('g.series')].map(series => {
    const drawn = series.getBoundingClientRect();
    const inside = drawn.left >= box.left && drawn.right <= box.right && drawn.top >= box.top && drawn.bottom <= box.bottom;
    return {name: series.classList[1], width: drawn.width, height: drawn.height, inside,
            colour: getComputedStyle(series.querySelector('path')).stroke};
  })};
}
const said = document.createElement('pre');
said.id = 'seen';
said.textContent = JSON.stringify(seen);
document.body.append(said);
</script>"""


def laid_out(work, source):
    page = work / "asked.html"
    page.write_text(source.replace("</body>", SCRIPT + "</body>"), encoding="utf-8")
    found = re.search(r'<pre id="seen">(.*?)</pre>', chromium.show(work, page, SIZE, "--dump-dom"), re.S)
    expect(found, "the page's script has not run")
    return json.loads(found.group(1))


def colours_drawn(work, source):
    page, shot = work / "shown.html", work / "shot.png"
    page.write_text(source, encoding="utf-8")
    chromium.show(work, page, SIZE, f"--screenshot={shot}", "--hide-scrollbars")
    return png.count_colours(shot.read_bytes()), shot


def main():
    chromium.require()
    report = pathlib.Path(sys.argv[1])
    page = Page(report)
    source = page.source
    with tempfile.TemporaryDirectory(prefix="browser.") as work_name:
        work = pathlib.Path(work_name)
        plots = laid_out(work, source)
        expect(set(plots) == set(page.plots) and len(plots) >= 6, f"the plots: {plots.keys()}, {page.plots.keys()}")
        colours = set()
        for name, plot in plots.items():
            expect(plot["width"] > 400 and plot["height"] > 200, f"{name} is {plot['width']} x {plot['height']}")
            expect({series["name"] for series in plot["series"]} == set(page.plots[name]), f"{name}: {plot}")
            for series in plot["series"]:
                expect(series["inside"] and series["width"] > 3 and series["height"] > 2, f"{name}: {series}")
            expect(any(series["width"] > 200 for series in plot["series"]), f"{name} has no line across: {plot}")
            colours |= {tuple(map(int, re.findall(r"\d+", series["colour"]))) for series in plot["series"]}
        expect(len(colours) >= 3, f"the series are of {len(colours)} colours")
        drawn, shot = colours_drawn(work, source)
        shutil.copy(shot, report.with_suffix(".png"))  # for people
        for colour in colours:
            expect(drawn.get(colour, 0) >= LEAST_PIXELS, f"{drawn.get(colour, 0)} pixels of {colour}")

        # Nothing is found where nothing is drawn.
        empty = re.sub(r"<g class=\"series.*?</g>", "", source, flags=re.S)
        expect(all(plot["series"] == [] for plot in laid_out(work, empty).values()), "series without any")
        hidden = source.replace("</style>", ".series, .leader, .plot text, .dot { visibility: hidden; }</style>")
        left, _ = colours_drawn(work, hidden)
        for colour in colours:
            if len(set(colour)) > 1:  # greys are in the edges of letters, too
                expect(left.get(colour, 0) < LEAST_PIXELS, f"{left.get(colour, 0)} pixels of {colour}, where nothing is drawn")


main()
