"""Units looked up by code and name, one by one and in lists."""

from __future__ import annotations

import pandas as pd
import pytest

from servicecircle.inputs.gazetteer import gazetteer, normalise_name, unit_list

VILLAGES = ("village_level",)


def book():
    rows = [
        ("county:1", "1", "甲县", "county", ""),
        ("township:11", "11", "东镇", "township", "county:1"),
        ("township:12", "12", "松山街道", "township", "county:1"),
        ("village_level:111", "111", "和平村", "village_level", "township:11"),
        ("village_level:112", "112", "双溪村", "village_level", "township:11"),
        ("village_level:121", "121", "双溪村", "village_level", "township:12"),
    ]
    return gazetteer(pd.DataFrame(rows, columns=["unit_id", "code", "name", "level", "parent_id"]))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("中央里;", "中央里"),
        ("大桥村 村民委员会", "大桥村"),
        ("城南社区居委会", "城南社区"),
        ("东 镇", "东镇"),
    ],
)
def test_normalise_name(given, expected):
    assert normalise_name(given) == expected


@pytest.mark.parametrize(
    "separator", [";", "；", "、", ",", "，", "/", "／", "|", "\n", "\r\n", " ; "]
)
def test_every_separator(separator):
    assert unit_list(separator.join(["甲村", "乙村", "丙村"])) == ["甲村", "乙村", "丙村"]


def test_lists_of_real_shapes():
    assert unit_list("中央里;") == ["中央里"]
    assert unit_list("甲村;甲村;") == ["甲村"]
    assert unit_list("—") == unit_list("无") == unit_list("") == []
    # As in Taipei's list of service centres: sub-districts with their villages in brackets.
    text = "臥龍次分區(臥龍里、芳和里)、和平次分區(古莊里、龍坡里)"
    assert unit_list(text) == ["臥龍里", "芳和里", "古莊里", "龍坡里"]


def test_a_list_set_apart_by_blanks_or_words():
    found = book().resolve_list("和平村 111", levels=VILLAGES)
    assert found == ["village_level:111", "village_level:111"]
    # The word 和 also begins a name: that is tried first.
    assert book().resolve_list("和平村", levels=VILLAGES) == ["village_level:111"]
    two = book().resolve_list("和平村和双溪村", levels=VILLAGES, parents=("东镇",))
    assert two == ["village_level:111", "village_level:112"]


def test_a_part_that_is_unknown_makes_all_of_it_unknown():
    assert book().resolve_list("和平村 没有村", levels=VILLAGES) == []


def test_the_parents_are_tried_in_turn():
    assert book().resolve_list("双溪村", levels=VILLAGES) == []
    found = book().resolve_list("双溪村", levels=VILLAGES, parents=("", "松山街道"))
    assert found == ["village_level:121"]


def test_a_remark_in_brackets_is_left_out():
    assert book().resolve_list("和平村（部分）", levels=VILLAGES) == ["village_level:111"]


def test_a_name_without_its_ending():
    assert book().full_name("松山") == "松山街道"
    assert book().full_name("松") == ""
    assert book().full_name("松山街道") == ""
    assert book().full_name("双溪") == "双溪村"


def test_a_name_that_may_have_two_endings_has_none():
    """As 大同 in Taipei, which is short for the district 大同區 and not for the village 大同里."""
    rows = [("v:1", "1", "大同里", "village_level", "", "士林區")]
    rows += [("v:2", "2", "朝陽里", "village_level", "", "大同區")]
    columns = ["unit_id", "code", "name", "level", "parent_id", "parent_hint"]
    taipei = gazetteer(pd.DataFrame(rows, columns=columns))
    assert taipei.full_name("大同") == ""
    assert taipei.full_name("士林") == "士林區"


def test_what_names_a_unit_above():
    assert book().names_above("甲县", "village_level:111")
    assert not book().names_above("松山街道", "village_level:111")
    assert book().title("township:11") == "东镇"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("甲县松山街道", "township:12"),
        ("示例市甲县松山街道", "township:12"),
        ("示例市松山街道", "township:12"),
        ("松山街道办事处", "township:12"),
        ("东镇人民政府", "township:11"),
        ("松山街道双溪村", "village_level:121"),
        ("甲县松山街道双溪村", "village_level:121"),
        ("东镇双溪村村委会", "village_level:112"),
        ("东镇松山街道", ""),
        ("新松山街道", ""),
        ("松山街道和平村", ""),
        ("大和平村", ""),
    ],
)
def test_a_name_behind_the_names_of_what_it_lies_in(given, expected):
    assert book().resolve(given, levels=("township", "village_level")) == expected


def test_a_parent_may_be_qualified_too():
    assert book().resolve("双溪村", levels=VILLAGES, parent="甲县松山街道") == "village_level:121"
    assert book().knows("甲县松山街道")
    assert book().names_above("甲县东镇", "village_level:111")


def test_codes_of_twelve_digits_join_those_without_their_zeros():
    rows = [
        ("c", "339902", "澜溪区", "county", ""),
        ("t", "339902001", "望澜街道", "township", "c"),
        ("u", "339902002000", "青枫街道", "township", "c"),
        ("v", "339902001001", "望湖社区", "village_level", "t"),
    ]
    columns = ["unit_id", "code", "name", "level", "parent_id"]
    units = gazetteer(pd.DataFrame(rows, columns=columns))
    levels = ("township", "village_level", "county")
    given = ["339902001000", "339902002", "339902000000", "339902001001", "339902001002", "33990"]
    expected = ["t", "u", "c", "v", "", ""]
    assert [units.resolve(code, levels=levels) for code in given] == expected


def test_a_short_name_of_one_level():
    assert book().full_name("松山", level="township") == "松山街道"
    assert book().full_name("松山", level="village_level") == ""
