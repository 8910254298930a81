"""compare: what changed is what was changed, and nothing is dropped."""

from __future__ import annotations

import json
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from servicecircle.cli import main
from servicecircle.compare.people import Limit, changed_people, people_changes, reach_summary
from servicecircle.compare.places import facility_changes
from servicecircle.compare.runs import compare_runs
from servicecircle.compare.tables import change_of, differ, matched
from servicecircle.errors import InputError
from servicecircle.inputs.runs import read_run

NAN = math.nan
FASTER = ("network.elderly_kmh=5",)


def call(*arguments):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture
def both(town_runs):
    """Return a function that compares the town with the town changed."""

    def compare(**given):
        return compare_runs(read_run(town_runs()), read_run(town_runs(**given)), shapes=True)

    return compare


def test_a_run_compared_with_itself_has_not_changed(both):
    found = both()
    assert found.settings.empty
    assert found.inputs.empty
    assert found.problems == ()
    for table in (found.indicators, found.units, found.unit_results):
        assert (table["status"] == "both").all()
        assert not table["changed"].any()
    assert (found.facilities["status"] == "same").all()
    assert found.people.empty
    assert found.reach[["gained_points", "lost_points"]].to_numpy().sum() == 0


def test_another_date_closes_a_home_and_turns_verdicts(both):
    """Before 2022 there is Alder alone: 3 of 10 within 1 km instead of 6."""
    found = both(as_of="2021-12-31")
    assert found.settings["key"].tolist() == ["project.as_of"]
    rows = found.indicators[found.indicators["indicator_id"] == "within_1km"].iloc[0]
    assert (rows["value_a"], rows["value_b"]) == pytest.approx((60.0, 30.0))
    assert rows["value_change"] == pytest.approx(-30.0)
    assert (rows["verdict_a"], rows["verdict_b"], rows["turned"]) == ("not_met", "not_due", True)
    homes = found.facilities.set_index("name")["status"]
    assert homes.to_dict() == {"Alder": "same", "Birch": "closed", "Cedar": "same"}
    (reach,) = found.reach.to_dict("records")
    assert (reach["rule"], reach["lost_population"], reach["lost_elderly"]) == ("15 min", 30.0, 3.0)
    assert reach["gained_points"] == 0


def test_faster_walking_gains_people_and_moves_no_facility(both):
    """At 5 km/h 15 minutes are 1,250 m, and the four persons at 1,100 m are within reach."""
    found = both(changes=FASTER)
    assert found.settings.values.tolist() == [["network.elderly_kmh", "3.0", "5.0"]]
    (reach,) = found.reach.to_dict("records")
    assert (reach["gained_population"], reach["gained_elderly"]) == (40.0, 4.0)
    turned = found.people[found.people["turn"] == "gained"]
    assert turned["minutes_a"].round().tolist() == [22.0]
    assert (turned["minutes_b"] * 5 / 3).to_numpy() == pytest.approx(turned["minutes_a"])
    assert (found.facilities["status"] == "same").all()
    value = found.indicators.set_index("indicator_id")["value_change"]
    assert value["within_15_min"] == pytest.approx(40.0)
    assert value["within_1km"] == 0.0


def test_a_proposed_home_is_told_with_what_it_changes(both, small_town):
    more = (*small_town.HOMES, ("H4", "Dogwood", 20, 9, 25, 25, "2025-06-01", ""))
    found = both(homes=more)
    homes = found.facilities.set_index("name")
    assert homes["status"].to_dict() == {
        "Alder": "same",
        "Birch": "same",
        "Cedar": "same",
        "Dogwood": "added",
    }
    assert found.inputs.values.tolist() == [["homes.csv", "changed"]]
    values = found.indicators.set_index(["indicator_id", "alternative", "target_year"])
    assert values.loc[("homes", "", 2025.0), "value_change"] == 1.0
    assert values.loc[("beds_per_1000", "", 2025.0), "numerator_change"] == 25.0
    east = found.units.set_index(["name", "rule"]).loc[("East", "presence")]
    assert (east["facilities_a"], east["facilities_b"]) == (1.0, 2.0)
    back = compare_runs(found.b, found.a)
    assert back.facilities.set_index("name").loc["Dogwood", "status"] == "removed"
    assert (back.reach["lost_population"] == found.reach["gained_population"]).all()


