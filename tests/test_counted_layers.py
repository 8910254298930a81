"""A run with layers that are only counted, attributes, figures and drawn units, file by file."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from servicecircle.outputs.tables import write_csv
from servicecircle.project import load_project
from servicecircle.study import run_project

PROJECT = """
[project]
name = "town"
as_of = 2025-12-31
language = "en"
[boundaries.township]
path = "towns.geojson"
[boundaries.residential_estate]
path = "estates.geojson"
[population]
points = "people.csv"
basis = "resident"
datum = "wgs84"
date = 2020-11-01
[statistics]
path = "figures.csv"
[facilities.canteen]
path = "canteens.csv"
datum = "wgs84"
[facilities.activity_venue]
path = "venues.csv"
datum = "wgs84"
count_only = true
"""


@pytest.fixture
def folder(tmp_path):
    towns = [shapely.box(119.0, 29.0, 119.1, 29.1), shapely.box(119.1, 29.0, 119.2, 29.1)]
    gpd.GeoDataFrame({"name": ["西镇", "东镇"]}, geometry=towns, crs=4326).to_file(
        tmp_path / "towns.geojson"
    )
    estate = shapely.box(119.01, 29.01, 119.02, 29.02)
    gpd.GeoDataFrame({"name": ["锦绣"], "built": [2022]}, geometry=[estate], crs=4326).to_file(
        tmp_path / "estates.geojson"
    )
    rows = {
        "canteens.csv": "名称,经度,纬度\n甲,119.05,29.05\n",
        "venues.csv": "名称,经度,纬度,运营性质\n乙,119.015,29.015,公办\n丙,119.15,29.05,\n",
        "people.csv": "lon,lat,population,elderly\n119.05,29.051,30,9\n119.015,29.015,10,1\n",
        "figures.csv": "单元,指标,数值\n西镇,居家患者,12\n全县,年安葬需求,40\n",
        "p.toml": PROJECT,
    }
    for name, text in rows.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_a_layer_that_is_only_counted(folder, tmp_path):
    out = tmp_path / "out"
    summary = run_project(load_project(folder / "p.toml"), out)
    units = pd.read_csv(out / "units.csv")
    venue = units[units["layer"] == "activity_venue"]
    assert set(venue["rule"]) == {"presence"}
    assert venue["profile"].isna().all()
    counted = venue.set_index("name")["facilities"].to_dict()
    assert counted == {"西镇": 1, "东镇": 1, "锦绣": 1}
    people = venue.set_index("name")["population"].to_dict()
    assert people == {"西镇": 40.0, "东镇": 0.0, "锦绣": 10.0}
    assert "1000 m straight" in set(units.loc[units["layer"] == "canteen", "rule"])
    access = pd.read_parquet(out / "access.parquet")
    assert set(access["layer"]) == {"canteen"}
    demand = gpd.read_file(out / "coverage.gpkg", layer="demand")
    assert "canteen_metres" in demand.columns
    assert not any(name.startswith("activity_venue") for name in demand.columns)
    lines = "\n".join(summary.lines["en"])
    assert "canteen" in lines
    assert "activity venue" not in lines


def test_attributes_figures_and_drawn_units_are_in_the_files(folder, tmp_path):
    out = tmp_path / "out"
    run_project(load_project(folder / "p.toml"), out)
    sites = pd.read_csv(out / "facilities.csv").set_index("name")
    assert sites["operator"].fillna("").to_dict() == {"甲": "", "乙": "state", "丙": ""}
    assert sites["unit_residential_estate"].fillna("").to_dict() == {
        "甲": "", "乙": "residential_estate:锦绣", "丙": "",
    }  # fmt: skip
    layer = gpd.read_file(out / "coverage.gpkg", layer="facilities").set_index("name")
    assert layer["operator"].fillna("").to_dict()["乙"] == "state"
    estates = gpd.read_file(out / "coverage.gpkg", layer="units_residential_estate")
    assert estates["built"].tolist() == [2022]
    figures = pd.read_csv(out / "statistics.csv")
    assert figures[["unit_id", "level", "name", "value"]].to_numpy().tolist() == [
        ["township:西镇", "township", "patients", 12.0],
        ["area", "county", "burial_need_per_year", 40.0],
    ]


def test_a_project_in_which_nothing_is_travelled_to(folder, tmp_path):
    project = load_project(folder / "p.toml", changes=["facilities.canteen.count_only=true"])
    out = tmp_path / "out"
    run_project(project, out)
    assert pd.read_parquet(out / "access.parquet").empty
    assert set(pd.read_csv(out / "units.csv")["rule"]) == {"presence"}


def test_yes_no_and_unknown_in_a_csv(tmp_path):
    table = pd.DataFrame({"rehab_room": pd.array([True, False, None], dtype="boolean")})
    write_csv(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text("utf-8-sig").split("\n") == [
        "rehab_room", "true", "false", "", "",
    ]  # fmt: skip
