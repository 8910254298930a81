"""explain: sums on paper, the addends that make them, and what happens when a file was changed."""

from __future__ import annotations

import json
import math
import re
import shutil

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.cli import main
from servicecircle.errors import InputError
from servicecircle.explain.addends import same
from servicecircle.explain.pick import pick_row, pick_unit
from servicecircle.explain.value import explain_value
from servicecircle.inputs.runs import read_run

# indicator, numerator, denominator, factor, value: by hand, see tests/small_town.py.
PAPER = [
    ("has_home", 2.0, 2.0, 100.0, 100.0),
    ("nursing_share", 10.0 + 40.0, 30.0 + 50.0, 100.0, 62.5),
    ("beds_per_1000", 80.0, 10.0, 1000.0, 8000.0),
    ("within_1km", 1.0 + 2.0 + 3.0, 10.0, 100.0, 60.0),
    ("within_15_min", 6.0, 10.0, 100.0, 60.0),
    ("homes", 2.0, math.nan, 1.0, 2.0),
]


def call(*arguments):
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(town_runs):
    return read_run(town_runs())


@pytest.fixture
def folder(town_runs, tmp_path):
    """Return a copy of a run that a test may change."""
    return shutil.copytree(town_runs(), tmp_path / "run")


def change(folder, name, column, row, value):
    table = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
    table.loc[row, column] = value
    table.to_csv(folder / f"{name}.csv", index=False, encoding="utf-8-sig")


@pytest.mark.parametrize(("indicator", "top", "bottom", "factor", "value"), PAPER)
def test_values_are_those_on_paper_and_come_out_again(run, indicator, top, bottom, factor, value):
    found = explain_value(run, indicator)
    assert found.differences == ()
    assert same(float(found.row["value"]), value)
    above, below = found.parts
    assert same(above.total, top)
    assert same(above.recorded, top)
    if not math.isnan(bottom):
        assert same(below.total, bottom)
        assert same(factor * above.total / below.total, value)
        assert factor == found.scale
    hows = {check.how for check in found.checks}
    assert {"trace", "quotient", "tables"} <= hows


def test_addends_lead_to_the_rows_of_the_list(run):
    above, below = explain_value(run, "nursing_share").parts
    rows = above.addends.to_dict("records")
    assert [(row["name"], row["amount"]) for row in rows] == [("Birch", 40.0), ("Alder", 10.0)]
    assert [(row["file"], row["row"]) for row in rows] == [("homes.csv", 3.0), ("homes.csv", 2.0)]
    assert [row["unit_name"] for row in rows] == ["East", "West"]
    assert below.addends["amount"].tolist() == [50.0, 30.0]


def test_people_are_traced_to_their_units(run):
    above, _ = explain_value(run, "within_1km").parts
    rows = above.addends.set_index("unit_name")["amount"]
    assert rows.to_dict() == {"West": 3.0, "East": 3.0}


def test_a_unit_shows_its_facilities_and_why_they_count(run):
    found = explain_value(run, "has_home", "West")
    assert found.differences == ()
    assert found.unit.row["value"] == 1.0
    rows = found.unit.facilities.to_dict("records")
    told = [(row["name"], row["by"], row["state"], row["row"]) for row in rows]
    assert told == [("Alder", "geometry", "counts", 2.0), ("Cedar", "geometry", "not_open", 4.0)]
    assert "facilities" in {check.how for check in found.checks}


def test_a_unit_shows_its_people_with_their_ways(run):
    found = explain_value(run, "within_1km", "330101002")
    assert found.differences == ()
    (people,) = found.unit.people
    assert (people.covered, people.total) == (3.0, 7.0)
    assert [round(one) for one in people.rows["metres"]] == [1100, 200]
    assert [round(one) for one in people.rows["straight_metres"]] == [781, 200]
    assert people.rows["covered"].tolist() == [False, True]
    assert same(float(found.unit.row["value"]), 100.0 * 3 / 7)
    # Minutes at 3 km/h, weighted by older persons: (4 · 22 + 3 · 4) ÷ 7.
    assert people.mean_minutes == pytest.approx((4 * 22 + 3 * 4) / 7, abs=0.05)
    # Every row of units.csv is added up again from the demand points.
    assert {check.what for check in found.checks if check.how == "access"} == {
        "coverage_population",
        "coverage_elderly",
        "coverage_covered_population",
        "coverage_covered_elderly",
    }


