# SPDX-License-Identifier: Apache-2.0
"""A page that headless Chromium has open, and that can be asked, by the protocol of its developer tools over a pipe."""
import base64
import fcntl
import json
import os
import select
import subprocess
import tempfile
import time

PATIENCE_S = 60


class BrowserError(Exception):
    pass


def above_the_browsers_own(descriptor):
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class OpenPage:
    """`work` is a folder for the browser. The page is shown until the end of `with`."""

    def __init__(self, work, url, size):
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()
        # The browser has them as 3 and 4. Which numbers they have here depends on what this process inherited.
        to_browser, from_browser = above_the_browsers_own(to_browser), above_the_browsers_own(from_browser)
        self._messages, self._received, self._last = [], b"", 0
        with open(os.path.join(work, "chromium.log"), "w") as log:
            self._browser = subprocess.Popen(
                ["bash", "-c", f'exec chromium "$@" 3<&{to_browser} 4>&{from_browser}', "chromium", "--headless",
                 "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-sync", "--remote-debugging-pipe", "--hide-scrollbars",
                 "--blink-settings=preferredColorScheme=1", f"--user-data-dir={tempfile.mkdtemp(dir=work)}",
                 f"--window-size={size[0]},{size[1]}"],
                pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        os.close(to_browser)
        os.close(from_browser)
        self._session = None
        self.errors = []  # what the page has thrown, and what was blocked
        try:
            target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
            self._session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                self._ask(domain + ".enable")
            self._ask("Page.navigate", {"url": url})
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        os.close(self._to)
        os.close(self._from)
        try:
            self._browser.wait(10)
        except subprocess.TimeoutExpired:
            self._browser.kill()
            self._browser.wait()

    def evaluate(self, script):
        """The value of an expression in the page."""
        got = self._ask("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in got:
            raise BrowserError(json.dumps(got["exceptionDetails"]))
        return got["result"].get("value")

    def until(self, what, script):
        """Waits until an expression is true; its value. One that throws is not: the page may not be there yet."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                got = self.evaluate(script)
            except BrowserError:
                got = None
                if time.monotonic() > deadline:
                    raise
            if got:
                return got
            if time.monotonic() > deadline:
                raise BrowserError(f"waited in vain: {what}: {self.evaluate('document.body.innerText')} {self.errors}")
            time.sleep(0.05)

    def screenshot(self):
        """All of the page, as PNG."""
        return base64.b64decode(self._ask("Page.captureScreenshot", {"captureBeyondViewport": True})["data"])

    def _ask(self, method, parameters=None):
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters or {}}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            if answer.get("method") == "Runtime.exceptionThrown":
                self.errors.append(answer["params"]["exceptionDetails"])
            if answer.get("method") == "Log.entryAdded" and answer["params"]["entry"]["level"] == "error":
                self.errors.append(answer["params"]["entry"]["text"])

    def _next(self, deadline):
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._from], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise BrowserError("the browser does not answer")
            part = os.read(self._from, 65536)
            if not part:
                raise BrowserError("the browser has ended")
            self._received += part
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)
