"""Change tables: rows read or set aside, chains followed, figures and lists carried over."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.errors import InputError
from servicecircle.inputs.boundaries import read_boundaries
from servicecircle.inputs.change_checks import unknown_units
from servicecircle.inputs.change_rows import read_changes
from servicecircle.inputs.changed_references import renew_references
from servicecircle.inputs.changed_units import carry_people, people_by_unit
from servicecircle.inputs.changes import NO_CHANGES, Change, UnitName, change_table, resolve
from servicecircle.project import BoundarySettings, ChangeSettings

EARLY, REFORM, LATE = dt.date(2020, 11, 1), dt.date(2021, 4, 9), dt.date(2025, 12, 31)


def change(before: str, after: str, day=REFORM, kind="", share=math.nan, level="county"):
    return Change(
        level=level, before=UnitName("", before), after=UnitName("", after), kind=kind,
        date=day, share=share,
    )  # fmt: skip


def after(table, name: str, **dates) -> dict[str, float]:
    return {part.unit.name: part.share for part in table.successors(name, level="county", **dates)}


def read(tmp_path: Path, text: str, **settings):
    path = tmp_path / "changes.csv"
    path.write_text(text, encoding="utf-8")
    return read_changes(ChangeSettings(path=[Path("changes.csv")], **settings), base=tmp_path)


def codes_of(problems) -> list[str]:
    return [problem.code for problem in problems]


# --- what became of a unit -----------------------------------------------------------------------


def test_chains_are_followed_between_two_dates():
    days = [dt.date(year, 1, 1) for year in (2005, 2010, 2015)]
    table = change_table(
        change(one, other, day)
        for (one, other), day in zip(["甲乙", "乙丙", "丙丁"], days, strict=True)
    )
    assert after(table, "甲") == {"丁": 1.0}
    assert after(table, "甲", as_of=dt.date(2012, 1, 1)) == {"丙": 1.0}
    assert after(table, "乙", since=dt.date(2010, 1, 1)) == {}
    assert after(table, "乙", since=dt.date(2009, 12, 31)) == {"丁": 1.0}
    back = table.predecessors("丁", level="county", since=dt.date(2007, 1, 1))
    assert [part.unit.name for part in back] == ["乙"]


def test_changes_of_one_day_happen_at_once():
    table = change_table([change("甲", "乙"), change("乙", "丙")])
    assert after(table, "甲") == {"乙": 1.0}
    assert after(table, "乙") == {"丙": 1.0}


def test_a_split_keeps_its_shares_and_meets_again():
    table = change_table(
        [
            change("甲", "乙", dt.date(2005, 1, 1), share=0.25),
            change("甲", "甲", dt.date(2005, 1, 1), share=0.75),
            change("乙", "丙", dt.date(2010, 1, 1)),
            change("甲", "丙", dt.date(2010, 1, 1), share=0.2),
            change("甲", "甲", dt.date(2010, 1, 1), share=0.8),
        ]
    )
    found = after(table, "甲", since=dt.date(2000, 1, 1))
    assert found == pytest.approx({"丙": 0.25 + 0.75 * 0.2, "甲": 0.6})


def test_changes_without_a_date_come_first_and_end():
    table = change_table([change("甲", "乙", None), change("乙", "丙", None), change("丙", "丁")])
    assert after(table, "甲") == {"丁": 1.0}
    assert after(table, "甲", since=LATE) == {"丙": 1.0}
    circle = change_table([change("甲", "乙", None), change("乙", "甲", None)])
    assert len(after(circle, "甲")) == 1


def test_a_renaming_that_was_taken_back_is_no_circle():
    table = change_table(
        [change("甲", "乙", dt.date(2005, 1, 1)), change("乙", "甲", dt.date(2010, 1, 1))]
    )
    assert after(table, "甲", since=dt.date(2000, 1, 1)) == {"甲": 1.0}
    # Whoever says 甲 without a date means the one of today.
    assert resolve(table, "甲", "county", LATE) == ()
    assert [unit.name for unit in resolve(table, "乙", "county", LATE)] == ["甲"]


def test_a_table_without_an_end_is_refused():
    doubling = [
        change(f"{level}-{one}", f"{level + 1}-{other}", dt.date(1900 + level, 1, 1))
        for level in range(20)
        for one in range(2)
        for other in range(2)
    ]
    with pytest.raises(InputError, match="ten thousand"):
        change_table(doubling).successors("0-0", level="county")


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(2000, 2006)), max_size=12)
)
def test_people_of_any_table_end_somewhere_once(edges):
    """Shares of the ends of a unit add up to one, where each split is in equal parts."""
    kept = sorted(set(edges))
    parts = {
        (one, year): [e for e in kept if e[0] == one and e[2] == year] for one, _, year in kept
    }
    table = change_table(
        change(f"u{one}", f"u{other}", dt.date(year, 1, 1), share=1 / len(parts[one, year]))
        for one, other, year in kept
    )
    for unit in {one for one, _, _ in kept}:
        shares = after(table, f"u{unit}", since=dt.date(1999, 1, 1))
        assert sum(shares.values()) == pytest.approx(1.0)


# --- tables of changes ---------------------------------------------------------------------------


def test_a_table_in_chinese_with_its_faults(tmp_path):
    table, counts, problems = read(
        tmp_path,
        "级别,原名称,新名称,变更类型,生效日期,比例\n"
        "区县,下城区,拱墅区,合并,2021-04-09,\n"
        "区县,下城区,拱墅区,合并,2021-04-09,\n"
        "区县,江干区,,拆分,2021-04-09,\n"
        "区县,甲县,乙区,升格,2019年,\n"
        "星球,甲县,乙区,更名,2019,\n"
        "区县,丙县,丁区,更名,昨天,\n"
        "区县,戊县,己区,更名,2018,三成\n"
        "区县,庚县,辛区,更名,,100%\n",
    )
    assert counts == {"rows_in": 8, "rows_used": 2, "rows_set_aside": 6}
    assert {problem.row: problem.code for problem in problems if problem.row} == {
        3: "change.twice", 4: "change.half", 5: "change.unknown_kind", 6: "change.unknown_level",
        7: "change.bad_date", 8: "change.bad_share",
    }  # fmt: skip
    assert "change.undated" in codes_of(problems)
    assert [(row.before.name, row.kind) for row in table.rows] == [
        ("下城区", "merge"),
        ("庚县", "rename"),
    ]


def test_kinds_and_levels_follow_from_the_shape_and_the_codes(tmp_path):
    table, _, problems = read(
        tmp_path,
        "old_code,old_name,new_code,new_name,date\n"
        "330110,余杭区,330110,余杭区,2021-04-09\n"
        "330110,余杭区,330113,临平区,2021-04-09\n"
        "330881102,四都镇,330881103,四都镇,2020\n",
    )
    assert problems == []
    assert [(row.level, row.kind) for row in table.rows] == [
        ("county", "split"), ("county", "split"), ("township", "recode"),
    ]  # fmt: skip


def test_people_become_shares_and_one_missing_share_is_the_rest(tmp_path):
    head = "level,old_name,new_name,date,share,people\n"
    table, _, problems = read(tmp_path, head + "county,甲,甲,2021,,30\ncounty,甲,乙,2021,,10\n")
    assert [row.share for row in table.rows] == [0.75, 0.25]
    assert problems == []
    table, _, _ = read(tmp_path, head + "county,甲,甲,2021,80%,\ncounty,甲,乙,2021,,\n")
    assert [row.share for row in table.rows] == pytest.approx([0.8, 0.2])
    table, _, problems = read(tmp_path, head + "county,甲,甲,2021,0.8,\ncounty,甲,乙,2021,0.4,\n")
    assert codes_of(problems) == ["change.shares"]
    assert all(math.isnan(row.share) for row in table.rows)


def test_contradictions_are_told(tmp_path):
    head = "level,old_name,new_name,kind,date\n"
    _, counts, problems = read(
        tmp_path, head + "county,甲,乙,rename,2021\ncounty,乙,甲,rename,2021\ncounty,丙,丁,,2021\n"
    )
    assert codes_of(problems) == ["change.circle", "change.circle"]
    assert counts["rows_used"] == 1
    _, _, problems = read(tmp_path, head + "county,甲,乙,rename,2021\ncounty,甲,丙,rename,2021\n")
    assert codes_of(problems) == ["change.several_after"] * 2
    _, _, problems = read(tmp_path, head + "county,甲,乙,split,2021\n")
    assert codes_of(problems) == ["change.lone_split"]
    _, _, problems = read(tmp_path, head + "county,甲,乙,,2019\ncounty,甲,丙,,2021\n")
    assert [(p.code, p.row, p.details["date"]) for p in problems] == [
        ("change.gone_before", 3, "2019-01-01")
    ]


def test_only_decided_proposals_are_used(tmp_path):
    table, counts, problems = read(
        tmp_path,
        "level,old_name,new_name,decision\n"
        "county,甲,乙,yes\ncounty,丙,丁,\ncounty,戊,己,否\ncounty,庚,辛,perhaps\n",
    )
    assert [row.before.name for row in table.rows] == ["甲"]
    assert counts == {"rows_in": 4, "rows_used": 1, "rows_set_aside": 3}
    assert codes_of(problems) == ["change.unknown_decision", "change.undecided", "change.undated"]


def test_tables_that_are_none(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, "名称,人口\n甲,1\n")
    assert codes_of(caught.value.problems) == ["change.no_old", "change.no_new"]
    settings = ChangeSettings(path=[Path("a.csv"), Path("b.csv")])
    with pytest.raises(InputError) as caught:
        read_changes(settings, base=tmp_path)
    assert [problem.file for problem in caught.value.problems] == ["a.csv", "b.csv"]


def test_units_at_the_end_are_looked_for():
    table = change_table([change("甲", "乙"), change("丙", "丁", dt.date(2030, 1, 1))])
    units = pd.DataFrame({"code": [""], "name": ["丙"], "level": ["county"]})
    problems = unknown_units(table, units, as_of=LATE)
    assert [(p.code, p.value) for p in problems] == [
        ("change.unknown_units", "乙"),
        ("change.later", "1"),
    ]
    townships = units.assign(level="township")
    assert codes_of(unknown_units(table, townships, as_of=LATE)) == ["change.later"]


# --- people --------------------------------------------------------------------------------------

SPLIT = change_table(
    [change("甲", "甲"), change("甲", "乙"), change("丙", "丁"), change("戊", "丁")]
)
PEOPLE = pd.DataFrame({"name": ["甲", "丙", "戊", "己"], "people": [100.0, 5.0, 7.0, 3.0]})


def carried(table=SPLIT, **more):
    found = carry_people(
        PEOPLE, table, level="county", since=EARLY, as_of=LATE, columns=["people"], **more
    )
    return found, found.table.set_index("name")["people"]


def test_merged_units_are_added_and_an_unknown_split_is_not_shared_out():
    found, people = carried()
    assert people["丁"] == 12.0
    assert people["己"] == 3.0
    assert people[["甲", "乙"]].isna().all()
    assert codes_of(found.problems) == ["change.share_unknown"]
    # The sum of the two is known all the same.
    groups = found.groups.set_index("units_before")["people"]
    assert groups.to_dict() == {"甲": 100.0, "丙; 戊": 12.0, "己": 3.0}


def test_a_split_is_shared_out_by_people_never_by_area():
    # The east is three times as large, and nearly all people live in the west.
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 4, 1)]
    units = gpd.GeoDataFrame({"code": "", "name": ["甲", "乙"]}, geometry=shapes, crs=4326)
    lon, weight = np.array([0.5, 0.6, 2.0, 9.0]), np.array([60.0, 30.0, 10.0, 1e6])
    people = people_by_unit(units, lon, np.full(4, 0.5), weight)
    assert people == {"甲": 90.0, "乙": 10.0}
    found, shared = carried(people=people)
    assert shared[["甲", "乙"]].tolist() == pytest.approx([90.0, 10.0])
    assert found.problems == []
    assert shared.sum() == pytest.approx(PEOPLE["people"].sum())


def test_people_of_a_unit_with_other_sources_tell_no_share():
    table = change_table([*SPLIT.rows, change("己", "乙")])
    _, people = carried(table, people={"甲": 90.0, "乙": 10.0})
    assert people[["甲", "乙"]].isna().all()


def test_figures_after_the_change_stay():
    found = carry_people(
        PEOPLE, SPLIT, level="county", since=REFORM, as_of=LATE, columns=["people"]
    )
    assert (
        found.table.set_index("name")["people"].to_dict()
        == PEOPLE.set_index("name")["people"].to_dict()
    )


# --- layers and lists ----------------------------------------------------------------------------


def layer(tmp_path: Path, names: list[str], people: list[float]) -> Path:
    shapes = [
        shapely.box(118 + 0.01 * at, 28, 118.01 + 0.01 * at, 28.01) for at in range(len(names))
    ]
    path = tmp_path / "old.gpkg"
    frame = gpd.GeoDataFrame({"name": names, "population": people}, geometry=shapes, crs=4326)
    frame.to_file(path)
    return path


def test_an_older_layer_is_brought_to_the_date(tmp_path):
    path = layer(tmp_path, ["丙", "戊", "甲", "己"], [5.0, 5.0, 100.0, 3.0])
    table = change_table([*SPLIT.rows, change("己", "新己", kind="rename")])
    units, problems = read_boundaries(
        BoundarySettings(path=Path(path.name), date=EARLY), level="county", base=tmp_path,
        changes=table, as_of=LATE,
    )  # fmt: skip
    assert units["name"].tolist() == ["丁", "甲", "新己"]
    # Equal figures of two units are two figures.
    assert units["population"].tolist() == [10.0, 100.0, 3.0]
    both = units.geometry.iloc[0].symmetric_difference(shapely.box(118, 28, 118.02, 28.01))
    assert both.area < 1e-12
    assert sorted(codes_of(problems)) == [
        "change.unit_renamed", "change.unit_renamed", "change.unit_renamed", "change.unit_split",
        "change.units_merged",
    ]  # fmt: skip
    newer, problems = read_boundaries(
        BoundarySettings(path=Path(path.name), date=REFORM), level="county", base=tmp_path,
        changes=table, as_of=LATE,
    )  # fmt: skip
    assert newer["name"].tolist() == ["丙", "戊", "甲", "己"]
    assert problems == []


def test_a_name_given_its_code_by_a_decision_gets_it(tmp_path):
    path = layer(tmp_path, ["新塘边村"], [1.0])
    row = Change(
        level="village_level", before=UnitName("", "新塘边村"),
        after=UnitName("330881109201", "新塘边村"), kind="recode",
    )  # fmt: skip
    units, _ = read_boundaries(
        BoundarySettings(path=Path(path.name)), level="village_level", base=tmp_path,
        changes=change_table([row]), as_of=LATE,
    )  # fmt: skip
    assert units["code"].tolist() == ["330881109201"]


def places(*rows) -> gpd.GeoDataFrame:
    columns = ["declared_unit", "serves", "geometry"]
    return gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=4326).assign(
        source_file="a.csv", source_sheet="", source_row=range(2, 2 + len(rows))
    )


def today() -> gpd.GeoDataFrame:
    shapes = [shapely.box(at, 0, at + 1, 1) for at in range(3)]
    names = ["甲", "乙", "丁"]
    return gpd.GeoDataFrame(
        {"unit_id": [f"county:{name}" for name in names], "code": "", "name": names,
         "level": "county", "parent_id": ""}, geometry=shapes, crs=4326,
    )  # fmt: skip


def test_facilities_of_a_split_unit_go_by_their_place():
    rows = places(
        ("甲", "", shapely.Point(1.5, 0.5)), ("甲", "", None), ("丙", "戊;甲", shapely.Point(9, 9)),
    )  # fmt: skip
    renewed, problems = renew_references(rows, today(), SPLIT, as_of=LATE, since=EARLY)
    assert renewed["declared_unit"].tolist() == ["乙", "甲", "丁"]
    assert renewed["serves"].tolist() == ["", "", "丁;甲"]
    assert [(p.code, p.row, p.value) for p in problems] == [
        ("change.reference", 2, "甲"), ("change.reference_split", 3, "甲"),
        ("change.reference", 4, "丙"), ("change.reference", 4, "戊"),
        ("change.reference_split", 4, "甲"),
    ]  # fmt: skip
    assert rows["declared_unit"].tolist() == ["甲", "甲", "丙"]


def test_an_undated_list_means_the_units_of_today():
    rows = places(("甲", "", shapely.Point(1.5, 0.5)), ("丙", "", None))
    renewed, problems = renew_references(rows, today(), SPLIT, as_of=LATE)
    assert renewed["declared_unit"].tolist() == ["甲", "丁"]
    assert codes_of(problems) == ["change.reference"]


def test_a_list_newer_than_the_units_goes_the_other_way():
    old = today().assign(name=["甲", "丙", "戊"], unit_id=["1", "2", "3"])
    rows = places(("乙", "", None), ("丁", "", shapely.Point(2.5, 0.5)), ("丁", "", None))
    renewed, problems = renew_references(rows, old, SPLIT, as_of=LATE)
    assert renewed["declared_unit"].tolist() == ["甲", "戊", "丁"]
    assert codes_of(problems) == ["change.reference", "change.reference", "change.reference_split"]


def test_without_a_table_nothing_changes():
    rows = places(("甲", "", None))
    assert renew_references(rows, today(), NO_CHANGES, as_of=LATE)[0] is rows
