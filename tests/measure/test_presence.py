"""Presence by assignment, declaration and geometry, at a date."""

from __future__ import annotations

import datetime as dt
import itertools

import pandas as pd
import pytest

from servicecircle.measure.presence import is_open, place_facilities, presence

DAY = dt.date(2025, 12, 31)


def units():
    rows = [
        ("county:1", "1", "甲县", "county", ""),
        ("township:11", "11", "东镇", "township", "county:1"),
        ("township:12", "12", "西镇", "township", "county:1"),
        ("village_level:111", "111", "大桥村", "village_level", "township:11"),
        ("village_level:112", "112", "双溪村", "village_level", "township:11"),
        ("village_level:121", "121", "大桥村", "village_level", "township:12"),
    ]
    columns = ["unit_id", "code", "name", "level", "parent_id"]
    return pd.DataFrame(rows, columns=columns)


def sites(*rows):
    base = {
        "layer": "childrens_home",
        "status": "",
        "opened": "2019-01-01",
        "closed": None,
        "serves": "",
        "declared_unit": "",
        "declared_parent": "",
        "unit_village_level": None,
        "unit_township": None,
        "source_file": "homes.csv",
        "source_sheet": "",
    }
    table = pd.DataFrame(
        [
            base | {"facility_id": f"f{number}", "source_row": number + 2} | row
            for number, row in enumerate(rows)
        ],
        columns=["facility_id", "source_row", *base],
    )
    for column in ("opened", "closed"):
        table[column] = pd.to_datetime(table[column])
    return table


def count(table, level="village_level", **options):
    counts, problems = presence(
        table, units(), level=level, layer="childrens_home", as_of=DAY, **options
    )
    return counts["facilities"].to_dict(), [problem.code for problem in problems]


def test_geometry_where_nothing_is_declared():
    counts, problems = count(sites({"unit_village_level": "village_level:111"}))
    assert counts == {"village_level:111": 1, "village_level:112": 0, "village_level:121": 0}
    assert problems == []


@pytest.mark.parametrize("separator", [";", "；", "/", "、", " ; "])
def test_serves_names_several_units_by_code_or_name(separator):
    counts, problems = count(sites({"serves": separator.join(["112", "121"])}))
    assert counts == {"village_level:111": 0, "village_level:112": 1, "village_level:121": 1}
    counts, problems = count(sites({"serves": separator.join(["双溪村", "121"])}))
    assert counts["village_level:112"] == counts["village_level:121"] == 1
    assert problems == []


def test_serves_outweighs_declaration_and_geometry():
    counts, _ = count(
        sites(
            {
                "serves": "112",
                "declared_unit": "121",
                "unit_village_level": "village_level:111",
            }
        )
    )
    assert counts == {"village_level:111": 0, "village_level:112": 1, "village_level:121": 0}


def test_a_unit_served_twice_counts_the_facility_once():
    assert count(sites({"serves": "112;双溪村;112"}))[0]["village_level:112"] == 1


def test_a_name_shared_by_two_units_needs_the_parent():
    counts, problems = count(sites({"declared_unit": "大桥村", "declared_parent": "西镇"}))
    assert counts["village_level:121"] == 1
    assert problems == []
    counts, problems = count(sites({"declared_unit": "大桥村"}))
    assert sum(counts.values()) == 0
    assert problems == ["presence.unknown_declared_unit", "presence.in_no_unit"]


def test_an_unknown_unit_is_a_problem_and_geometry_stands_in():
    counts, problems = presence(
        sites({"declared_unit": "没有村", "unit_village_level": "village_level:112"}),
        units(),
        level="village_level",
        layer="childrens_home",
        as_of=DAY,
    )
    assert counts["facilities"].to_dict()["village_level:112"] == 1
    (problem,) = problems
    assert problem.code == "presence.unknown_declared_unit"
    assert (problem.file, problem.row, problem.value) == ("homes.csv", 2, "没有村")
    assert "没有村" in problem.text("zh")


def test_one_bad_served_unit_among_good_ones():
    counts, problems = count(sites({"serves": "112;999"}))
    assert counts["village_level:112"] == 1
    assert problems == ["presence.unknown_served_unit"]


def test_declared_wins_over_geometry_and_the_disagreement_is_said():
    row = {"declared_unit": "112", "unit_village_level": "village_level:111"}
    counts, problems = count(sites(row))
    assert counts["village_level:112"] == 1
    assert counts["village_level:111"] == 0
    assert problems == ["presence.declared_elsewhere"]


def test_a_village_counts_for_its_township_and_county():
    table = sites({"declared_unit": "111"}, {"serves": "111;121"})
    assert count(table, "township")[0] == {"township:11": 2, "township:12": 1}
    assert count(table, "county")[0] == {"county:1": 2}


