"""Units that somebody has to draw: estates, big communities, clusters; and units' years."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from servicecircle.check import find_problems
from servicecircle.errors import InputError
from servicecircle.inputs.boundaries import read_boundaries
from servicecircle.inputs.load import read_inputs
from servicecircle.inputs.unit_layers import read_units
from servicecircle.measure.ground import lay_ground
from servicecircle.measure.layers import all_presence
from servicecircle.progress import Silent
from servicecircle.project import BoundarySettings, Project, load_project
from servicecircle.standards.names import settle_names

WEST, EAST = shapely.box(119.0, 29.0, 119.1, 29.1), shapely.box(119.1, 29.0, 119.2, 29.1)
# Two estates in the west, a third across the border; about a metre is 1e-5 degrees.
ESTATES = [
    shapely.box(119.010, 29.010, 119.013, 29.013),
    shapely.box(119.020, 29.010, 119.023, 29.013),
    shapely.box(119.098, 29.010, 119.102, 29.013),
]
SITES = [
    ("甲", 119.011, 29.011),  # in the first estate
    ("乙", 119.0135, 29.011),  # 50 m beside it
    ("丙", 119.1, 29.011),  # in the third
    ("丁", 119.15, 29.05),  # in none
]


@pytest.fixture
def folder(tmp_path):
    towns = gpd.GeoDataFrame({"name": ["西镇", "东镇"]}, geometry=[WEST, EAST], crs=4326)
    towns.to_file(tmp_path / "towns.geojson")
    estates = gpd.GeoDataFrame(
        {
            "小区名称": ["锦绣", "阳光", "和园"],
            "建成年份": ["2022年", "1998", "不知道的年代"],
            "户数": [300, 200, None],
            "总建筑面积": ["3万平方米", "20,000", ""],
        },
        geometry=ESTATES,
        crs=4326,
    )
    estates.to_file(tmp_path / "estates.geojson")
    pd.DataFrame(SITES, columns=["名称", "经度", "纬度"]).to_csv(
        tmp_path / "venues.csv", index=False
    )
    people = pd.DataFrame({"lon": [119.011, 119.05], "lat": [29.011, 29.05], "population": [9, 5]})
    people.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "p.toml").write_text(
        """
