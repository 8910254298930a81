"""The command ``way``: metres and lines of the ways on a lattice, by hand."""

from __future__ import annotations

import json

import geopandas as gpd
import pytest
import shapely
from click.testing import CliRunner

from servicecircle.cli import main

# Streets 100 m apart; 1e-6 degrees are a tenth of a metre.
LON, LAT, STEP_LON, STEP_LAT = 119.6, 29.1, 0.001028, 0.000902
PROJECT = """
[project]
name = "Test city"
as_of = 2025-12-31
language = "en"
[boundaries.county]
path = "county.geojson"
[roads]
path = "roads.geojson"
all_walkable = true
[facilities.care_home]
path = "homes.csv"
datum = "wgs84"
[facilities.canteen]
path = "canteens.geojson"
datum = "wgs84"
profile = "elderly"
"""


def at(column, row):
    return LON + column * STEP_LON, LAT + row * STEP_LAT


def write(path, *items):
    frame = gpd.GeoDataFrame(
        {"code": "330101", "name": [name for name, _ in items]},
        geometry=[shape for _, shape in items],
        crs=4326,
    )
    frame.to_file(path, driver="GeoJSON")


@pytest.fixture
def project(tmp_path):
    write(tmp_path / "county.geojson", ("A county", shapely.box(*at(-9, -9), *at(40, 40))))
    streets = [shapely.LineString([at(c, r) for c in range(21)]) for r in range(21)]
    streets += [shapely.LineString([at(c, r) for r in range(21)]) for c in range(21)]
    write(tmp_path / "roads.geojson", *[("street", line) for line in streets])
    # Inside a block, across the street in the south alone: its outline meets no other.
    block = shapely.box(*at(12.2, 9.9), *at(12.8, 10.4))
    write(tmp_path / "canteens.geojson", ("Canteen", block))
    rows = ["name,lon,lat,closed"]
    for name, place, closed in (
        ("Near", at(10, 12), ""),
        ("Far", at(10, 15), ""),
        ("Shut", at(10, 11), "2020-01-01"),
    ):
        rows.append(f"{name},{place[0]},{place[1]},{closed}")
    (tmp_path / "homes.csv").write_text("\n".join(rows), "utf-8")
    (tmp_path / "town.toml").write_text(PROJECT, "utf-8")
    return tmp_path / "town.toml"


def run(*arguments):
    return CliRunner().invoke(main, ["way", *map(str, arguments)])


def place(column, row):
    lon, lat = at(column, row)
    return f"{lon},{lat}"


def test_the_way_to_the_nearest_of_each_layer(project, tmp_path):
    out = tmp_path / "way.geojson"
    done = run(project, "--from", place(10.5, 10), "--out", out)
    assert done.exit_code == 0, done.output
    ways = gpd.read_file(out).set_index("layer")
    assert ways.index.tolist() == ["care_home", "canteen"]
    assert ways["name"].tolist() == ["Near", "Canteen"]
    assert ways["status"].tolist() == ["reached", "reached"]
    # 50 m to the corner and 200 m north; 170 m along the street to the outline.
    assert ways["metres"].tolist() == pytest.approx([250, 170], abs=1.0)
    assert ways["minutes"].tolist() == pytest.approx([250 / 4000 * 60, 170 / 3000 * 60], abs=0.05)
    assert ways["straight_metres"].tolist() == pytest.approx([206.2, 170], abs=1.0)
    lengths = ways.to_crs("EPSG:4549").length
    assert lengths.tolist() == pytest.approx(ways["metres"].tolist(), rel=1e-4)
    start = shapely.Point(*at(10.5, 10))
    for line, end in zip(ways.geometry, (at(10, 12), at(12.2, 10)), strict=True):
        assert shapely.Point(line.coords[0]).distance(start) < 1e-9
        assert shapely.Point(line.coords[-1]).distance(shapely.Point(end)) < 2e-6
    assert "care_home: no. 1, Near" in done.stdout
    assert str(out) in done.stdout


def test_the_nearest_several_that_are_open(project):
    done = run(project, "--from", place(10, 10), "--layer", "care_home", "--nearest", 5)
    lines = done.stdout.splitlines()
    assert [line.split(",")[1].split(" (")[0].strip() for line in lines] == ["Near", "Far"]
    assert "500 m, 7.5 minutes (walk)" in lines[1]


def test_a_profile_of_choice(project):
    done = run(project, "--from", place(10, 10), "--layer", "care_home", "--profile", "elderly")
    assert "200 m, 4.0 minutes (elderly)" in done.stdout


def test_a_service_that_comes_is_drawn_from_it(project, tmp_path):
    text = project.read_text("utf-8").replace(
        'profile = "elderly"', 'profile = "elderly"\ndirection = "from"'
    )
    project.write_text(text, "utf-8")
    out = tmp_path / "way.geojson"
    assert (
        run(project, "--from", place(10.5, 10), "--layer", "canteen", "--out", out).exit_code == 0
    )
    (line,) = gpd.read_file(out).geometry
    assert shapely.Point(line.coords[-1]).distance(shapely.Point(*at(10.5, 10))) < 1e-9


def test_no_way_is_told_and_has_no_line(project, tmp_path):
    out = tmp_path / "way.geojson"
    done = run(project, "--from", place(30, 30), "--layer", "canteen", "--out", out)
    assert done.exit_code == 0
    assert "too far from any road" in done.stdout
    (feature,) = json.loads(out.read_text("utf-8"))["features"]
    assert feature["geometry"] is None
    assert feature["properties"]["metres"] is None
    assert feature["properties"]["status"] == "unsnapped"


@pytest.mark.parametrize("value", ["118.8", "a,b", "29.1,119.6", "119.6,nan", "1,2,3", "200,10"])
def test_a_place_that_is_none_is_wrong_usage(project, value):
    assert run(project, "--from", value).exit_code == 2


def test_a_wrong_layer_and_no_roads_are_told_together(project):
    text = project.read_text("utf-8")
    roads = '[roads]\npath = "roads.geojson"\nall_walkable = true\n'
    project.write_text(text.replace(roads, ""), "utf-8")
    done = run(project, "--from", place(10, 10), "--layer", "canten")
    assert done.exit_code == 1
    assert "canten" in done.stderr
    assert "no roads" in done.stderr


def test_a_file_that_cannot_be_written(project, tmp_path):
    done = run(project, "--from", place(10, 10), "--out", tmp_path / "none" / "way.geojson")
    assert done.exit_code == 1
    assert not (tmp_path / "none").exists()
