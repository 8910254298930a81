"""Take a picture of a map or another page in headless Chromium.

    python scripts/screenshot.py OUT.png PAGE.html [--width 1280] [--height 800] [--script CODE]

Needs the package playwright and a Chromium (``SERVICECIRCLE_CHROMIUM`` or on the PATH).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import ConsoleMessage, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def complain(message: ConsoleMessage) -> None:
    """Pass on what the page writes to its console."""
    sys.stderr.write(f"{message.text}\n")


def picture(
    page_file: Path, out: Path, *, width: int, height: int, script: str, wait: bool = True
) -> None:
    """Open a page, wait until it says that it is ready, run a script and save a picture."""
    chromium = os.environ.get("SERVICECIRCLE_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.on("console", complain)
        page.goto(page_file.resolve().as_uri())
        # The page's policy forbids what wait_for_function does: ask again and again instead.
        until = time.monotonic() + (30 if wait else 0)
        while page.evaluate("document.body.dataset.ready") is None and time.monotonic() < until:
            page.wait_for_timeout(50)
        if script:
            page.evaluate(script)
        page.wait_for_timeout(700)
        page.screenshot(path=out)
        browser.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("page", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--script", default="", help="JavaScript to run before the picture")
    given = parser.parse_args()
    picture(given.page, given.out, width=given.width, height=given.height, script=given.script)


if __name__ == "__main__":
    main()