[project]
name = "town"
as_of = 2025-12-31
[boundaries.township]
path = "towns.geojson"
[boundaries.residential_estate]
path = "estates.geojson"
[population]
points = "people.csv"
basis = "resident"
datum = "wgs84"
date = 2020-11-01
[facilities.activity_venue]
path = "venues.csv"
datum = "wgs84"
count_only = true
""",
        "utf-8",
    )
    return tmp_path


def test_years_households_and_floor_areas_of_units(folder):
    settings = BoundarySettings(path=Path("estates.geojson"))
    units, problems = read_boundaries(settings, level="residential_estate", base=folder)
    assert units["unit_id"].tolist() == [
        "residential_estate:锦绣", "residential_estate:阳光", "residential_estate:和园",
    ]  # fmt: skip
    assert units["built"].dtype == "Int64"
    assert units["built"].tolist() == [2022, 1998, pd.NA]
    assert units["households"].tolist()[:2] == [300.0, 200.0]
    assert units["floor_area_m2"].tolist()[:2] == [30000.0, 20000.0]
    assert units[["households", "floor_area_m2"]].iloc[2].isna().all()
    assert [(one.code, one.row, one.value) for one in problems] == [
        ("unit.bad_year", 3, "不知道的年代")
    ]


@pytest.mark.parametrize(
    ("cell", "year"),
    [("2019", 2019), ("2019年6月", 2019), ("2019-06-30", 2019), ("2019年建成", 2019),
     ("二〇一九年", 2019), (2019, 2019), (2019.0, 2019), (dt.datetime(2019, 5, 1), 2019)],
)  # fmt: skip
def test_a_year_in_all_its_forms(tmp_path, cell, year):
    frame = gpd.GeoDataFrame({"name": ["甲"], "built": [cell]}, geometry=[WEST], crs=4326)
    frame.to_parquet(tmp_path / "a.parquet")
    units, problems = read_boundaries(
        BoundarySettings(path=Path("a.parquet")), level="township", base=tmp_path
    )
    assert units["built"].tolist() == [year]
    assert problems == []


def test_units_without_a_year_have_none(folder):
    units, _ = read_boundaries(
        BoundarySettings(path=Path("towns.geojson")), level="township", base=folder
    )
    assert units["built"].isna().all()
    assert units["floor_area_m2"].isna().all()


@pytest.mark.parametrize(("years", "year"), [(("2020", "2020"), 2020), (("2020", "1990"), pd.NA)])
def test_parts_of_one_unit_keep_the_year_that_they_agree_on(tmp_path, years, year):
    frame = gpd.GeoDataFrame(
        {"code": ["7", "7"], "name": ["甲", "甲"], "built": years}, geometry=[WEST, EAST], crs=4326
    )
    frame.to_file(tmp_path / "a.geojson")
    units, _ = read_boundaries(
        BoundarySettings(path=Path("a.geojson")), level="township", base=tmp_path
    )
    assert len(units) == 1
    assert (units["built"].tolist() == [year]) if year is not pd.NA else units["built"].isna().all()


def test_drawn_units_stand_beside_the_others_and_lie_in_none(folder):
    project = load_project(folder / "p.toml")
    data = read_units(project, advance=lambda steps: None)
    assert data.faults == []
    # Nothing is demanded of them: no parent, no gap and no border is told.
    assert {one.code for one in data.problems} == {"unit.bad_year"}
    assert data.units["level"].tolist() == ["township"] * 2 + ["residential_estate"] * 3
    assert (data.units["parent_id"] == "").all()


def test_drawn_units_that_overlap_are_told_with_file_and_row(folder):
    frame = gpd.read_file(folder / "estates.geojson")
    # A good 300 m by 330 m of the first estate are in the fourth as well.
    more = {**frame.loc[0], "小区名称": "书香", "geometry": ESTATES[0].buffer(1e-4)}
    frame = pd.concat([frame, gpd.GeoDataFrame([more], crs=frame.crs)], ignore_index=True)
    frame.to_file(folder / "estates.geojson")
    project = load_project(folder / "p.toml")
    data = read_units(project, advance=lambda steps: None)
    found = {(one.code, one.value): (one.file, one.row) for one in data.problems}
    assert found["unit.overlap", "锦绣"] == ("estates.geojson", 1)
    assert data.checks["topology"]["residential_estate"]["overlaps"] == 1
    assert "gaps" not in data.checks["topology"]["residential_estate"]
    assert {code for code, _ in found} == {"unit.bad_year", "unit.overlap", "unit.overlap_total"}


def test_what_lies_between_drawn_units_is_in_none_of_them(folder):
    project = load_project(folder / "p.toml")
    inputs = read_inputs(project, selectors={}, progress=Silent())
    ground = lay_ground(project, inputs)
    assert ground.facilities["unit_residential_estate"].fillna("").tolist() == [
        "residential_estate:锦绣", "", "residential_estate:和园", "",
    ]  # fmt: skip
    assert ground.facilities["unit_township"].notna().all()
    inside = ground.demand["unit_residential_estate"].fillna("").tolist()
    assert inside == ["residential_estate:锦绣", ""]
    counts, problems = all_presence(project, ground)
    assert counts["activity_venue"].filter(like="residential").to_dict() == {
        "residential_estate:锦绣": 1,
        "residential_estate:阳光": 0,
        "residential_estate:和园": 1,
    }
    # To lie in no estate is no fault.
    assert {one.code for one in problems} == {"presence.no_opening_date"}


def test_a_check_takes_drawn_levels_for_levels(folder):
    project = load_project(folder / "p.toml")
    findings = find_problems(project, faults=(), progress=Silent())
    assert "presence.no_opening_date" in {one.code for one in findings.problems}
    assert not any(one.severity == "fatal" for one in findings.problems)


def test_an_unknown_boundary_is_refused_with_all_that_are_known():
    project = Project.model_validate(
        {
            "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {
                "township": {"path": "t.geojson"},
                "residential_estates": {"path": "a.geojson"},
            },
            "facilities": {"canteen": {"path": "c.csv"}},
        }
    )
    fault = settle_names(project).faults[0]
    assert fault.code == "project.unknown_boundary"
    assert "residential_estate" in fault.text("en")


def test_a_file_of_drawn_units_without_names_is_refused(tmp_path):
    gpd.GeoDataFrame({"x": [1]}, geometry=[WEST], crs=4326).to_file(tmp_path / "a.geojson")
    with pytest.raises(InputError) as caught:
        read_boundaries(
            BoundarySettings(path=Path("a.geojson")), level="big_community", base=tmp_path
        )
    assert caught.value.problems[0].code == "unit.no_name_column"