def test_a_declared_township_does_not_give_a_village():
    counts, problems = count(sites({"declared_unit": "东镇"}), declared_level="township")
    assert sum(counts.values()) == 0
    assert problems == ["presence.in_no_unit"]
    assert count(sites({"declared_unit": "东镇"}), "township")[0]["township:11"] == 1


@pytest.mark.parametrize("told", ["1–5村", "第1-5村", "双溪1～3村", "1至5村"])
def test_a_range_of_villages_is_listed_and_not_guessed(told):
    table = sites({"serves": f"{told};112"})
    counts, _ = count(table)
    assert {unit for unit, number in counts.items() if number} == {"village_level:112"}
    (problem,) = place_facilities(table, units(), level="village_level")[1]
    assert (problem.code, problem.column) == ("presence.unknown_served_unit", "serves")
    assert problem.value == told
    assert told in problem.text("zh")


def test_a_stated_level_of_serves_is_the_only_one_looked_at():
    table = sites({"serves": "东镇"})
    assert count(table, "township", serves_level="township")[0]["township:11"] == 1
    assert (
        "presence.unknown_served_unit" in count(table, "township", serves_level="village_level")[1]
    )


def test_open_at_the_date():
    table = sites(
        {"unit_village_level": "village_level:111", "opened": "2025-12-31"},
        {"unit_village_level": "village_level:111", "opened": "2026-01-01"},
        {"unit_village_level": "village_level:111", "closed": "2025-12-31"},
        {"unit_village_level": "village_level:111", "closed": "2026-01-01"},
        {"unit_village_level": "village_level:111", "status": "planned"},
        {"unit_village_level": "village_level:111", "status": "closed"},
        {"unit_village_level": "village_level:111", "status": "closed", "closed": "2026-03-01"},
        {"unit_village_level": "village_level:111", "opened": None},
    )
    assert is_open(table, DAY).tolist() == [True, False, False, True, False, False, True, True]
    counts, problems = count(table)
    assert counts["village_level:111"] == 4
    assert problems == ["presence.no_opening_date"]


def test_a_facility_without_a_place_counts_in_its_declared_unit():
    assert count(sites({"declared_unit": "双溪村"}))[0]["village_level:112"] == 1


def test_other_layers_and_empty_layers():
    table = sites({"layer": "canteen", "unit_village_level": "village_level:111"})
    assert count(table) == (
        {"village_level:111": 0, "village_level:112": 0, "village_level:121": 0},
        [],
    )
    assert sum(count(table.iloc[:0])[0].values()) == 0
    counts, _ = presence(table, units(), level="prefecture", layer="canteen", as_of=DAY)
    assert counts.empty


def test_the_order_of_the_rows_does_not_matter():
    rows = [
        {"serves": "112;121"},
        {"declared_unit": "111"},
        {"unit_village_level": "village_level:121"},
    ]
    answers = [count(sites(*order))[0] for order in itertools.permutations(rows)]
    assert answers == [answers[0]] * len(answers)


def test_a_circle_of_parents_ends():
    table = units()
    table.loc[table["unit_id"] == "county:1", "parent_id"] = "township:11"
    pairs, _ = place_facilities(sites({"declared_unit": "112"}), table, level="province")
    assert pairs.empty


def test_inputs_are_left_alone():
    table, places = sites({"serves": "112"}), units()
    before = table.copy(deep=True), places.copy(deep=True)
    count(table)
    pd.testing.assert_frame_equal(table, before[0])
    pd.testing.assert_frame_equal(places, before[1])


def test_a_name_that_two_units_have_is_served_within_the_declared_township():
    table = sites(
        {"serves": "大桥村", "declared_unit": "西镇"}, {"serves": "大桥村", "declared_unit": "12"}
    )
    counts, problems = count(table)
    assert counts["village_level:121"] == 2
    assert counts["village_level:111"] == 0
    assert problems == []
    # Without it nobody can tell.
    counts, problems = count(sites({"serves": "大桥村"}))
    assert sum(counts.values()) == 0
    assert "presence.unknown_served_unit" in problems


def test_parents_that_are_no_units_are_known_by_what_the_units_name():
    named = units()[3:].assign(parent_id="", parent_hint=["东镇", "东镇", "西镇"])
    table = sites({"declared_unit": "大桥村", "declared_parent": "西镇"})
    counts, problems = presence(
        table, named, level="village_level", layer="childrens_home", as_of=DAY
    )
    assert counts["facilities"].to_dict()["village_level:121"] == 1
    assert problems == []


