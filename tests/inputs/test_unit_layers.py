"""Units of all levels together: what is wrong with them is said with file and row."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import shapely

from servicecircle.inputs.unit_layers import read_units
from servicecircle.project import Project


def test_what_is_wrong_with_units_has_its_file_and_row(tmp_path):
    west, east = shapely.box(119.0, 29.0, 119.1, 29.1), shapely.box(119.1, 29.0, 119.2, 29.1)
    towns = gpd.GeoDataFrame({"name": ["甲镇", "乙镇"]}, geometry=[west, east], crs="EPSG:4326")
    towns.to_file(tmp_path / "towns.gpkg")
    villages = gpd.GeoDataFrame(
        {"name": ["A村", "B村", "C村"], "parent": ["甲镇", "甲镇", "丙镇"]},
        geometry=[
            shapely.box(119.0, 29.0, 119.05, 29.1),
            shapely.box(119.12, 29.0, 119.18, 29.1),
            shapely.box(119.04, 29.0, 119.09, 29.1),
        ],
        crs="EPSG:4326",
    )
    villages.to_file(tmp_path / "villages.gpkg")
    project = Project.model_validate(
        {
            "project": {"name": "county", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {
                "township": {"path": "towns.gpkg"},
                "village_level": {"path": "villages.gpkg"},
            },
            "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
        }
    )
    project._folder = tmp_path
    data = read_units(project, advance=lambda steps: None)
    assert data.faults == []
    found = {(one.code, one.value): (one.file, one.row) for one in data.problems}
    assert found["unit.parent_elsewhere", "B村"] == ("villages.gpkg", 2)
    assert found["unit.overlap", "A村"] == ("villages.gpkg", 1)
    # A word that no unit bears has no row.
    assert found["unit.parent_unknown", "丙镇"] == ("villages.gpkg", None)
    assert all(file for file, _ in found.values())
