"""Competition for places in the small town, with truth on paper.

On foot 15 minutes are 1,000 m. 一号 has 8 places, and 30 elderly beside it and 10 at 770 m; 二号
has 5, and 20 elderly beside it. 8 elderly at 1,050 m and 5 at 1,010 m reach nothing, 3 have no
road, 4 live outside of all units.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from servicecircle.measure.capacity import (
    ASSIGNMENT_COLUMNS,
    ASSIGNMENT_FACILITY_COLUMNS,
    CATCHMENT_COLUMNS,
    CATCHMENT_FACILITY_COLUMNS,
    all_capacity,
)
from servicecircle.progress import Silent

CATCHMENTS = '\n[catchments.canteen]\nminutes = 15\nmethods = ["2sfca"]\nnorm = 2100\n'
ASSIGNMENT = "\n[assignment.canteen]\nminutes = 15\n"


@pytest.fixture
def measured(town, tmp_path):
    """Return a function that measures the town; the canteens have places."""

    def measure(extra, *, places=(8, 5, 99, 3), roads=True, people=None):
        table = pd.read_csv(tmp_path / "canteens.csv")
        if places is not None:
            table["床位数"] = pd.Series(places, dtype=object)
        table.to_csv(tmp_path / "canteens.csv", index=False)
        if people is not None:
            people(pd.read_csv(tmp_path / "people.csv")).to_csv(
                tmp_path / "people.csv", index=False
            )
        project, _, ground = town(roads=roads, extra=extra)
        return project, ground, all_capacity(project, ground, Silent())

    return measure


def unit(table, key, **asked):
    mine = table["unit_id"].str.contains(key)
    for column, value in asked.items():
        mine &= table[column] == value
    assert mine.sum() == 1
    return table[mine].iloc[0]


def codes(found):
    return [problem.code for problem in found.problems]


def test_catchments_on_paper(measured):
    _, _, found = measured(CATCHMENTS)
    table = found.tables["catchments"]
    assert tuple(table.columns) == CATCHMENT_COLUMNS
    assert table["level"].tolist() == ["area", "township", "township"]
    west, east, area = unit(table, "001000"), unit(table, "002000"), unit(table, "area")
    # 8/40 of the west's 40 elderly in reach, of 51; 5/20 of 20, of 25.
    assert west["score"] == pytest.approx(10000 * 8 / 51)
    assert east["score"] == pytest.approx(10000 * 5 / 25)
    assert area["score"] == pytest.approx(10000 * 13 / 76)
    counted = ["people", "within", "beyond_limit", "unreachable", "unsnapped"]
    assert west[counted].tolist() == [51, 40, 8, 0, 3]
    assert east[counted].tolist() == [25, 20, 5, 0, 0]
    # 2,500 reach the norm of 2,100, 2,000 do not.
    assert (west["share_at_norm"], east["share_at_norm"]) == (0.0, 20 / 25)
    assert area["people_at_norm"] == 20.0


def test_scores_of_points(measured):
    _, ground, found = measured(CATCHMENTS)
    scores = found.demand["score_canteen_2sfca"]
    # In reach, in reach, beyond, beyond, in reach, no road, outside.
    expected = [2000, 2000, 0, 0, 2500, np.nan, np.nan]
    assert scores == pytest.approx(expected, nan_ok=True)
    assert len(scores) == len(ground.demand)


def test_facilities_of_catchments(measured):
    _, _, found = measured(CATCHMENTS)
    table = found.tables["catchment_facilities"].set_index("facility_name")
    assert ("facility_name", *table.columns) == (
        "facility_name",
        *(name for name in CATCHMENT_FACILITY_COLUMNS if name != "facility_name"),
    )
    # 三号 is not open yet, 四号 has no road.
    assert sorted(table.index) == ["一号", "二号", "四号"]
    assert table.loc["一号", ["people_in_reach", "ratio"]].tolist() == [40.0, 2000.0]
    assert table["status"].to_dict() == {"一号": "counted", "二号": "counted", "四号": "unsnapped"}
    assert np.isnan(table.loc["四号", "ratio"])
    assert codes(found) == ["capacity.out_of_reach"]
    assert found.problems[0].details["places"] == "3"


def test_weights_change_the_score_and_not_its_sum(measured):
    for more in ("", "steps = [[1, 1.0], [15, 0.5]]\n"):
        _, ground, found = measured(CATCHMENTS.replace('["2sfca"]', '["e2sfca", "3sfca"]') + more)
        table = found.tables["catchments"]
        elderly = ground.demand["elderly"].to_numpy()
        for method in ("e2sfca", "3sfca"):
            assert unit(table, "area", method=method)["score"] == pytest.approx(10000 * 13 / 76)
            scores = np.nan_to_num(found.demand[f"score_canteen_{method}"])
            assert scores @ elderly / 10000 == pytest.approx(13)
    # By zones 20 m weigh 1 and 770 m a half: 8 / (30 + 10/2), half of it at 770 m.
    assert found.demand["score_canteen_3sfca"][1] == pytest.approx(10000 * 8 / 35 / 2)


def test_assignment_on_paper(measured):
    _, _, found = measured(ASSIGNMENT)
    table = found.tables["assignment"]
    assert tuple(table.columns) == ASSIGNMENT_COLUMNS
    for rule in ("nearest", "least_time"):
        west = unit(table, "001000", rule=rule)
        # All 8 places go to the elderly at 20 m: 0.3 minutes.
        assert west[["people", "placed", "left", "full"]].tolist() == [51, 8, 43, 32]
        assert west[["beyond_limit", "unsnapped"]].tolist() == [8, 3]
        assert west["left"] == west[["full", "beyond_limit", "unreachable", "unsnapped"]].sum()
        assert west["mean_minutes"] == pytest.approx(0.3, abs=1e-4)
        assert unit(table, "area", rule=rule)["left"] == 43 + 20
        left = found.demand[f"left_canteen_{rule}"]
        assert left == pytest.approx([22, 10, 8, 5, 15, 3, np.nan], nan_ok=True)
    places = found.tables["assignment_facilities"]
    assert tuple(places.columns) == ASSIGNMENT_FACILITY_COLUMNS
    one = places[(places["facility_name"] == "一号") & (places["rule"] == "nearest")].iloc[0]
    assert one[["assigned", "free"]].tolist() == [8.0, 0.0]
    proof = found.record["assignment.canteen"]["least_time"]
    assert proof["gap"] <= 1e-9
    assert proof["placed"] == 13.0


def test_only_a_share_needs_a_place(measured):
    _, _, found = measured(ASSIGNMENT + "share = 0.1\n")
    west = unit(found.tables["assignment"], "001000", rule="nearest")
    assert west[["people", "placed", "full"]].tolist() == pytest.approx([5.1, 4.0, 0.0])
    one = found.tables["assignment_facilities"].set_index("facility_name").loc["一号"]
    assert one["free"].tolist() == pytest.approx([4.0, 4.0])


def test_population_may_compete_and_outsiders_too(measured):
    more = 'weight = "population"\noutsiders = true\n'
    _, _, found = measured(CATCHMENTS + more)
    area = unit(found.tables["catchments"], "area")
    assert area["people"] == 286.0
    assert area["weight"] == "population"
    _, _, without = measured(CATCHMENTS + 'weight = "population"\n')
    assert unit(without.tables["catchments"], "area")["people"] == 277.0


def test_a_layer_may_be_measured_twice_under_names_of_its_own(measured):
    extra = CATCHMENTS + '[catchments.far]\nlayer = "canteen"\nminutes = 20\n'
    _, _, found = measured(extra)
    table = found.tables["catchments"]
    assert set(table["name"]) == {"canteen", "far"}
    assert set(table["layer"]) == {"canteen"}
    # 1,220 m and 1,010 m are 18.3 and 15.2 minutes.
    assert unit(table, "002000", name="far", method="2sfca")["within"] == 25.0


def test_unknown_capacity_is_left_out_and_told(measured):
    _, _, found = measured(CATCHMENTS, places=("", 5, 99, 0))
    table = found.tables["catchment_facilities"].set_index("facility_name")
    assert table.loc["一号", "status"] == "no_capacity"
    (problem,) = (one for one in found.problems if one.code == "capacity.unknown")
    assert (problem.value, problem.details["total"]) == ("1", 3)
    assert unit(found.tables["catchments"], "001000")[["score", "within"]].tolist() == [0.0, 0.0]
    # 四号 without road has no places to lose.
    assert codes(found) == ["capacity.unknown"]


def test_no_capacity_at_all_is_no_data(measured):
    _, _, found = measured(CATCHMENTS + ASSIGNMENT, places=None)
    assert codes(found) == ["capacity.unknown", "capacity.unknown"]
    assert found.tables["catchments"][["score", "share_at_norm"]].isna().all(axis=None)
    assert found.tables["assignment"][["placed", "left", "mean_minutes"]].isna().all(axis=None)
    assert np.isnan(found.demand["score_canteen_2sfca"]).all()
    assert set(found.tables["catchment_facilities"]["status"]) == {"no_capacity"}


def test_places_of_zero_are_kept(measured):
    _, _, found = measured(CATCHMENTS + ASSIGNMENT, places=(0, 0, 0, 0))
    assert found.tables["catchments"]["score"].tolist() == [0.0, 0.0, 0.0]
    assert found.tables["assignment"]["placed"].sum() == 0.0
    assert unit(found.tables["assignment"], "001000", rule="nearest")["full"] == 40.0
    assert codes(found) == []


def test_without_roads_there_is_no_answer(measured):
    _, _, found = measured(CATCHMENTS + ASSIGNMENT, roads=False)
    assert codes(found) == ["capacity.no_roads", "capacity.no_roads"]
    assert all(table.empty for table in found.tables.values())
    assert tuple(found.tables["catchments"].columns) == CATCHMENT_COLUMNS
    assert not found.demand


def test_without_elderly_there_is_no_answer(measured):
    _, _, found = measured(CATCHMENTS, people=lambda table: table.assign(elderly=0))
    assert codes(found) == ["capacity.no_people"]


def test_all_unsnapped(measured):
    # 830 m to the north, and so beyond the 500 m from which a road is found.
    def away(table):
        return table.assign(lat=table["lat"] + 0.0075)

    _, _, found = measured(CATCHMENTS + ASSIGNMENT + "outsiders = true\n", people=away)
    area = unit(found.tables["catchments"], "area")
    # The one at 700 m is outside of the units now.
    assert area[["people", "unsnapped", "score"]].tolist() == [73.0, 73.0, 0.0]
    assert np.isnan(found.demand["score_canteen_2sfca"]).all()
    area = unit(found.tables["assignment"], "area", rule="least_time")
    assert area["unsnapped"] == area["left"] == area["people"] == 80.0
    assert np.isnan(area["mean_minutes"])


def test_nobody_in_reach(measured):
    _, _, found = measured(CATCHMENTS.replace("= 15", "= 0.001"))
    table = found.tables["catchment_facilities"]
    assert sorted(table["status"]) == ["nobody", "nobody", "unsnapped"]
    assert table["ratio"].isna().all()
    assert found.tables["catchments"]["score"].tolist() == [0.0, 0.0, 0.0]


def test_nothing_is_computed_that_is_not_asked_for(measured):
    _, _, found = measured("")
    assert not found.tables
    assert not found.demand
    assert not found.record


def test_every_problem_has_its_text(measured):
    _, _, found = measured(CATCHMENTS, places=("", 5, 99, 3))
    for problem in found.problems:
        for language in ("zh", "en"):
            assert "{" not in problem.text(language)
