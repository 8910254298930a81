"""Matches with official lists: scored, proposed, and never made without a word."""

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
from servicecircle.inputs.code_lists import check_codes, read_codes
from servicecircle.inputs.unit_matches import (
    propose_matches,
    unit_name_likeness,
    unit_stem,
)
from servicecircle.project import CodeSettings

NAMES = st.text(alphabet="江山东西村大桥一二", max_size=6)
SETTINGS = CodeSettings(path=Path("codes.csv"))


def units(*rows, level="village_level") -> gpd.GeoDataFrame:
    columns = ["code", "name", "parent_hint"]
    shapes = [
        shapely.box(118 + 0.01 * at, 28, 118.01 + 0.01 * at, 28.01) for at in range(len(rows))
    ]
    table = gpd.GeoDataFrame(list(rows), columns=columns, geometry=shapes, crs=4326)
    return table.assign(
        unit_id=[str(at) for at in table.index], level=level, parent_id="", should_have=True
    )


def listed(*rows) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["code", "name", "parent"]).assign(
        lon=np.nan, lat=np.nan
    )


def codes_of(problems) -> list[str]:
    return [problem.code for problem in problems]


@given(NAMES, NAMES)
def test_likeness_is_a_measure(one, other):
    found = unit_name_likeness(one, other)
    assert 0.0 <= found <= 1.0
    assert found == pytest.approx(unit_name_likeness(other, one))
    assert unit_name_likeness(one, one) == (1.0 if one.strip() else 0.0)


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("陶村村", "陶村村委会", 1.0, 1.0),
        ("峡西村", "峡西村民委员会", 1.0, 1.0),
        ("桐岭村", "桐岭社区", 0.95, 0.95),
        ("长台一村", "长台村民委员会", 0.66, 0.67),
        ("江村畲族民族村", "江村村畲族民族村委会", 0.6, 0.99),
        ("先峰村", "先锋村委会", 0.5, 0.5),
        ("新建村", "光辉村", 0.0, 0.0),
    ],
)
def test_likeness_of_known_pairs(one, other, least, most):
    assert least - 1e-9 <= unit_name_likeness(one, other) <= most + 1e-9


def test_stems():
    assert [unit_stem(name) for name in ("双塔街道", "岭洋乡", "社区", "和平社区居委会")] == [
        "双塔", "岭洋", "社区", "和平",
    ]  # fmt: skip


def test_units_in_the_list_need_no_match():
    table = units(("330881001201", "甲村", "330881001"), ("330881001202", "乙村", "330881001"))
    codes = listed(
        ("330881001201", "甲村委会", ""), ("330881001202", "丙村", ""), ("330881001203", "丁村", "")
    )
    matches, counts, problems = check_codes(table, codes, SETTINGS, level="village_level")
    assert len(matches) == 0
    assert counts == {
        "units": 2, "listed": 2, "proposed": 0, "unresolved": 0, "entries": 3,
        "entries_with_unit": 2, "entries_without_unit": 1,
    }  # fmt: skip
    assert [(p.code, p.value) for p in problems] == [
        ("change.code_other_name", "乙村"), ("change.codes_unused", "1"),
    ]  # fmt: skip


def test_the_same_name_is_proposed_and_not_joined():
    table = units(("", "甲村", "330881001"), ("", "乙村", "330881001"))
    before = table.copy()
    codes = listed(("330881001201", "甲村委会", "330881001"), ("330881002201", "乙村", "330881002"))
    matches, counts, problems = check_codes(table, codes, SETTINGS, level="village_level")
    assert matches[["new_code", "kind", "score"]].to_numpy().tolist() == [
        ["330881001201", "recode", 1.0], ["330881002201", "move", 0.8],
    ]  # fmt: skip
    assert (matches["decision"] == "").all()
    assert (counts["listed"], counts["proposed"]) == (0, 2)
    assert codes_of(problems) == ["change.code_unlisted", "change.code_unlisted"]
    pd.testing.assert_frame_equal(table, before)


