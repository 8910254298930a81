"""The service circles of one facility layer, as a GeoPackage, with the people in each band.

    python scripts/circles_15min.py [PROJECT.toml] [--layer care_home] [--out FOLDER]

Without a project file the demo city is taken, which is invented. People are counted by the travel
time of their place, never by the area of a drawing.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import servicecircle as sc


def main() -> None:
    """Write circles_<layer>.gpkg and print a row for each band of minutes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", nargs="?", type=Path, help="default: the demo city")
    parser.add_argument("--layer", default="care_home")
    parser.add_argument("--out", type=Path, help="default: a new temporary folder")
    given = parser.parse_args()
    project = sc.load_project(given.project or sc.demo_project())
    if given.layer not in project.facilities:
        parser.error(f"no layer {given.layer}; known: {', '.join(project.facilities)}")
    if project.roads is None:
        parser.error("circles need [roads]")
    drawn = {"circles": True, "count_only": False}
    only = {given.layer: project.facilities[given.layer].model_copy(update=drawn)}
    results = sc.study_project(project.with_layers(only))

    folder = given.out or Path(tempfile.mkdtemp(prefix="servicecircle-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"circles_{given.layer}.gpkg"
    results.circles.to_file(path, layer="circles", driver="GPKG", engine="pyogrio")

    layer = results.layers[0]
    print(f"{results.name}, {layer.zh} / {layer.en}, {layer.profile}, {layer.pace('en')}")
    if layer.invented:
        print("示意数据 / invented data")
    print(f"{'minutes':<12}{'km²':>10}{'people':>12}{'older persons':>16}")
    whole = results.circles[results.circles["facility_id"] == ""].sort_values("minutes")
    least, before = 0.0, dict.fromkeys(("area_m2", "population", "elderly"), 0.0)
    for minutes, area, people, elderly in whole[["minutes", *before]].itertuples(index=False):
        band = f"{least:g}–{minutes:g}"
        now = dict(zip(before, (area, people, elderly), strict=True))
        ring = {name: now[name] - before[name] for name in now}
        print(f"{band:<12}{ring['area_m2'] / 1e6:>10.2f}", end="")
        print(f"{ring['population']:>12,.0f}{ring['elderly']:>16,.0f}")
        least, before = minutes, now
    print(path)


if __name__ == "__main__":
    main()
