"""Attributes of facilities: found by titles, read in every format, unknown where unreadable."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.errors import InputError
from servicecircle.inputs.attribute_words import AttributeWords, ListWords
from servicecircle.inputs.attributes import one_of, same_columns, yes_or_no
from servicecircle.inputs.columns import match_columns
from servicecircle.inputs.facilities import FACILITY_COLUMNS, read_facilities
from servicecircle.inputs.load import read_inputs
from servicecircle.inputs.titles import normalise_title
from servicecircle.progress import Silent
from servicecircle.project import FacilitySettings, load_project
from servicecircle.standards.registry import load_registry

WORDS = load_registry().attributes
TITLES = ["名称", "经度", "纬度", "运营性质", "是否设康复室（是/否）", "剩余穴位（个）"]
ROWS = [
    ["甲", "120.5", "30.5", "公建民营", "√", "120穴"],
    ["乙", "120.51", "30.5", "国有（区属）", "无", "1,200"],
    ["丙", "120.52", "30.5", "", "/", "—"],
    ["丁", "120.53", "30.5", "某公司", "见附件", "约80"],
]
OPERATORS = ["social", "state", "", ""]
ROOMS = [True, False, pd.NA, pd.NA]
PLACES = [120.0, 1200.0, np.nan, np.nan]
BAD = ("facility.bad_choice", "facility.bad_yes_no", "facility.bad_number")


def read(folder, name, **options):
    given_options = {"datum": "wgs84", **options}
    return read_facilities(
        FacilitySettings(path=Path(name), **given_options),
        layer="care_home",
        base=folder,
        words=ListWords(attributes=WORDS),
    )


def check(data, *, first):
    frame = data.frame
    assert frame["operator"].tolist() == OPERATORS
    assert [str(one) for one in frame["rehab_room"]] == [str(one) for one in ROOMS]
    assert frame["rehab_room"].dtype == "boolean"
    np.testing.assert_array_equal(frame["remaining_places"], PLACES)
    found = [(one.code, one.row) for one in data.problems if one.code.startswith("facility.bad")]
    assert sorted(found) == sorted((code, first + 3) for code in BAD)
    # What is read as an attribute is no further column.
    assert set(frame["extra"]) == {"{}"}


@pytest.mark.parametrize("form", ["utf-8", "gb18030", "tsv", "xlsx", "xls", "ods"])
def test_every_table_gives_the_same_attributes(tmp_path, table_files, form):
    suffix = form if form in ("tsv", "xlsx", "xls", "ods") else "csv"
    (tmp_path / f"list.{suffix}").write_bytes(table_files.table_bytes([TITLES, *ROWS], form))
    check(read(tmp_path, f"list.{suffix}"), first=2)


@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_every_layer_of_features_gives_the_same_attributes(tmp_path, suffix):
    table = pd.DataFrame(ROWS, columns=TITLES)
    points = shapely.points(table["经度"].astype(float), table["纬度"].astype(float))
    frame = gpd.GeoDataFrame(table.drop(columns=["经度", "纬度"]), geometry=points, crs=4326)
    frame.to_file(tmp_path / f"list.{suffix}")
    check(read(tmp_path, f"list.{suffix}", datum=None), first=1)


def test_a_list_without_attributes_has_no_such_column(tmp_path):
    (tmp_path / "a.csv").write_text("名称,经度,纬度\n甲,120.5,30.5\n", "utf-8")
    assert tuple(read(tmp_path, "a.csv").frame.columns) == FACILITY_COLUMNS


def test_the_project_names_the_column_of_an_attribute(tmp_path):
    rows = "名称,经度,纬度,甲列,康复室\n甲,120.5,30.5,有,无\n乙,120.6,30.5,胡说,无\n"
    (tmp_path / "a.csv").write_text(rows, "utf-8")
    data = read(tmp_path, "a.csv", columns={"rehab_room": "甲列"})
    assert data.frame["rehab_room"].tolist() == [True, pd.NA]
    assert data.frame["extra"].tolist() == ['{"康复室": "无"}'] * 2
    none = read(tmp_path, "a.csv", columns={"rehab_room": ""})
    assert "rehab_room" not in none.frame.columns
    with pytest.raises(InputError) as caught:
        read(tmp_path, "a.csv", columns={"rehab_rooms": "甲列"})
    problem = caught.value.problems[0]
    assert problem.code == "columns.unknown_key_near"
    assert problem.details["near"] == "rehab_room"


def test_a_column_that_only_shares_the_title_is_left_alone(tmp_path):
    """Names of firms under "operator" are no type of operator; one record says so."""
    rows = "名称,经度,纬度,operator\n甲,120.5,30.5,某公司\n乙,120.6,30.5,B Ltd\n丙,120.7,30.5,\n"
    (tmp_path / "a.csv").write_text(rows, "utf-8")
    data = read(tmp_path, "a.csv")
    assert "operator" not in data.frame.columns
    assert data.frame["extra"].tolist()[1] == '{"operator": "B Ltd"}'
    assert [one.code for one in data.problems] == ["facility.not_an_attribute"]
    assert 'columns = { operator = "operator" }' in data.problems[0].text("en")
    # Asked for by name it is read, and every cell is reported.
    named = read(tmp_path, "a.csv", columns={"operator": "operator"})
    assert named.frame["operator"].tolist() == ["", "", ""]
    assert [(one.code, one.row) for one in named.problems] == [
        ("facility.bad_choice", 2),
        ("facility.bad_choice", 3),
    ]


def test_the_better_of_two_titles_wins(tmp_path):
    rows = "名称,经度,纬度,operator,运营性质\n甲,120.5,30.5,某公司,民办\n"
    (tmp_path / "a.csv").write_text(rows, "utf-8")
    assert read(tmp_path, "a.csv").frame["operator"].tolist() == ["social"]


def test_a_negative_or_broken_number_is_recorded(tmp_path):
    rows = "名称,经度,纬度,剩余格位\n甲,120.5,30.5,-3\n乙,120.6,30.5,2.5\n丙,120.7,30.5,0\n"
    (tmp_path / "a.csv").write_text(rows, "utf-8")
    data = read(tmp_path, "a.csv")
    np.testing.assert_array_equal(data.frame["remaining_places"], [np.nan, 2.5, 0.0])
    assert [(one.code, one.row) for one in data.problems] == [
        ("facility.negative", 2),
        ("facility.part_of_one", 3),
    ]


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (
            ["是", "有", "√", "✓", "1", "1.0", "Y", "yes", "TRUE", "已建", "2间", "是（2024年）"],
            True,
        ),
        (["否", "无", "没有", "×", "0", "0.0", "N", "no", "FALSE", "未设", "無"], False),
        (["", "—", "/", "暂无", "-"], None),
    ],
)
def test_words_that_say_yes_or_no_or_nothing(cells, answer):
    values, ok = yes_or_no(cells)
    assert ok.all(), [cell for cell, good in zip(cells, ok, strict=True) if not good]
    if answer is None:
        assert values.isna().all()
    else:
        assert values.tolist() == [answer] * len(cells)


@pytest.mark.parametrize(
    "cell", ["有（在建）", "是（拟建）", "见附件", "部分", "-1", "是否", "有无"]
)
def test_what_says_neither_is_unknown_and_told(cell):
    values, ok = yes_or_no([cell])
    assert values.isna().all()
    assert not ok.any()


@given(st.lists(st.text(max_size=12), max_size=8))
def test_any_text_is_read_or_told(cells):
    values, ok = yes_or_no(cells)
    assert len(values) == len(ok) == len(cells)
    assert values[~ok].isna().all()
    found, good = one_of(cells, WORDS["operator"].values)
    assert set(found) <= {"", "state", "social"}
    assert (found[~good] == "").all()


def test_lists_with_and_without_an_attribute_stand_in_one_table(tmp_path):
    (tmp_path / "a.csv").write_text("名称,经度,纬度,康复室\n甲,120.5,30.5,有\n", "utf-8")
    (tmp_path / "b.csv").write_text("名称,经度,纬度,运营性质\n乙,120.5,30.6,公办\n", "utf-8")
    frames = same_columns([read(tmp_path, name).frame for name in ("a.csv", "b.csv")])
    whole = pd.concat(frames, ignore_index=True)
    assert whole["rehab_room"].dtype == "boolean"
    assert [str(one) for one in whole["rehab_room"]] == ["True", "<NA>"]
    assert whole["operator"].tolist() == ["", "state"]


def test_a_project_gives_an_attribute_further_titles(tmp_path):
    (tmp_path / "homes.csv").write_text("名称,经度,纬度,康复间\n甲,120.5,30.5,有\n", "utf-8")
    box = gpd.GeoDataFrame(
        {"name": ["东镇"]}, geometry=[shapely.box(120, 30, 121, 31)], crs="EPSG:4326"
    )
    box.to_file(tmp_path / "towns.geojson")
    text = """
