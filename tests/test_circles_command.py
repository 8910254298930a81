"""The command ``circles``: bands and layers asked for, files written, people counted by travel."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from servicecircle.cli import main

LON, LAT, STEP_LON, STEP_LAT = 119.6, 29.1, 0.001028, 0.000902
PROJECT = """
[project]
name = "Test city"
as_of = 2025-12-31
language = "en"
invented = true
[boundaries.county]
path = "county.geojson"
[roads]
path = "roads.geojson"
all_walkable = true
[population]
points = "people.csv"
datum = "wgs84"
basis = "resident"
date = 2025-01-01
[facilities.care_home]
path = "homes.csv"
datum = "wgs84"
circles = false
[facilities.canteen]
path = "canteens.csv"
datum = "wgs84"
profile = "elderly"
"""


def at(column, row):
    return [LON + column * STEP_LON, LAT + row * STEP_LAT]


def collection(path, *items):
    made = [
        {
            "type": "Feature",
            "properties": {"code": "330101", "name": "A county"},
            "geometry": {"type": kind, "coordinates": coordinates},
        }
        for kind, coordinates in items
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": made}), encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """Return the project file of a lattice of streets 100 m apart."""
    corners = [at(-1, -1), at(31, -1), at(31, 31), at(-1, 31), at(-1, -1)]
    collection(tmp_path / "county.geojson", ("Polygon", [corners]))
    streets = [("LineString", [at(c, r) for c in range(31)]) for r in range(31)]
    streets += [("LineString", [at(c, r) for r in range(31)]) for c in range(31)]
    collection(tmp_path / "roads.geojson", *streets)
    people = ["id,lon,lat,population,elderly"]
    for column, row in [(10, 10), (14, 10), (18, 10), (25, 25)]:
        lon, lat = at(column, row)
        people.append(f"p{column},{lon},{lat},{column},1")
    (tmp_path / "people.csv").write_text("\n".join(people) + "\n", encoding="utf-8")
    for name, places in (("homes", [(10, 10)]), ("canteens", [(10, 10), (21, 10)])):
        rows = [",".join(map(str, (f"{name} {k}", *at(*p)))) for k, p in enumerate(places)]
        text = "\n".join(["name,lon,lat", *rows]) + "\n"
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    (tmp_path / "town.toml").write_text(PROJECT, encoding="utf-8")
    return tmp_path / "town.toml"


def call(*arguments):
    return CliRunner().invoke(main, [str(item) for item in arguments])


def test_bands_of_a_layer(project, tmp_path):
    out = tmp_path / "out"
    done = call(
        "circles", project, "--layer", "canteen", "--minutes", "13,7", "--out", out,
        "--workers", "2",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    names = {"circles.csv", "circles.gpkg", "circles.parquet", "problems.csv", "run.json"}
    assert {path.name for path in out.iterdir()} == names
    table = pd.read_csv(out / "circles.csv", keep_default_na=False)
    assert set(table["layer"]) == {"canteen"}
    assert table["minutes"].tolist() == [7.0, 13.0] * 3
    assert table["facility_id"].ne("").tolist() == [True] * 4 + [False] * 2
    # 3 km/h: 350 m and 650 m. At 10, 14 and 18 live 10, 14 and 18 people; canteens at 10 and 21.
    found = sorted(table["population"].to_numpy().reshape(-1, 2).tolist())
    assert found == [[10, 24], [18, 18], [28, 42]]
    assert table["population"].tolist()[-2:] == [28, 42]
    in_parquet = gpd.read_parquet(out / "circles.parquet")
    in_package = gpd.read_file(out / "circles.gpkg", layer="circles")
    for frame in (in_parquet, in_package):
        assert frame.crs == "EPSG:4326"
        np.testing.assert_allclose(frame["area_m2"], table["area_m2"])
        assert frame.geometry.is_valid.all()
    west = in_parquet[in_parquet["population"].isin([10, 24])].sort_values("minutes")
    first, second = west.geometry
    assert first.difference(second).area < 1e-12
    # On a lattice a circle of 650 m reaches that far along the streets.
    assert second.bounds == pytest.approx((*at(3.5, 3.5), *at(16.5, 16.5)), abs=0.1 * STEP_LAT)
    overlaps = gpd.read_file(out / "circles.gpkg", layer="overlaps")
    assert overlaps["facilities"].tolist() == [2]
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert (record["command"], record["minutes"], record["simplify_m"]) == ("circles", [7, 13], 0)
    assert "canteen: 13 minutes (elderly)" in done.output
    assert "42 people" in done.output


def test_service_areas_part_the_longest_circle(project, tmp_path):
    out = tmp_path / "out"
    assert call("circles", project, "--layer", "canteen", "--out", out).exit_code == 0
    areas = gpd.read_file(out / "circles.gpkg", layer="service_areas")
    circles = gpd.read_file(out / "circles.gpkg", layer="circles")
    whole = circles[(circles["minutes"] == 15) & (circles["facility_id"] == "")].geometry.iloc[0]
    assert len(areas) == 2
    areas = areas.sort_values("population", ascending=False)
    assert areas["population"].tolist() == [10 + 14, 18]
    one, other = areas.geometry
    assert one.intersection(other).area < 1e-12
    assert shapely.union(one, other).symmetric_difference(whole).area < 1e-10
    # The border runs half-way, at column 15.5.
    assert one.bounds[2] == pytest.approx(at(15.5, 0)[0], abs=0.02 * STEP_LON)


def test_all_layers_whatever_the_project_draws(project, tmp_path):
    done = call("circles", project, "--minutes", "10", "--out", tmp_path / "out")
    assert done.exit_code == 0
    table = pd.read_csv(tmp_path / "out" / "circles.csv", keep_default_na=False)
    assert table["layer"].tolist() == ["care_home"] * 2 + ["canteen"] * 3


def test_simplified_bands_have_fewer_vertices_and_stay_nested(project, tmp_path):
    exact, rough = tmp_path / "exact", tmp_path / "rough"
    assert call("circles", project, "--out", exact).exit_code == 0
    assert call("circles", project, "--out", rough, "--simplify", "8").exit_code == 0
    one, other = (gpd.read_parquet(path / "circles.parquet") for path in (exact, rough))
    counts = [shapely.get_num_coordinates(frame.geometry.array).sum() for frame in (one, other)]
    assert counts[1] < counts[0] / 2
    assert one["population"].tolist() == other["population"].tolist()
    for _, rows in other.groupby(["layer", "facility_id"]):
        five, ten, fifteen = rows.sort_values("minutes").geometry
        assert five.difference(ten).area < 1e-12
        assert ten.difference(fifteen).area < 1e-12


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        (["--layer", "cantene"], 1, "canteen"),
        (["--minutes", "0,5"], 2, "above 0"),
        (["--minutes", "five"], 2, "list of numbers"),
        (["--minutes", "inf"], 2, "finite"),
        (["--simplify", "-1"], 2, "range"),
    ],
)
def test_wrong_options_are_told(project, tmp_path, options, exit_code, words):
    done = call("circles", project, "--out", tmp_path / "out", *options)
    assert done.exit_code == exit_code
    assert words in done.output
    assert not (tmp_path / "out").exists()


def test_no_roads_no_circles(project, tmp_path):
    text = project.read_text(encoding="utf-8")
    project.write_text(
        text.replace('[roads]\npath = "roads.geojson"\nall_walkable = true\n', ""), encoding="utf-8"
    )
    done = call("circles", project, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "no roads" in done.output
    assert not (tmp_path / "out").exists()


def test_invented_data_are_called_so(project, tmp_path):
    import sqlite3

    out = tmp_path / "out"
    assert call("circles", project, "--minutes", "10", "--out", out).exit_code == 0
    with sqlite3.connect(out / "circles.gpkg") as database:
        told = {row[0] for row in database.execute("SELECT description FROM gpkg_contents")}
    database.close()
    assert all("nvented" in text for text in told)
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["invented"] is True


def test_a_coarser_cell_is_told_as_a_run_tells_it(project, tmp_path):
    # 15 minutes at 3 km/h are 750 m, at most 500 cells: 1.5 m each.
    text = project.read_text(encoding="utf-8")
    project.write_text(text + "[network]\ncell_m = 1.2\n", encoding="utf-8")
    told = []
    for command in (["circles", "--layer", "canteen", "--minutes", "15"], ["run"]):
        out = tmp_path / command[0]
        arguments = [command[0], str(project), *command[1:], "--out", str(out)]
        result = CliRunner(env={"LC_ALL": "C.UTF-8"}).invoke(main, arguments)
        assert result.exit_code == 0, result.output
        problems = pd.read_csv(out / "problems.csv", encoding="utf-8-sig", dtype=str)
        told.append(problems[problems["code"] == "circles.coarser"].to_dict("records"))
    (drawn,), (ran,) = told
    assert (drawn["severity"], drawn["value"]) == ("warning", "1.5")
    assert "canteen" in drawn["rule"]
    assert str(drawn) == str(ran)


def test_nothing_is_told_where_the_cell_is_as_asked(project, tmp_path):
    arguments = ["circles", str(project), "--layer", "canteen", "--minutes", "15"]
    CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "out")])
    problems = pd.read_csv(tmp_path / "out" / "problems.csv", encoding="utf-8-sig")
    assert "circles.coarser" not in set(problems["code"])