def test_a_home_that_stands_elsewhere_has_moved(both):
    found = both(shift=30.0)
    birch = found.facilities.set_index("name").loc["Birch"]
    assert (birch["status"], birch["matched_by"]) == ("moved", "id")
    assert birch["moved_m"] == pytest.approx(30.0, abs=0.1)


def test_a_home_with_other_beds_has_changed(both, small_town):
    alder = ("H1", "Alder", 1, 1, 35, 10, "2020-01-01", "")
    found = both(homes=(alder, *small_town.HOMES[1:]))
    row = found.facilities.set_index("name").loc["Alder"]
    assert (row["status"], row["columns"]) == ("changed", "capacity")


def test_other_names_plans_and_people_are_told(both):
    found = both(name="Other town")
    assert [problem.code for problem in found.problems] == ["compare.other_project"]
    for problem in found.problems:
        assert "Other town" in problem.text("zh")


def test_another_area_is_refused(both, town_runs, tmp_path):
    with pytest.raises(InputError, match="no unit in common"):
        both(township="440101", name="Far town")
    done = call(town_runs(), town_runs(township="440101", name="Far town"), "--language", "zh")
    assert done.exit_code == 1
    assert "没有共同的单元" in done.stderr


def test_the_command_writes_the_same_bytes_each_time(town_runs, tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        done = call(town_runs(), town_runs(as_of="2021-12-31"), "--out", folder)
        assert done.exit_code == 0, done.stderr
        assert "not met" in done.stdout
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == [
        "compare.csv",
        "compare.gpkg",
        "compare_facilities.csv",
        "compare_people.parquet",
        "compare_reach.csv",
        "compare_settings.csv",
        "compare_unit_results.csv",
        "compare_units.csv",
        "problems.csv",
        "run.json",
    ]
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    units = gpd.read_file(folders[0] / "compare.gpkg", layer="units_township").set_index("name")
    assert units.loc["East", "care_home_presence_change"] == -1
    assert units.loc["East", "care_home_15_min_change"] == pytest.approx(-3 / 7)
    assert units.loc["West", "care_home_15_min_change"] == 0
    points = gpd.read_file(folders[0] / "compare.gpkg", layer="demand")
    assert sorted(points["care_home_turn"]) == ["lost", "out"]
    homes = gpd.read_file(folders[0] / "compare.gpkg", layer="facilities").set_index("name")
    assert homes.loc["Birch", "status"] == "closed"
    record = json.loads((folders[0] / "run.json").read_text(encoding="utf-8"))
    assert record["command"] == "compare"
    assert record["rows_out"]["compare_people.parquet"] == 2


def test_a_run_is_not_replaced_by_a_comparison(town_runs, tmp_path):
    one, other = town_runs(), town_runs(as_of="2021-12-31")
    before = (one / "scorecard.csv").read_bytes()
    assert call(one, other, "--out", one).exit_code == 1
    third = town_runs(changes=FASTER)
    done = call(one, other, "--out", third)
    assert done.exit_code == 1
    assert (third / "scorecard.csv").is_file()
    assert (one / "scorecard.csv").read_bytes() == before
    assert call(one, tmp_path).exit_code == 1
    assert call(one, tmp_path / "nowhere").exit_code == 1


keys = st.text("abc", min_size=1, max_size=1)
cells = st.one_of(st.just(NAN), st.integers(0, 3).map(float))
rows = st.lists(st.tuples(keys, cells), max_size=6, unique_by=lambda row: row[0])


@given(rows, rows)
def test_matching_is_that_of_a_plain_dictionary(one, other):
    a, b = (pd.DataFrame(table, columns=["id", "x"]).astype({"x": float}) for table in (one, other))
    found = matched(a, b, keys=["id"], numbers=["x"])
    left, right = dict(one), dict(other)
    order = [*left, *(key for key in right if key not in left)]
    assert found["id"].tolist() == order
    for row in found.to_dict("records"):
        in_a, in_b = row["id"] in left, row["id"] in right
        assert row["status"] == ("both" if in_a and in_b else "only_a" if in_a else "only_b")
        before, after = left.get(row["id"], NAN), right.get(row["id"], NAN)
        assert row["x_a"] == before or (math.isnan(row["x_a"]) and math.isnan(before))
        change = after - before
        assert row["x_change"] == change or (math.isnan(row["x_change"]) and math.isnan(change))
        same = before == after or (math.isnan(before) and math.isnan(after))
        assert bool(row["changed"]) == (not (in_a and in_b) or not same)


def test_a_key_that_comes_twice_matches_in_order():
    a = pd.DataFrame({"id": ["x", "x"], "v": [1.0, 2.0]})
    b = pd.DataFrame({"id": ["x", "x", "x"], "v": [1.0, 5.0, 9.0]})
    found = matched(a, b, keys=["id"], numbers=["v"])
    assert found["status"].tolist() == ["both", "both", "only_b"]
    assert found["v_change"].tolist()[:2] == [0.0, 3.0]


def test_from_no_data_to_a_value_is_a_change_without_a_number():
    a, b = pd.Series([NAN, NAN, 1.0]), pd.Series([2.0, NAN, NAN])
    assert differ(a, b).tolist() == [True, False, True]
    assert change_of(a, b).isna().all()


points = st.lists(
    st.tuples(st.integers(0, 5), st.one_of(st.just(NAN), st.floats(0, 2000)), st.integers(0, 9)),
    max_size=6,
    unique_by=lambda row: row[0],
)


@given(points, points)
def test_gained_and_lost_people_are_those_of_a_plain_loop(one, other):
    def table(given):
        return pd.DataFrame(
            {
                "demand_id": [f"d{number}" for number, _, _ in given],
                "seconds": np.array([seconds for _, seconds, _ in given], float),
                "population": np.array([people for _, _, people in given], float),
                "facility_id": [""] * len(given),
            }
        ).assign(metres=0.0, straight_metres=0.0, elderly=1.0, lon=0.0, lat=0.0)

    limit = Limit(rule="15 min", column="seconds", value=900.0)
    people = people_changes(table(one), table(other), layer="canteen", limit=limit)
    before = {number: seconds for number, seconds, _ in one}
    after = {number: (seconds, count) for number, seconds, count in other}
    gained = lost = 0.0
    for number in before.keys() & after.keys():
        was, now = before[number] <= 900.0 + 1e-6, after[number][0] <= 900.0 + 1e-6
        gained += after[number][1] if now and not was else 0
        lost += after[number][1] if was and not now else 0
    found = reach_summary(people, layer="canteen", limit=limit)
    assert (found["gained_population"], found["lost_population"]) == (gained, lost)
    assert len(people) == len(before.keys() | after.keys())
    only = before.keys() ^ after.keys()
    assert int((people["status"] != "both").sum()) == len(only)
    kept = changed_people(people)
    assert set(people.loc[people["turn"].isin(["gained", "lost"]), "demand_id"]) <= set(
        people.loc[kept, "demand_id"]
    )


def test_a_home_without_a_code_is_known_by_its_name():
    def homes(*given):
        columns = ["facility_id", "layer", "name", "lon", "lat", "open"]
        return pd.DataFrame(given, columns=columns)

    before = homes(
        ("c:1", "canteen", "甲", 0.0, 0.0, True), ("c:2", "canteen", "乙", 0.0, 0.0, True)
    )
    after = homes(
        ("c:9", "canteen", "甲", 0.001, 0.0, True),
        ("c:7", "canteen", "乙", 0.0, 0.0, True),
        ("c:8", "canteen", "乙", 0.0, 0.0, True),
    )
    found = facility_changes(before, after)
    told = found[["facility_id", "status", "matched_by"]].values.tolist()
    # Two of the name 乙 cannot be told apart: one is gone, and two have come.
    assert told == [
        ["c:9", "moved", "name"],
        ["c:2", "removed", ""],
        ["c:7", "added", ""],
        ["c:8", "added", ""],
    ]
    assert found["moved_m"].iloc[0] == pytest.approx(111.3, abs=0.1)
    without_place = before.assign(lon=NAN, lat=NAN)
    placed = facility_changes(without_place, before)
    assert (placed["status"] == "moved").all()
    assert placed["moved_m"].isna().all()
