"""Titles of a project's own beside those that are known."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs.columns import match_columns
from servicecircle.inputs.load import read_inputs
from servicecircle.progress import Silent
from servicecircle.project import load_project

PROJECT = """[project]
name = "t"
as_of = 2025-12-31
[boundaries.township]
path = "t.geojson"
[facilities.care_home]
path = "h.csv"
datum = "wgs84"
[titles]
name = ["院舍"]
capacity = ["宿位"]
township = ["镇区"]
"""


@pytest.fixture
def project(tmp_path):
    box = shapely.box(118.4, 28.4, 118.7, 28.7)
    units = gpd.GeoDataFrame({"name": ["东镇"], "code": ["330881001"]}, geometry=[box], crs=4326)
    units.to_file(tmp_path / "t.geojson")
    text = "某市名单,,,,\n院舍,宿位,经度,纬度,镇区\n甲院,30床,118.5,28.5,东镇\n"
    (tmp_path / "h.csv").write_text(text, encoding="utf-8")

    def load(toml):
        (tmp_path / "p.toml").write_text(toml, encoding="utf-8")
        return read_inputs(load_project(tmp_path / "p.toml"), selectors={}, progress=Silent())

    return load


def test_titles_of_the_project_are_read_and_show_the_header(project):
    frame = project(PROJECT).facilities["care_home"].frame
    row = frame.iloc[0]
    assert (row["name"], row["capacity"], row["declared_unit"]) == ("甲院", 30.0, "东镇")
    assert row["source_row"] == 3


def test_without_them_the_same_list_has_no_names(project):
    frame = project(PROJECT.split("[titles]", maxsplit=1)[0]).facilities["care_home"].frame
    assert frame["name"].tolist() == [""]


def test_an_unknown_key_of_titles_is_refused_with_its_line_and_the_nearest(project):
    with pytest.raises(InputError) as caught:
        project(PROJECT.replace("capacity =", "capcity ="))
    (problem,) = caught.value.problems
    assert (problem.file, problem.row, problem.value) == ("p.toml", 11, "capcity")
    assert problem.details["near"] == "capacity"
    assert "capacity" in problem.text("zh")


def test_own_titles_go_before_known_ones_and_columns_before_both():
    titles = ["名称", "院舍", "床位数", "宿位", "乡镇", "镇区"]
    more = {"name": ["院舍"], "capacity": ["宿位"], "township": ["镇区"]}
    columns = match_columns(titles, more=more).columns
    assert {key: columns[key] for key in ("name", "capacity", "unit")} == {
        "name": "院舍",
        "capacity": "宿位",
        "unit": "镇区",
    }
    given = match_columns(titles, more=more, given={"capacity": "床位数"}).columns
    assert given["capacity"] == "床位数"


def test_an_own_title_takes_a_known_one_away_from_its_column():
    # 面积 is known as the floor area; here it counts beds.
    assert match_columns(["面积"]).columns == {"floor_area_m2": "面积"}
    assert match_columns(["面积"], more={"capacity": ["面积"]}).columns == {"capacity": "面积"}


def test_own_titles_are_compared_as_the_known_ones_are():
    columns = match_columns(["甲表-院舍 名称\n"], more={"name": ["院舍名称"]}).columns
    assert columns == {"name": "甲表-院舍 名称\n"}
