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
from servicecircle.inputs.carried_people import carry_people
from servicecircle.inputs.change_checks import unknown_units
from servicecircle.inputs.change_rows import read_changes
from servicecircle.inputs.changed_references import renew_references
from servicecircle.inputs.changed_units import parts_of
from servicecircle.inputs.changes import NO_CHANGES, Change, UnitName, change_table, resolve
from servicecircle.inputs.people_shares import count_residents
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
    assert counts == {"rows_in": 8, "rows_used": 3, "rows_set_aside": 5}
    assert {problem.row: problem.code for problem in problems if problem.row} == {
        3: "change.twice", 4: "change.half", 5: "change.unknown_kind", 6: "change.unknown_level",
        7: "change.bad_date", 8: "change.bad_share",
    }  # fmt: skip
    assert "change.undated" in codes_of(problems)
    assert [(row.before.name, row.kind) for row in table.rows] == [
        ("下城区", "merge"),
        ("戊县", "rename"),
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
        tmp_path, head + "county,甲,乙,merge,2021\ncounty,乙,甲,merge,2021\ncounty,丙,丁,,2021\n"
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


def lattice(west: int, east: int, people: float) -> pd.DataFrame:
    """Return points in the middle of squares of one degree, each with the same people."""
    lon = np.arange(west, east) + 0.5
    return pd.DataFrame({"lon": lon, "lat": 0.5, "population": people})


def outlines(**boxes: tuple[float, float]) -> gpd.GeoDataFrame:
    shapes = [shapely.box(west, 0, east, 1) for west, east in boxes.values()]
    return gpd.GeoDataFrame({"code": "", "name": list(boxes)}, geometry=shapes, crs=4326)


def test_a_split_is_shared_out_by_people_never_by_area():
    # The east is three times as large, and nearly all people live in the west.
    points = pd.DataFrame(
        {"lon": [0.5, 0.6, 2.0, 9.0], "lat": 0.5, "population": [60.0, 30.0, 10.0, 1e6]}
    )
    people = count_residents(outlines(甲=(0, 1), 乙=(1, 4)), points)
    found, shared = carried(people=people)
    assert shared[["甲", "乙"]].tolist() == pytest.approx([90.0, 10.0])
    assert [(p.code, p.severity) for p in found.problems] == [("change.shared_by_units", "note")]
    assert shared.sum() == pytest.approx(PEOPLE["people"].sum())
    split = found.shares[found.shares["basis"] != "whole"]
    assert split[["old_name", "new_name", "share", "basis", "people"]].to_numpy().tolist() == [
        ["甲", "甲", 0.9, "new_units", 90.0], ["甲", "乙", 0.1, "new_units", 10.0],
    ]  # fmt: skip
    assert found.table.set_index("name")["shared_by"].to_dict() == {
        "甲": "new_units", "乙": "new_units", "丁": "", "己": "",
    }  # fmt: skip


# 甲 (0 to 10) keeps its west (0 to 4); its east (4 to 10) and the whole of 己 (10 to 20) become 乙.
MIXED = change_table([*SPLIT.rows, change("己", "乙")])
NEW, OLD = outlines(甲=(0, 4), 乙=(4, 20)), outlines(甲=(0, 10), 己=(10, 20))
# 4 x 5 people in the west, 6 x 10 in the east of 甲, 10 x 100 in 己.
LIVE = pd.concat([lattice(0, 4, 5.0), lattice(4, 10, 10.0), lattice(10, 20, 100.0)])


def test_a_part_that_holds_others_is_told_by_the_old_outline():
    found, people = carried(MIXED, people=count_residents(NEW, LIVE, old=OLD))
    # Of 甲's 80 people by the source 20 live in the new 甲: a quarter of the 100 of the table.
    assert people.to_dict() == pytest.approx({"甲": 25.0, "乙": 75.0 + 3.0, "丁": 12.0})
    assert people.sum() == pytest.approx(PEOPLE["people"].sum())
    (problem,) = found.problems
    assert (problem.code, problem.severity) == ("change.shared_by_outlines", "note")
    assert problem.details["parts"] == "甲 25.00 %, 乙 75.00 %"
    assert found.table.set_index("name").loc["乙", ["sources", "shared_by"]].tolist() == [
        "甲 × 0.750000; 己", "old_outlines",
    ]  # fmt: skip
    # Without the old outline nobody knows who of 乙 came from 甲.
    found, people = carried(MIXED, people=count_residents(NEW, LIVE))
    assert people[["甲", "乙"]].isna().all()
    assert codes_of(found.problems) == ["change.share_mixed"]


def test_a_unit_that_goes_on_and_takes_a_part_in_is_not_made_of_that_part_alone():
    # The table need not say that 己, which goes on, took in a part of 甲: its own row tells.
    table = change_table([change("甲", "甲"), change("甲", "己")])
    units = outlines(甲=(0, 4), 己=(4, 20))
    found, people = carried(table, people=count_residents(units, LIVE))
    assert codes_of(found.problems) == ["change.share_mixed"]
    assert people[["甲", "己"]].isna().all()
    found, people = carried(table, people=count_residents(units, LIVE, old=OLD))
    assert people[["甲", "己"]].tolist() == pytest.approx([25.0, 75.0 + 3.0])


def test_stated_shares_stay_and_people_tell_the_rest():
    rows = [change("甲", "甲", share=0.5), change("甲", "乙"), change("甲", "庚")]
    units = outlines(甲=(0, 1), 乙=(1, 2), 庚=(2, 5))
    found, people = carried(change_table(rows), people=count_residents(units, lattice(0, 5, 7.0)))
    assert people[["甲", "乙", "庚"]].tolist() == pytest.approx([50.0, 12.5, 37.5])
    assert found.shares["basis"].tolist()[:3] == ["table", "new_units", "new_units"]


def test_outlines_that_do_not_fit_are_a_warning():
    # A tenth of the people inside the old outline lives beyond its parts.
    units = outlines(甲=(0, 4), 乙=(4, 9))
    found, _ = carried(MIXED, people=count_residents(units, lattice(0, 10, 1.0), old=OLD))
    assert [(p.severity, p.details["elsewhere"]) for p in found.problems] == [("warning", "10.0 %")]


@pytest.mark.parametrize(
    ("units", "points", "code"),
    [
        (outlines(甲=(0, 4)), LIVE, "change.share_no_outline"),
        (outlines(甲=(0, 4), 乙=(4, 10)), lattice(50, 60, 1.0), "change.share_nobody"),
    ],
)
def test_why_a_split_could_not_be_shared_out(units, points, code):
    found, people = carried(people=count_residents(units, points))
    assert codes_of(found.problems) == [code]
    assert people[["甲", "乙"]].isna().all()
    assert found.shares["basis"].tolist().count("unknown") == 2


def test_nobody_is_counted_in_two_units():
    points = pd.DataFrame({"lon": [1.0, 1.0], "lat": [0.5, 5.0], "population": [3.0, np.nan]})
    people = count_residents(outlines(甲=(0, 1), 乙=(1, 2)), points)
    assert people.people.tolist() == [3.0, 0.0]
    old_people = points.assign(population=np.nan, elderly=2.0)
    assert count_residents(outlines(甲=(0, 1)), old_people).people.tolist() == [2.0]


@given(st.lists(st.integers(1, 9), min_size=4, max_size=12), st.data())
def test_old_outlines_give_the_shares_of_the_points(weights, data):
    """Any cut of a row of squares into old and new units: the shares are sums of weights."""
    size = len(weights)
    old_cut = data.draw(st.integers(1, size - 1))
    new_cut = data.draw(st.integers(1, size - 1).filter(lambda cut: cut != old_cut))
    points = lattice(0, size, 1.0).assign(population=np.array(weights, float))
    old, new = (
        outlines(甲=(0, old_cut), 己=(old_cut, size)),
        outlines(子=(0, new_cut), 丑=(new_cut, size)),
    )
    cut_up, kept_whole = ("己", "甲") if new_cut > old_cut else ("甲", "己")
    rows = [change(one, other) for one in ("甲", "己") for other in ("子", "丑")]
    gone = ("甲", "丑") if new_cut > old_cut else ("己", "子")
    table = change_table(row for row in rows if (row.before.name, row.after.name) != gone)
    figures = pd.DataFrame({"name": ["甲", "己"], "people": [100.0, 1000.0]})
    found = carry_people(
        figures, table, level="county", since=EARLY, as_of=LATE, columns=["people"],
        people=count_residents(new, points, old=old),
    )  # fmt: skip
    low, high = sorted((old_cut, new_cut))
    inside = {"甲": weights[:old_cut], "己": weights[old_cut:]}
    share = sum(weights[low:high]) / sum(inside[cut_up])
    got = found.shares.set_index(["old_name", "new_name"])["share"]
    middle = "子" if new_cut > old_cut else "丑"
    assert got[cut_up, middle] == pytest.approx(share)
    assert got[kept_whole, middle] == 1.0
    assert found.table["people"].sum() == pytest.approx(1100.0)


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


def test_two_units_that_exchange_names_are_no_circle(tmp_path):
    changes, counts, problems = read(
        tmp_path,
        "level,old_name,new_code,new_name,kind,date\n"
        "county,甲,2,乙,rename,2021-01-01\ncounty,乙,1,甲,rename,2021-01-01\n",
    )
    assert (counts["rows_used"], problems) == (2, [])
    since, day = dt.date(2018, 1, 1), dt.date(2025, 1, 1)
    found = {name: resolve(changes, name, "county", day, since=since) for name in "甲乙"}
    assert {name: [unit.code for unit in units] for name, units in found.items()} == {
        "甲": ["2"], "乙": ["1"],
    }  # fmt: skip


def test_a_unit_that_becomes_itself_is_a_fault(tmp_path):
    _, counts, problems = read(
        tmp_path,
        "level,old_code,old_name,new_code,new_name,date\n"
        "county,1,甲,1,甲,2021-01-01\ncounty,2,乙,2,乙,2021-01-01\ncounty,3,丙,2,乙,2021-01-01\n",
    )
    assert counts["rows_used"] == 2
    assert [(one.code, one.row) for one in problems] == [("change.itself", 2)]


def test_shares_in_per_cent_without_the_sign(tmp_path):
    head = "level,old_name,new_name,kind,date,share\n"
    changes, _, problems = read(
        tmp_path, head + "county,甲,乙,split,2021,60\ncounty,甲,丙,split,2021,40\n"
    )
    assert problems == []
    assert [row.share for row in changes.rows] == [0.6, 0.4]
    changes, counts, problems = read(
        tmp_path, head + "county,甲,乙,split,2021,60\ncounty,甲,丙,split,2021,三成\n"
    )
    assert counts["rows_used"] == 2
    assert [(one.code, one.row, one.action) for one in problems] == [
        ("change.bad_share", 2, "flagged"),
        ("change.bad_share", 3, "flagged"),
    ]


def test_a_layer_without_date_that_has_the_old_name_is_renewed():
    coded = change_table([
        Change(level="township", before=UnitName("4", "丁镇"), after=UnitName("4", "丁街道"),
               kind="rename", date=dt.date(2022, 1, 1)),
    ])  # fmt: skip
    day = dt.date(2025, 1, 1)
    (part,) = parts_of(coded, UnitName("4", "丁镇"), "township", None, day)
    assert part.unit.name == "丁街道"
    assert parts_of(coded, UnitName("4", "丁街道"), "township", None, day) == ()
    assert parts_of(coded, UnitName("4", ""), "township", None, day) == ()