@pytest.mark.parametrize("parent", ["", "甲县经济开发区"])
def test_of_two_of_the_name_the_place_decides(parent):
    table = sites(
        {
            "declared_unit": "大桥村",
            "declared_parent": parent,
            "unit_village_level": "village_level:111",
        }
    )
    counts, problems = count(table)
    assert counts["village_level:111"] == 1
    assert problems == []


def test_a_parent_that_the_place_contradicts_is_told():
    table = sites(
        {
            "declared_unit": "双溪村",
            "declared_parent": "西镇",
            "unit_village_level": "village_level:112",
        }
    )
    counts, problems = count(table)
    assert counts["village_level:112"] == 1
    assert problems == ["presence.other_parent"]


def test_the_declared_parent_counts_where_the_declared_unit_is_finer_than_all_units():
    table = sites({"declared_unit": "石塘村", "declared_parent": "东镇"})
    townships = units()[:3]
    counts, problems = presence(
        table, townships, level="township", layer="childrens_home", as_of=DAY
    )
    assert counts["facilities"].to_dict() == {"township:11": 1, "township:12": 0}
    assert problems == []
    # Where there are villages, one of this name is missing among them.
    counts, problems = count(table, level="township")
    assert counts == {"township:11": 1, "township:12": 0}
    assert problems == ["presence.unknown_declared_unit"]


def test_a_list_with_blanks_and_one_with_headings():
    counts, problems = count(sites({"serves": "112 121"}))
    assert (counts["village_level:112"], counts["village_level:121"]) == (1, 1)
    counts, problems = count(sites({"serves": "西片（112、121）"}))
    assert (counts["village_level:112"], counts["village_level:121"], problems) == (1, 1, [])


def test_a_declared_unit_without_its_ending_is_taken_and_noted():
    _, problems = presence(
        sites({"declared_unit": "双溪"}),
        units(),
        level="village_level",
        layer="childrens_home",
        as_of=DAY,
    )
    (problem,) = problems
    assert (problem.code, problem.severity) == ("presence.short_name", "note")
    assert "双溪村" in problem.text("zh")
    counts, problems = count(sites({"declared_unit": "大桥"}))
    # Two villages are called 大桥村.
    assert sum(counts.values()) == 0
    assert "presence.unknown_declared_unit" in problems


def test_a_declared_unit_above_all_units_needs_no_record_where_the_place_agrees():
    named = units()[3:].assign(parent_id="", parent_hint=["东镇", "东镇", "西镇"])
    table = sites(
        {"declared_unit": "东镇", "unit_village_level": "village_level:112"},
        {"declared_unit": "西镇", "unit_village_level": "village_level:112"},
        {"declared_unit": "西镇"},
    )
    counts, problems = presence(
        table, named, level="village_level", layer="childrens_home", as_of=DAY
    )
    assert counts["facilities"]["village_level:112"] == 2
    codes = [(problem.code, problem.row) for problem in problems if problem.row]
    assert codes == [("presence.declared_elsewhere", 3)]
    assert all(problem.details["layer"] == "childrens_home" for problem in problems)


def test_a_short_name_of_what_units_lie_in():
    named = units()[3:].assign(parent_id="", parent_hint=["东山镇", "东山镇", "西镇"])
    table = sites(
        {"declared_unit": "东山", "unit_village_level": "village_level:112"},
        {"declared_unit": "东山", "unit_village_level": "village_level:121"},
    )
    counts, problems = presence(
        table, named, level="village_level", layer="childrens_home", as_of=DAY
    )
    assert counts["facilities"].tolist() == [0, 1, 1]
    assert [(one.code, one.row) for one in problems] == [("presence.declared_elsewhere", 3)]


def test_a_row_that_states_only_its_township_counts_there():
    row = {"declared_unit": "东镇", "declared_parent": "东镇", "declared_level": "township"}
    for level in (None, "village_level"):
        counts, problems = count(
            sites(row).assign(declared_level="township"), level="township", declared_level=level
        )
        assert (counts, problems) == ({"township:11": 1, "township:12": 0}, [])
    here = row | {"unit_township": "township:12"}
    counts, problems = count(sites(here).assign(declared_level="township"), level="township")
    assert counts == {"township:11": 1, "township:12": 0}
    assert problems == ["presence.declared_elsewhere"]
    assert sum(count(sites(row))[0].values()) == 0


@pytest.mark.parametrize(
    ("given", "title", "expected"),
    [("双溪", "village_level", 1), ("双溪", "township", 0), ("东", "township", 0)],
)
def test_a_short_name_is_one_of_the_level_of_its_column(given, title, expected):
    table = sites({"declared_unit": given}).assign(declared_level=title)
    counts, problems = count(table, level="township")
    assert counts["township:11"] == expected
    assert problems[0] == f"presence.{'short_name' if expected else 'unknown_declared_unit'}"
