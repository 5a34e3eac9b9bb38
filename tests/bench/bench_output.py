# SPDX-License-Identifier: Apache-2.0
"""What `netbinder bench --peers` writes, read back for its tests."""
import html.parser
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from checks import expect, fail  # noqa: E402, F401: beside this folder


def read_lines(path):
    """JSON lines by kind."""
    kinds = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            value = json.loads(line)
            kinds.setdefault(value["kind"], []).append(value)
    return kinds


def point_of(line):
    return (line["mode"], line["bytes"], line["clients"], line["interval_us"], line["pinning"],
            line["work"], line["load"])


class Page(html.parser.HTMLParser):
    """A report: its plots with the series that were drawn in them, and what it takes from elsewhere."""

    def __init__(self, path):
        super().__init__()
        self.plots = {}  # id: classes of its series, with the lengths of their paths
        self.foreign = []
        self.text = ""
        self.open = []
        self._plot = self._series = None
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        expect(not self.open, f"{self.open} are not closed")

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self._look(tag, attributes)

    def handle_startendtag(self, tag, attrs):
        self._look(tag, dict(attrs))

    def _look(self, tag, attributes):
        for name in ("src", "href", "xlink:href", "data"):
            if name in attributes:
                self.foreign.append((tag, attributes[name]))
        if tag in ("script", "link", "iframe", "img"):
            self.foreign.append((tag, ""))
        classes = attributes.get("class", "").split()
        if tag == "svg":
            self._plot = self.plots.setdefault(attributes["id"], {})
        elif tag == "g" and "series" in classes:
            self._series = classes[1]
        elif tag == "path" and self._series is not None:
            self._plot[self._series] = attributes["d"]

    def handle_endtag(self, tag):
        expect(self.open and self.open.pop() == tag, f"</{tag}> closes something else")
        if tag == "g":
            self._series = None

    def handle_data(self, data):
        self.text += data
