"""Make the pictures of docs/gallery.md and maps/README.md from the folder of a demo run.

    servicecircle demo --out DIR
    python scripts/gallery.py DIR

Needs Chromium and the package playwright for the map and the report, LibreOffice (``soffice``)
and ``pdftoppm`` for the workbook. Pictures are brought to 256 colours to stay small.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from screenshot import picture

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SAMPLE = ROOT / "maps" / "demo.png"
MOST_BYTES, MOST_SAMPLE_BYTES = 1_000_000, 150_000
FIGURES = ("map_care_home", "coverage_elderly_day_center", "travel_time", "lorenz")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run of the demo")
    given = parser.parse_args()
    made = []
    with tempfile.TemporaryDirectory() as place:
        parts = Path(place)
        map_page, report = parts / "map.png", parts / "report.png"
        picture(given.run / "index.html", map_page, width=1280, height=800, script="")
        made.append(save(Image.open(map_page), IMAGES / "gallery_map.png", width=1000))
        save(Image.open(map_page), SAMPLE, width=800, colours=128)
        picture(given.run / "report.html", report, width=1000, height=1250, script="", wait=False)
        made.append(save(Image.open(report), IMAGES / "gallery_report.png", width=760))
        made.append(save(sheet(given.run), IMAGES / "gallery_figures.png", width=1100))
        made.append(save(workbook(given.run, parts), IMAGES / "gallery_workbook.png", width=1000))
    total = sum(path.stat().st_size for path in made)
    for path in (*made, SAMPLE):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
    if total > MOST_BYTES or SAMPLE.stat().st_size > MOST_SAMPLE_BYTES:
        sys.exit(f"too large: {total:,} bytes in the gallery, {MOST_BYTES:,} are allowed")


def save(image: Image.Image, path: Path, *, width: int, colours: int = 256) -> Path:
    """Save a picture at a width, with few colours and nothing but itself inside."""
    plain = image.convert("RGB")
    height = round(plain.height * width / plain.width)
    small = plain.resize((width, height), Image.Resampling.LANCZOS)
    path.parent.mkdir(exist_ok=True)
    small.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def sheet(run: Path) -> Image.Image:
    """Return four figures of the run side by side, two in a row."""
    found = [Image.open(run / "figures" / f"{name}.png").convert("RGB") for name in FIGURES]
    tall = 760
    cells = [one.resize((round(one.width * tall / one.height), tall)) for one in found]
    rows = (cells[:2], cells[2:])
    wide = max(sum(cell.width for cell in row) + 20 for row in rows)
    whole = Image.new("RGB", (wide, 2 * tall + 20), "#ffffff")
    for number, row in enumerate(rows):
        left = 0
        for cell in row:
            whole.paste(cell, (left, number * (tall + 20)))
            left += cell.width + 20
    return whole


def workbook(run: Path, parts: Path) -> Image.Image:
    """Return the beginning of the first printed page of the workbook."""
    convert = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(parts)]
    profile = f"-env:UserInstallation={(parts / 'office').as_uri()}"
    subprocess.run(
        [convert[0], profile, *convert[1:], str(run / "scorecard.xlsx")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    pages = ["pdftoppm", "-png", "-r", "150", "-f", "1", "-l", "1", "-singlefile"]
    subprocess.run([*pages, str(parts / "scorecard.pdf"), str(parts / "page")], check=True)
    page = Image.open(parts / "page.png")
    left, top = round(page.width * 0.03), round(page.height * 0.06)
    wide = round(page.width * 0.62)
    return page.crop((left, top, left + wide, top + round(wide * 0.56)))


if __name__ == "__main__":
    main()