def test_several_units_of_one_entry_are_a_merger_and_a_stranger_is_unresolved():
    table = units(
        *[("", f"长台{number}村", "330881113") for number in "一二"], ("", "光辉村", "330881113")
    )
    codes = listed(("330881113201", "长台村", "330881113"))
    matches, counts, problems = check_codes(table, codes, SETTINGS, level="village_level")
    assert matches["kind"].tolist() == ["merge", "merge", ""]
    assert matches["rank"].tolist() == [1, 1, 0]
    assert (counts["proposed"], counts["unresolved"]) == (2, 1)
    assert codes_of(problems) == ["change.code_unlisted"] * 2 + ["change.unresolved"]


def test_a_code_that_is_taken_counts_less():
    table = units(("330881001201", "白沙村", "330881001"), ("", "白沙村", "330881002"))
    codes = listed(("330881001201", "白沙村", "330881001"))
    matches, counts, _ = check_codes(table, codes, SETTINGS, level="village_level")
    assert matches["score"].tolist() == [0.4]
    assert counts["unresolved"] == 1


def test_a_place_inside_tells_more_than_a_name():
    shapes = [shapely.box(118, 28, 118.01, 28.01)]
    one = gpd.GeoDataFrame(
        {"code": "", "name": ["新村"], "parent": "", "wider": ""}, geometry=shapes, crs=4326
    )
    codes = pd.DataFrame(
        {"code": ["1", "2"], "name": ["旧村", "新村"], "parent": "", "free": True,
         "lon": [118.005, 118.5], "lat": [28.005, 28.005]}
    )  # fmt: skip
    found = propose_matches(one, codes, level="village_level")
    assert found["place_score"].tolist() == [0.0, 1.0]
    assert found["new_code"].tolist() == ["2", "1"]
    # By hand: 0.5 · 1 and 0.5 · 0 + 0.35 · 1, of weights that sum to 0.85; no parent is stated.
    assert found["score"].tolist() == pytest.approx([0.588, 0.412], abs=1e-3)


def test_a_list_is_read_for_its_level(tmp_path):
    text = "代码,名称\n330881001000,双塔街道\n330881001201,甲村\n330881001201,乙村\n,丙村\n"
    (tmp_path / "codes.csv").write_text(text, encoding="gb18030")
    table, problems = read_codes(SETTINGS, level="village_level", base=tmp_path)
    assert table["name"].tolist() == ["甲村"]
    assert [(p.code, p.row) for p in problems] == [("change.code_row", 4), ("change.code_row", 5)]
    table, _ = read_codes(SETTINGS, level="township", base=tmp_path)
    assert table["name"].tolist() == ["双塔街道"]
    with pytest.raises(InputError) as caught:
        read_codes(SETTINGS, level="province", base=tmp_path)
    assert caught.value.problems[0].code == "change.no_codes"


def test_a_list_of_elsewhere_or_without_boundaries():
    table = units(("330881001201", "甲村", "330881001"))
    _, counts, problems = check_codes(
        table, listed(("620722100201", "甲村", "")), SETTINGS, level="village_level"
    )
    assert (counts, codes_of(problems)) == ({}, ["change.no_codes"])
    _, counts, problems = check_codes(
        table, listed(("330881", "江山市", "")), SETTINGS, level="county"
    )
    assert (counts, codes_of(problems)) == ({}, ["change.no_units"])


def test_records_say_where_the_unit_stands():
    table = units(
        ("330881100299", "东村", ""), ("330881100201", "西村", ""), ("330881100298", "甲乙丙村", "")
    )
    codes = listed(("330881100201", "大桥村", ""), ("330881100202", "东村", ""))
    stands = {str(at): ("villages.shp", at + 1) for at in range(3)}
    _, _, problems = check_codes(table, codes, SETTINGS, level="village_level", stands=stands)
    assert {(p.code, p.file, p.row) for p in problems if p.row} == {
        ("change.code_other_name", "villages.shp", 2), ("change.code_unlisted", "villages.shp", 1),
        ("change.unresolved", "villages.shp", 3),
    }  # fmt: skip
