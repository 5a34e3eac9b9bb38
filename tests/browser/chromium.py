# SPDX-License-Identifier: Apache-2.0
"""A page in headless Chromium."""
import shutil
import subprocess
import sys
import tempfile


def require():
    if shutil.which("chromium") is None:
        print("CANNOT RUN: there is no chromium (scripts/install-deps.sh test). Nothing was tested", file=sys.stderr)
        sys.exit(1)


def show(work, page, size, *words):
    """Shows a file; what the browser says (--dump-dom, for example, is one of the words). `work` is a folder for it."""
    run = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--blink-settings=preferredColorScheme=1", f"--user-data-dir={tempfile.mkdtemp(dir=work)}",
         f"--window-size={size[0]},{size[1]}", *words, page.as_uri()],
        capture_output=True, text=True, check=False, timeout=120)
    if run.returncode != 0:
        print(f"FAILED: chromium: {run.returncode} {run.stderr}", file=sys.stderr)
        sys.exit(1)
    return run.stdout