[project]
name = "town"
as_of = 2025-12-31
[boundaries.township]
path = "towns.geojson"
[titles]
rehab_room = ["康复间"]
[facilities.care_home]
path = "homes.csv"
datum = "wgs84"
"""
    (tmp_path / "p.toml").write_text(text, "utf-8")
    project = load_project(tmp_path / "p.toml")
    asked = load_registry().asked()
    inputs = read_inputs(project, selectors={}, progress=Silent(), asked=asked)
    assert inputs.facilities["care_home"].frame["rehab_room"].tolist() == [True]
    bad = load_project(tmp_path / "p.toml", changes=['titles.rehab_rom=["康复间"]'])
    with pytest.raises(InputError) as caught:
        read_inputs(bad, selectors={}, progress=Silent(), asked=asked)
    assert caught.value.problems[0].code == "columns.unknown_title_key"


def test_no_title_of_an_attribute_is_one_of_another_column():
    seen: dict[str, str] = {}
    for name, words in WORDS.items():
        for title in words.all_titles:
            # Alone it is none of the columns of every list; asked for, it is the attribute.
            assert match_columns([title]).columns == {}, title
            asked = {other: one.all_titles for other, one in WORDS.items()}
            assert match_columns([title], attributes=asked).columns == {name: title}
            assert seen.setdefault(normalise_title(title), name) == name, title


def test_words_of_a_choice_stand_for_one_value():
    for words in WORDS.values():
        seen: dict[str, str] = {}
        for value, said in words.values.items():
            for word in (value, *said):
                assert seen.setdefault(normalise_title(word), value) == value, word
        assert (words.type == "choice") == bool(words.values)


def test_attribute_words_in_both_languages():
    words = AttributeWords(name="a", zh="甲", en="first", type="yes_no")
    assert (words.title("zh"), words.title("en")) == ("甲", "first")
