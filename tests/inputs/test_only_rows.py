"""Rows of a list that a project asks for by the values of a column."""

from __future__ import annotations

from pathlib import Path

import pytest

from servicecircle.errors import InputError
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.only_rows import matching_cells
from servicecircle.project import FacilitySettings

ROWS = """名称,类型,性质,经度,纬度
甲,养老机构（公办）,公办,120.1,30.1
乙,助餐点,民办,120.2,30.2
丙, 养老机构,民办,120.3,30.3
丁,养老机构,民办,,
"""


def read(folder, **only):
    (folder / "a.csv").write_text(ROWS, encoding="utf-8")
    settings = FacilitySettings(path=Path("a.csv"), datum="wgs84", only=only)
    return read_facilities(settings, layer="care_home", base=folder)


@pytest.mark.parametrize(
    ("only", "names", "aside"),
    [
        ({}, ["甲", "乙", "丙"], 1),
        ({"类型": ["养老机构*"]}, ["甲", "丙"], 1),
        ({"类型": ["养老机构"]}, ["丙"], 1),
        ({"类型": ["养老机构*"], "性质": ["公办"]}, ["甲"], 0),
        ({"类型": ["助餐点", "*(公办)"]}, ["甲", "乙"], 0),
    ],
)
def test_every_row_is_used_set_aside_or_filtered(tmp_path, only, names, aside):
    data = read(tmp_path, **only)
    assert data.frame["name"].tolist() == names
    assert (data.rows_in, data.rows_set_aside) == (4, aside)
    assert data.rows_filtered == 4 - len(names) - aside
    assert {problem.row for problem in data.problems} <= {*range(2, 6), None}


@pytest.mark.parametrize(
    ("only", "code"),
    [
        ({"种类": ["养老机构"]}, "facility.only_column"),
        ({"类型": ["养老院"]}, "facility.only_nothing"),
    ],
)
def test_a_wrong_column_and_values_that_no_row_has(tmp_path, only, code):
    with pytest.raises(InputError) as caught:
        read(tmp_path, **only)
    (problem,) = caught.value.problems
    assert problem.code == code
    assert "类型" in problem.text("zh")


def test_only_the_star_is_special():
    cells = ["a.b", "axb", "a?b", "A.B ", "a\nb"]
    assert matching_cells(cells, ["a.b"]).tolist() == [True, False, False, True, False]
    assert matching_cells(cells, ["a*"]).all()


def test_a_folder_is_told_as_one(tmp_path):
    (tmp_path / "lists.csv").mkdir()
    settings = FacilitySettings(path=Path("lists.csv"), datum="wgs84")
    with pytest.raises(InputError, match="is a folder"):
        read_facilities(settings, layer="care_home", base=tmp_path)


@pytest.mark.parametrize(
    ("title", "severity"),
    [("机构床位情况", "warning"), ("入住床位", "warning"), ("床位数", None), ("人员", None)],
)
def test_columns_that_look_like_beds_are_named(tmp_path, title, severity):
    (tmp_path / "b.csv").write_text(f"名称,经度,纬度,{title}\n甲,120,30,5\n", encoding="utf-8")
    for options, expected in (({}, severity), ({"capacity_sum": [title]}, None)):
        settings = FacilitySettings(path=Path("b.csv"), datum="wgs84", **options)
        data = read_facilities(settings, layer="care_home", base=tmp_path)
        found = [one for one in data.problems if one.code == "facility.unread_beds"]
        assert [one.severity for one in found] == ([expected] if expected else [])
        assert all(title in one.text("zh") for one in found)
