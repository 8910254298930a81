"""The map's size and how soon it answers: an invented county and prefecture against budgets.

    python scripts/benchmarks/maps.py [--size county|prefecture] [--file PATH …] [--repeats N]
                                      [--browser PATH] [--json PATH] [--check]

Each land is drawn from a seed, its map is written and opened from disk in Chromium:

- bytes of the page;
- seconds from opening it until it is drawn, and until the first click is answered by a card;
- seconds of a processor that the page took until then, which tell more on a busy machine;
- seconds between the pictures while the map is dragged and zoomed with every facility on it.

``--file`` opens maps that are there instead. ``--check`` exits 1 where a budget is passed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from map_land import COUNTY, PREFECTURE, Size, invented_results
from servicecircle.outputs.maps import write_map
from timing import machine, timed

BUDGETS = {"county": {"megabytes": 8.0, "seconds": 3.0}, "prefecture": {"megabytes": 25.0}}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
PATIENCE_S = 120.0
_CARD = ".leaflet-popup, #sc-card:not([hidden])"
_MAP = "window[Object.keys(window).find((name) => /^map_\\d+$/.test(name))]"


@contextmanager
def chromium(executable: str) -> Iterator[Any]:
    """Start Chromium without a window."""
    from playwright import sync_api

    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


def _until(page: Any, code: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(code):
        if time.monotonic() > end:
            raise TimeoutError(f"never came true in the page: {code}")
        page.wait_for_timeout(5)


def opened(browser: Any, file: Path) -> dict[str, float]:
    """Open a map once; return the seconds until drawn and until a click is answered."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    watch = page.context.new_cdp_session(page)
    watch.send("Performance.enable")
    start = time.monotonic()
    page.goto(file.as_uri())
    _until(page, "document.body.dataset.ready === 'yes'")
    # Two frames later what was asked for is on the screen.
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    drawn = time.monotonic() - start
    zoom = page.evaluate(f"{_MAP}.getZoom()")
    box = page.locator(".leaflet-container").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.47, box["y"] + box["height"] * 0.5)
    # A card opens, or the map goes nearer where the click met a number of facilities.
    _until(page, f"document.querySelector({_CARD!r}) !== null || {_MAP}.getZoom() !== {zoom}")
    answered = time.monotonic() - start
    told = watch.send("Performance.getMetrics")["metrics"]
    busy = {one["name"]: one["value"] for one in told}["ProcessTime"]
    frames = page.evaluate(
        """async () => {
            document.querySelectorAll(".leaflet-popup-close-button").forEach((one) => one.click());
            for (const input of document.querySelectorAll("#sc-layers input")) {
                const words = input.parentNode.textContent;
                if (/设施位置|facilit/i.test(words) && !input.checked) input.click();
            }
            const frame = () => new Promise((done) => requestAnimationFrame(done));
            await frame();
            const map = MAP, took = [];
            let last = performance.now();
            const tick = async () => {
                await frame();
                const now = performance.now();
                took.push(now - last);
                last = now;
            };
            for (let i = 0; i < 20; i++) { map.panBy([30, 10], { animate: false }); await tick(); }
            for (const by of [1, 1, 1, -1, -1, -1]) {
                map.setZoom(map.getZoom() + by, { animate: false });
                await tick();
            }
            took.sort((a, b) => a - b);
            return [took[took.length >> 1], took[took.length - 1]];
        }""".replace("MAP", _MAP)
    )
    page.close()
    return {
        "drawn_seconds": round(drawn, 3),
        "answered_seconds": round(answered, 3),
        "processor_seconds": round(busy, 3),
        "frame_ms": round(frames[0], 1),
        "worst_frame_ms": round(frames[1], 1),
    }


def measured(browser: Any, file: Path, *, repeats: int) -> dict[str, Any]:
    """Return bytes and the best seconds of several openings."""
    runs = [opened(browser, file) for _ in range(repeats)]
    best = {key: min(run[key] for run in runs) for key in runs[0]}
    return {"megabytes": round(file.stat().st_size / 1e6, 3), **best}


def verdict(row: dict[str, Any]) -> list[str]:
    """Return what of a row passes its budget."""
    budget = BUDGETS.get(row["name"], {})
    faults = []
    if row["megabytes"] > budget.get("megabytes", float("inf")):
        faults.append(f"{row['name']}: {row['megabytes']} MB, budget {budget['megabytes']:g} MB")
    if row["answered_seconds"] > budget.get("seconds", float("inf")):
        faults.append(f"{row['name']}: {row['answered_seconds']} s, budget {budget['seconds']:g} s")
    return faults


def _land(browser: Any, size: Size, *, folder: Path, repeats: int) -> dict[str, Any]:
    results = invented_results(size)
    file = folder / f"{size.name}.html"
    writing, _ = timed(lambda: write_map(results, file))
    return {"name": size.name, "written_seconds": round(writing, 2)} | measured(
        browser, file, repeats=repeats
    )


def told(row: dict[str, Any]) -> str:
    """Return a row in words."""
    budget = BUDGETS.get(row["name"], {})
    size = f" (budget {budget['megabytes']:g})" if "megabytes" in budget else ""
    soon = f" (budget {budget['seconds']:g})" if "seconds" in budget else ""
    return (
        f"{row['name']}: {row['megabytes']:.2f} MB{size}, "
        f"drawn after {row['drawn_seconds']:.2f} s, "
        f"a click answered after {row['answered_seconds']:.2f} s{soon} "
        f"({row['processor_seconds']:.2f} s of a processor), a frame in "
        f"{row['frame_ms']:.0f} ms, the slowest in {row['worst_frame_ms']:.0f} ms"
    )


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=("county", "prefecture"), action="append")
    parser.add_argument("--file", type=Path, action="append", help="maps to open instead")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.repeats < 1:
        parser.error("--repeats has to be at least 1")
    rows = []
    with tempfile.TemporaryDirectory() as folder, chromium(given.browser) as browser:
        for file in given.file or []:
            row = {"name": file.resolve().parent.name}
            rows.append(row | measured(browser, file.resolve(), repeats=given.repeats))
        if not given.file:
            wanted = given.size or ("county", "prefecture")
            rows += [
                _land(browser, size, folder=Path(folder), repeats=given.repeats)
                for size in (COUNTY, PREFECTURE)
                if size.name in wanted
            ]
    for row in rows:
        sys.stdout.write(told(row) + "\n")
    faults = [fault for row in rows for fault in verdict(row)]
    sys.stdout.write("\n".join(faults) + "\n" * bool(faults))
    if given.json is not None:
        text = json.dumps(
            {"machine": machine(threads=1), "rows": rows}, indent=2, ensure_ascii=False
        )
        given.json.write_text(text + "\n", encoding="utf-8")
    return 1 if given.check and faults else 0


if __name__ == "__main__":
    sys.exit(main())
