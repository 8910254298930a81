"""Unions of sites: the units of their members."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from servicecircle.measure.presence import place_facilities, presence

UNITS = pd.DataFrame(
    {
        "unit_id": ["county:1", "township:11", "township:12", "village_level:111"],
        "code": ["1", "11", "12", "111"],
        "name": ["甲县", "东街道", "西街道", "东村"],
        "level": ["county", "township", "township", "village_level"],
        "parent_id": ["", "county:1", "county:1", "township:11"],
    }
)
SITES = pd.DataFrame(
    {
        "facility_id": ["union", "home", "clinic", "twin1", "twin2", "shut"],
        "layer": ["rehab_care_union", "care_home", "clinic", "clinic", "clinic", "care_home"],
        "code": ["", "H7", "", "", "", ""],
        "name": ["联合体", "东院", "西 诊所", "双子", "双子", "旧院"],
        "unit_township": ["township:11", "township:11", "township:12", "township:11",
                          "township:12", "township:12"],
        "unit_county": "county:1",
        "opened": pd.NaT,
        "closed": pd.NaT,
        "status": ["", "", "", "", "", "closed"],
    }
)  # fmt: skip
DAY = dt.date(2025, 12, 31)


@pytest.mark.parametrize(
    ("members", "level", "units", "unknown"),
    [
        ("", "township", ["township:11"], []),
        ("西诊所", "township", ["township:11", "township:12"], []),
        ("H7;clinic", "township", ["township:11", "township:12"], []),
        ("西街道", "township", ["township:11", "township:12"], []),
        ("西街道", "county", ["county:1"], []),
        ("西街道", "village_level", [], []),
        ("东村", "township", ["township:11"], []),
        ("双子", "township", ["township:11"], ["双子"]),
        ("双子", "county", ["county:1"], []),
        ("无名院", "township", ["township:11"], ["无名院"]),
        ("旧院", "township", ["township:11"], ["旧院"]),
    ],
)
def test_a_union_belongs_to_the_units_of_its_members(members, level, units, unknown):
    sites = SITES.assign(members=[members, *[""] * 5])
    pairs, problems = place_facilities(
        sites.iloc[:1], UNITS, level=level, sites=sites[sites["status"] != "closed"]
    )
    assert sorted(pairs["unit_id"]) == units
    assert [one.value for one in problems if one.code == "presence.unknown_member"] == unknown


def test_a_subdistrict_passes_by_any_member_and_the_union_is_one():
    sites = SITES.assign(members=["东院;西诊所;旧院", *[""] * 5])
    counts, problems = presence(sites, UNITS, level="township", layer="rehab_care_union", as_of=DAY)
    assert counts["facilities"].to_dict() == {"township:11": 1, "township:12": 1}
    # A member that has closed is no site any more.
    assert [one.value for one in problems if one.code == "presence.unknown_member"] == ["旧院"]


def test_what_it_serves_outweighs_its_members():
    sites = SITES.assign(members=["西诊所", *[""] * 5], serves=["东街道", *[""] * 5])
    pairs, _ = place_facilities(sites.iloc[:1], UNITS, level="township", sites=sites)
    assert pairs.values.tolist() == [["union", "township:11", "serves"]]
