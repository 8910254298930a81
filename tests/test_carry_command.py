"""``servicecircle carry``: a paper county that was split, shared out by who lives where."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from servicecircle.cli import main

# 甲县 lay from 118.0 to 118.1. Its west is the new 甲区; its east and 丙县 are the new 乙区.
CHANGES = """level,old_code,old_name,new_code,new_name,date
county,330801,甲县,330802,甲区,2021-04-09
county,330801,甲县,330803,乙区,2021-04-09
county,330804,丙县,330803,乙区,2021-04-09
"""
FIGURES = "区划代码,区县,人口\n330801,甲县,1000\n330804,丙县,300\n330805,丁县,7\n"
# Of 甲县's people by the points 30 of 120 live in the west.
POINTS = "lon,lat,population\n118.02,28.05,30\n118.08,28.05,90\n118.15,28.05,500\n118.25,28.05,9\n"
PROJECT = """[project]
name = "纸上县"
as_of = 2024-01-01
[boundaries.county]
path = "new.geojson"
[population]
points = "people.csv"
datum = "wgs84"
basis = "resident"
date = 2020-11-01
[facilities.canteen]
path = "canteens.csv"
datum = "wgs84"
"""


def layer(folder: Path, name: str, *units: tuple[str, str, float, float]) -> None:
    shapes = [shapely.box(west, 28, east, 28.1) for *_, west, east in units]
    columns = {"code": [one[0] for one in units], "name": [one[1] for one in units]}
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4326).to_file(folder / name)


@pytest.fixture
def county(tmp_path):
    for name, text in (
        ("changes.csv", CHANGES), ("figures.csv", FIGURES), ("people.csv", POINTS),
        ("project.toml", PROJECT),
    ):  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8")
    last = ("330805", "丁县", 118.2, 118.3)
    layer(
        tmp_path, "new.geojson", ("330802", "甲区", 118.0, 118.05),
        ("330803", "乙区", 118.05, 118.2), last,
    )  # fmt: skip
    layer(
        tmp_path, "old.geojson", ("330801", "甲县", 118.0, 118.1), ("330804", "丙县", 118.1, 118.2),
        last,
    )  # fmt: skip
    return tmp_path


def carry(folder: Path, *more: str):
    words = [
        "carry", str(folder / "figures.csv"), "--changes", str(folder / "changes.csv"),
        "--level", "county", "--since", "2020-11-01", "--to", "2025-12-31", *more,
    ]  # fmt: skip
    return CliRunner().invoke(main, words, env={"LANG": "en"})


def test_without_people_a_split_stays_open(county):
    done = carry(county)
    assert done.exit_code == 0, done.output
    assert "330802,甲区,,,,甲县" in done.output
    done = carry(county, "--people", str(county / "project.toml"))
    assert "330802,甲区,,,,甲县" in done.output
    assert "there is no old outline" in done.output


def test_people_inside_the_old_outline_share_a_split_out(county):
    out = county / "out"
    done = carry(
        county, "--people", str(county / "project.toml"), "--old-boundaries",
        str(county / "old.geojson"), "--out", str(out),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    carried = pd.read_csv(out / "carried.csv", dtype={"code": str})
    assert carried[["code", "人口"]].to_numpy().tolist() == [
        ["330802", 250.0], ["330803", 750.0 + 300.0], ["330805", 7.0],
    ]  # fmt: skip
    shares = pd.read_csv(out / "shares.csv", dtype=str, keep_default_na=False)
    assert shares[["old_name", "new_name", "share", "basis", "people"]].to_numpy().tolist() == [
        ["甲县", "甲区", "0.25", "old_outlines", "30"],
        ["甲县", "乙区", "0.75", "old_outlines", "90"],
        ["丙县", "乙区", "1", "whole", ""], ["丁县", "丁县", "1", "whole", ""],
    ]  # fmt: skip
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["shares"] == {"old_outlines": 2, "whole": 2}
    problems = pd.read_csv(out / "problems.csv")
    assert problems[["code", "severity"]].to_numpy().tolist() == [
        ["change.shared_by_outlines", "note"]
    ]


def test_the_old_outlines_may_stand_in_the_project(county):
    project = county / "project.toml"
    outlines = '[changes]\npath = "changes.csv"\n[changes.outlines.county]\npath = "old.geojson"\n'
    project.write_text(PROJECT + outlines, encoding="utf-8")
    done = carry(county, "--people", str(project))
    assert done.exit_code == 0, done.output
    assert "330802,甲区,250,甲县 × 0.250000,old_outlines," in done.output


def test_what_cannot_be_asked_is_refused(county):
    done = carry(county, "--old-boundaries", str(county / "old.geojson"))
    assert done.exit_code == 2
    project = county / "project.toml"
    project.write_text(PROJECT.replace("boundaries.county", "boundaries.township"), "utf-8")
    done = carry(county, "--people", str(project))
    assert done.exit_code == 1
    assert "no boundaries of the level county" in done.output