def test_a_unit_of_a_ratio_shows_its_own_addends(run):
    found = explain_value(run, "beds_per_1000", "West")
    above, below = found.unit.parts
    assert [(row["name"], row["amount"]) for row in above.addends.to_dict("records")] == [
        ("Alder", 30.0)
    ]
    assert (above.total, below.total) == (30.0, 3.0)
    assert same(float(found.unit.row["value"]), 10_000.0)


def test_a_unit_without_a_value_is_told_so(run):
    found = explain_value(run, "has_home", "A county")
    assert found.unit.row is None
    assert found.differences == ()


def test_year_and_alternative_can_be_chosen(run):
    assert pick_row(run, "has_home")["target_year"] == 2025
    assert pick_row(run, "has_home", year=2022)["target"] == 50
    assert pick_row(run, "has_home", alternative="half")["target"] == 50
    assert pick_row(run, "A care home within 1 km")["indicator_id"] == "within_1km"
    assert pick_row(run, "乡镇有养老机构", plan="own")["plan"] == "town"
    found = explain_value(run, "has_home", alternative="half")
    assert found.indicator.alternative == "half"
    assert found.differences == ()


@pytest.mark.parametrize(
    ("asked", "code", "word"),
    [
        ({"indicator": "within_1_km"}, "unknown_indicator", "within_1km"),
        ({"indicator": "homes", "plan": "twon"}, "unknown_plan", "town"),
        ({"indicator": "has_home", "alternative": "hlaf"}, "unknown_alternative", "half"),
        ({"indicator": "has_home", "year": 2023}, "unknown_year", "2022, 2025"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(run, asked, code, word):
    with pytest.raises(InputError) as caught:
        pick_row(run, asked.pop("indicator"), **asked)
    (problem,) = caught.value.problems
    assert problem.code == f"explain.{code}"
    assert word in problem.text("en")
    assert word in problem.text("zh")


def test_a_name_of_several_units_asks_for_an_id(run):
    units = pd.DataFrame(
        {
            "unit_id": ["village_level:1", "village_level:2", "township:3"],
            "code": ["1", "2", "3"],
            "name": ["新村", "新村", "东镇"],
            "level": ["village_level", "village_level", "township"],
            "parent_id": ["township:3", "", ""],
        }
    )
    with pytest.raises(InputError, match=r"village_level:1 \(东镇\), village_level:2"):
        pick_unit(units, "新村")
    assert pick_unit(units, "新村", preferred=["village_level:2"])["code"] == "2"
    with pytest.raises(InputError, match="did you mean 东镇"):
        pick_unit(units, "东真")
    with pytest.raises(InputError, match="there is no unit"):
        pick_unit(units.iloc[:0], "东镇")


def test_the_command_prints_the_arithmetic(town_runs):
    done = call(town_runs(), "nursing_share", "West")
    assert done.exit_code == 0, done.stderr
    assert "50 ÷ 80 × 100 = 62.5 %" in done.stdout
    assert "plan.txt lines 3" in done.stdout
    assert "homes.csv:3" in done.stdout
    assert "at least 70 % (2025, stated)" in done.stdout
    assert "62.5 does not reach the target 70" in done.stdout
    assert "Shortfall: 6 " in done.stdout
    assert "all are the same" in done.stdout
    chinese = call(town_runs(), "nursing_share", "--language", "zh")
    assert "50 ÷ 80 × 100 = 62.5 %" in chinese.stdout
    assert "全部一致" in chinese.stdout


def test_json_has_the_same_numbers(town_runs):
    done = call(town_runs(), "within_1km", "West", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["agrees"] is True
    assert told["scorecard"]["value"] == 60
    assert told["parts"]["numerator"]["computed"] == 6
    assert [row["weight"] for row in told["unit"]["people"][0]["points"]] == [2, 1]
    assert all(check["agrees"] for check in told["checks"])


@pytest.mark.parametrize(
    ("table", "column", "row", "value", "word"),
    [
        ("scorecard", "value", 3, "63.5", "value: the table has 63.5"),
        ("scorecard", "verdict", 3, "met", "verdict: the table has met"),
        ("trace", "amount", None, "41", "numerator: the table has 50, computed again it is 51"),
        ("facilities", "nursing_beds", 1, "39", "computed again it is 49"),
    ],
)
def test_a_changed_file_is_found_out(folder, table, column, row, value, word):
    if row is None:
        trace = pd.read_csv(folder / "trace.csv", dtype=str)
        row = trace.index[(trace["indicator_id"] == "nursing_share") & (trace["amount"] == "40")][0]
    change(folder, table, column, row, value)
    done = call(folder, "nursing_share")
    assert done.exit_code == 1
    assert word in done.stdout
    assert "all are the same" not in done.stdout


def test_a_changed_row_of_a_unit_is_found_out(folder):
    table = pd.read_csv(folder / "unit_results.csv", dtype=str, keep_default_na=False)
    mine = (table["indicator_id"] == "within_1km") & (table["unit_id"] == "township:330101002")
    change(folder, "unit_results", "numerator", int(mine.to_numpy().argmax()), "4")
    assert call(folder, "within_1km").exit_code == 0
    done = call(folder, "within_1km", "East")
    assert done.exit_code == 1
    assert "numerator of the unit: the table has 4, computed again it is 3" in done.stdout


@pytest.mark.parametrize("indicator", [one[0] for one in PAPER])
def test_every_date_of_judgement_comes_out_again(town_runs, indicator):
    """Before Birch opened half of the townships have a home, and 3 of 10 are within reach."""
    early = read_run(town_runs(as_of="2021-12-31"))
    found = explain_value(early, indicator, None if indicator == "homes" else "East")
    assert found.differences == ()
    expected = {
        "has_home": 50.0,
        "nursing_share": 100.0 * 10 / 30,
        "beds_per_1000": 3000.0,
        "within_1km": 30.0,
        "within_15_min": 30.0,
        "homes": 1.0,
    }
    assert same(float(found.row["value"]), expected[indicator])
    assert found.row["verdict"] == "not_due"


def test_faults_are_told_in_words(tmp_path, town_runs):
    done = call(tmp_path, "homes")
    assert done.exit_code == 1
    assert "run.json" in done.stderr
    done = call(town_runs(), "hommes", "--language", "zh")
    assert "是否指 homes" in done.stderr
    assert "Traceback" not in done.stderr


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=30), st.floats(0.01, 1e6))
def test_ten_digits_are_enough_for_a_quotient_to_come_out_again(amounts, bottom):
    written = [float(f"{one:.10g}") for one in amounts]
    top, below = float(f"{sum(amounts):.10g}"), float(f"{bottom:.10g}")
    value = float(f"{100 * sum(amounts) / bottom:.10g}")
    assert same(math.fsum(written), top)
    assert same(100 * math.fsum(written) / below, value)
    assert not same(value, value * 1.000001 + 1e-6)


def test_long_lists_are_cut_unless_all_is_asked_for(town_runs, small_town):
    homes = tuple(
        (f"N{number}", f"Home {number}", 1 + number % 20, 1, 10, 5, "2020-01-01", "")
        for number in range(25)
    )
    folder = town_runs(homes=homes)
    short, long = (call(folder, "nursing_share", *more).stdout for more in ((), ("--all",)))
    assert "and 5 more, 25 in all" in short
    assert len(re.findall(r"homes\.csv:", short)) == 40
    assert len(re.findall(r"homes\.csv:", long)) == 50
