"""distance and travel_time: the two answers, their bounds and what they prove."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.plan import Target

SCOPE = frozenset({"main_urban_area"})
# elderly 100 each; network metres, straight metres, status
POINTS = [
    (1000.0, 900, "reached"),
    (1000.0000005, 950, "reached"),
    (1200, 950, "reached"),
    (3000, 2500, "reached"),
]


def distance(make, target=100, **given):
    return make.indicator(
        **{
            "kind": "distance",
            "layer": "care_home",
            "level": "county",
            "threshold": 1000.0,
            "distance": "unstated",
            "numerator": "elderly_reached",
            "denominator": "elderly",
            "targets": (Target(year=2025, value=target),),
        }
        | given
    )


def minutes(make, target=100, **given):
    base = {"kind": "travel_time", "threshold": 15.0, "distance": ""}
    return distance(make, target, **(base | given))


def judge(make, rule, points=POINTS, *, profile="walk", speed=4.0, pins=None, **evidence):
    villages = ["111", "112", "121", "122"]
    demand = make.demand(*((villages[n % 4], 200, 100) for n in range(len(points))))
    given = {
        "demand": demand,
        "access": make.access("care_home", profile, points, speed_kmh=speed),
        "layers": frozenset({"care_home"}),
        "facilities": make.facilities({"layer": "care_home"}),
        "has_roads": True,
        "layer_profiles": {"care_home": profile},
        "basis": "resident",
        "age_from": 60,
    } | evidence
    return evaluate(make.plan(rule), make.evidence(**given), area="whole", pins=pins)


def test_both_answers_side_by_side(make):
    scorecard, units = judge(make, distance(make))
    row = scorecard.iloc[0]
    # 1,000.0000005 m is within the slack of 1e-6.
    assert (row["value"], row["straight_value"]) == (50.0, 75.0)
    assert (row["numerator"], row["denominator"], row["shortfall"]) == (200, 400, 200)
    assert (row["low"], row["high"], row["width_causes"]) == (50, 75, "definition")
    assert (row["profile"], row["speed_kmh"]) == ("walk", 4.0)
    assert "常住人口" in row["notes"]
    villages = units.set_index("unit_id")
    assert villages.loc["township:11", "value"] == 100
    assert villages.loc["township:12", ["numerator", "denominator"]].tolist() == [0, 200]
    # A village is finer than the plan's level: shown with its value and gap, not judged.
    assert set(villages["verdict"][villages.index != "county:1"]) == {"not_applicable"}
    # 50 to 75 % of 100 %: missed, whichever distance is meant.
    assert villages.loc["county:1", "verdict"] == "not_met"
    assert villages.loc["village_level:122", "shortfall"] == 100


@pytest.mark.parametrize(
    ("target", "pin", "verdict"),
    [
        (50, None, "met"),
        (50.001, None, "undecided"),
        (75, None, "undecided"),
        (75.001, None, "not_met"),
        (75, "straight", "met"),
        (75, "network", "not_met"),
        (50, "network", "met"),
        (76, "straight", "not_met"),
    ],
)
def test_the_verdict_is_undecided_only_where_the_answers_differ(make, target, pin, verdict):
    pins = {"rule": pin} if pin else None
    row = judge(make, distance(make, target), pins=pins)[0].iloc[0]
    assert row["verdict"] == verdict
    assert (row["width_causes"] == "definition") == (pin is None)


def test_people_without_a_number_stay_in_the_denominator(make):
    points = [
        (500, 400, "reached"),
        (None, 800, "unsnapped"),
        (None, 700, "unreachable"),
        (None, 5000, "unsnapped"),
    ]
    row = judge(make, distance(make, 25, distance="network"), points)[0].iloc[0]
    assert (row["value"], row["denominator"], row["verdict"]) == (25, 400, "met")
    row = judge(make, distance(make, 50, distance="network"), points)[0].iloc[0]
    # The unsnapped at 800 m may have a road short enough; the unreachable cannot.
    assert (row["low"], row["high"], row["width_causes"]) == (25, 50, "unsnapped")
    assert row["verdict"] == "undecided"
    row = judge(make, distance(make, 75, distance="network"), points)[0].iloc[0]
    assert row["verdict"] == "not_met"


@pytest.mark.parametrize(
    ("target", "pin", "verdict", "missing"),
    [
        (76, None, "not_met", "[roads]"),
        (75, None, "undecided", "[roads]"),
        (76, "network", "not_met", "[roads]"),
        (75, "network", "no_data", "[roads]"),
        (75, "straight", "met", ""),
        (76, "straight", "not_met", ""),
    ],
)
def test_without_roads_failure_is_proved_and_success_is_not(make, target, pin, verdict, missing):
    points = [(None, straight, "unsnapped") for _, straight, _ in POINTS]
    pins = {"rule": pin} if pin else None
    row = judge(make, distance(make, target), points, has_roads=False, pins=pins)[0].iloc[0]
    if pin == "straight":
        assert (row["value"], row["low"], row["high"]) == (75.0, 75.0, 75.0)
    else:
        assert math.isnan(row["value"])
    assert row["straight_value"] == 75
    assert (row["verdict"], row["missing_inputs"]) == (verdict, missing)


def test_the_main_urban_area_has_to_be_supplied(make):
    rule = distance(make, scope="main_urban_area")
    row = judge(make, rule)[0].iloc[0]
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[boundaries.main_urban_area]")
    demand = make.demand(("111", 200, 100), ("112", 200, 300), ("121", 200, 100), ("", 1, 1))
    demand["in_main_urban_area"] = [True, False, True, False]
    row = judge(make, rule, demand=demand, scopes=SCOPE)[0].iloc[0]
    assert (row["value"], row["denominator"]) == (50, 200)


def test_people_outside_all_units_are_outside_the_area(make):
    demand = make.demand(("111", 9, 100), ("112", 9, 100), ("", 9, 100), ("", 9, 100))
    row = judge(make, distance(make), demand=demand)[0].iloc[0]
    assert (row["value"], row["denominator"]) == (100, 200)


def test_missing_people_layers_and_tables(make):
    row = judge(make, distance(make), demand=pd.DataFrame())[0].iloc[0]
    assert row["missing_inputs"] == "[population]"
    demand = make.demand(("111", 9, math.nan))
    row = judge(make, distance(make), demand=demand)[0].iloc[0]
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[population] elderly")
    row = judge(make, distance(make), layers=frozenset())[0].iloc[0]
    assert row["missing_inputs"] == "[facilities.care_home]"
    row = judge(make, distance(make), access=pd.DataFrame())[0].iloc[0]
    assert row["missing_inputs"] == "access care_home walk"


def test_nobody_is_no_data_and_no_facility_is_zero(make):
    demand = make.demand(("111", 9, 0), ("112", 9, 0))
    row = judge(make, distance(make), demand=demand)[0].iloc[0]
    assert row["verdict"] == "no_data"
    assert math.isnan(row["value"])
    row = judge(make, distance(make), facilities=make.facilities(), access=pd.DataFrame())[0]
    assert (row.at[0, "value"], row.at[0, "verdict"]) == (0, "not_met")


def test_some_without_a_number_of_elderly_are_left_out_and_said(make):
    demand = make.demand(("111", 9, 100), ("112", 9, math.nan), ("121", 9, 100), ("122", 9, 100))
    row = judge(make, distance(make), demand=demand)[0].iloc[0]
    assert row["denominator"] == 300
    assert "1 个需求点" in row["notes"]


def test_minutes_of_the_elderly_have_a_range_of_speed(make):
    # 15 min: 750 m at 3 km/h, 625 m at 2.5, 1,000 m at 4.
    points = [
        (600, 500, "reached"),
        (750, 600, "reached"),
        (1000, 600, "reached"),
        (1001, 600, "reached"),
    ]
    options = {"profile": "elderly", "speed": 3.0}
    row = judge(make, minutes(make, 50), points, **options)[0].iloc[0]
    assert (row["value"], row["low"], row["high"]) == (50, 25, 75)
    assert (row["width_causes"], row["speed_kmh"]) == ("speed", 3.0)
    for target, verdict in ((25, "met"), (26, "undecided"), (75, "undecided"), (76, "not_met")):
        found = judge(make, minutes(make, target), points, **options)[0].iloc[0]
        assert found["verdict"] == verdict
    row = judge(make, minutes(make, 50), points)[0].iloc[0]
    assert (row["value"], row["low"], row["high"], row["profile"]) == (75, 75, 75, "walk")


def test_900_and_a_bit_seconds_are_15_minutes(make):
    points = [(750, 700, "reached")]
    access = make.access("care_home", "elderly", points, speed_kmh=3.0)
    access["seconds"] = 900.0000000000001
    row = judge(make, minutes(make, 100), points, profile="elderly", access=access)[0].iloc[0]
    assert row["value"] == 100


def test_a_reading_is_never_missed(make):
    rule = minutes(make, targets=(Target(year=2025, value=100, basis="reading"),))
    row = judge(make, rule)[0].iloc[0]
    assert (row["verdict"], row["shortfall"], row["value"]) == ("undecided", 200, 50)
    assert row["width_causes"].endswith("reading")
    near = [(500, 400, "reached")] * 4
    assert judge(make, rule, near)[0].at[0, "verdict"] == "met"
    units = judge(make, rule)[1].set_index("unit_id")
    assert "not_met" not in set(units["verdict"])


def test_minutes_without_roads(make):
    points = [(None, straight, "unsnapped") for straight in (500, 900, 2000, 2000)]
    row = judge(make, minutes(make, 60), points, has_roads=False)[0].iloc[0]
    assert (row["verdict"], row["straight_value"], row["high"]) == ("not_met", 50, 50)
    row = judge(make, minutes(make, 50), points, has_roads=False)[0].iloc[0]
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[roads]")


def test_access_in_another_order_gives_the_same(make):
    access = make.access("care_home", "walk", POINTS)
    first = judge(make, distance(make), access=access)
    again = judge(make, distance(make), access=access.iloc[::-1])
    pd.testing.assert_frame_equal(first[0], again[0])
    pd.testing.assert_frame_equal(first[1], again[1])


def communities(make, **given):
    return minutes(
        make,
        **{
            "level": "village_level",
            "scope": "urban_communities",
            "denominator": "units",
            "basket": ("care_home",),
        }
        | given,
    )


def test_a_community_passes_by_the_mean_time_of_its_people(make):
    # Community 112: 300 people at 500 m, 100 at 2,200 m: mean 925 m, 13.875 min.
    # Community 121: 100 people at 500 m, 100 at 1,600 m: mean 1,050 m, 15.75 min.
    demand = make.demand(("112", 300, 1), ("112", 100, 1), ("121", 100, 1), ("121", 100, 1))
    points = [(500, 1, "reached"), (2200, 1, "reached"), (500, 1, "reached"), (1600, 1, "reached")]
    scorecard, units = judge(make, communities(make), points, demand=demand)
    row = scorecard.iloc[0]
    assert (row["value"], row["numerator"], row["denominator"]) == (50, 1, 2)
    table = units.set_index("unit_id")
    assert table["value"].to_dict() == pytest.approx(
        {"village_level:112": 13.875, "village_level:121": 15.75}
    )
    assert table["target"].tolist() == [15, 15]
    assert table["verdict"].tolist() == ["met", "not_met"]
    assert table["shortfall"].tolist() == pytest.approx([0, 0.75])


def test_a_community_with_somebody_out_of_reach_fails_unless_only_unsnapped(make):
    demand = make.demand(("112", 300, 1), ("112", 1, 1), ("121", 100, 1), ("121", 1, 1))
    points = [
        (500, 1, "reached"),
        (None, 900, "unsnapped"),
        (500, 1, "reached"),
        (None, 900, "unreachable"),
    ]
    row = judge(make, communities(make), points, demand=demand)[0].iloc[0]
    assert (row["value"], row["low"], row["high"]) == (0, 0, 50)
    assert row["width_causes"] == "unsnapped"


def test_communities_need_roads_and_every_layer_of_the_basket(make):
    rule = communities(make, basket=("care_home", "canteen"))
    row = judge(make, rule, has_roads=False)[0].iloc[0]
    assert row["missing_inputs"] == "[facilities.canteen]; [roads]"


def test_communities_that_cannot_be_told_or_have_nobody(make):
    units = make.units()
    units.loc[units["level"] == "village_level", "type"] = ""
    row = judge(make, communities(make), units=units)[0].iloc[0]
    assert row["missing_inputs"] == "[boundaries.village_level] type"
    demand = make.demand(("111", 10, 1), ("112", 0, 0))
    row = judge(make, communities(make), demand=demand)[0].iloc[0]
    assert row["missing_inputs"] == "[population]"
    demand = make.demand(("111", 10, 1), ("112", 10, 1))
    row = judge(make, communities(make), POINTS[:2], demand=demand)[0].iloc[0]
    assert (row["value"], row["denominator"]) == (100, 1)
    assert "1 个单元没有人口" in row["notes"]
    row = judge(make, communities(make), access=pd.DataFrame())[0].iloc[0]
    assert row["missing_inputs"] == "access care_home walk"


def test_communities_at_the_speeds_of_the_elderly(make):
    # 900 m take 18 min at 3 km/h, 13.5 at 4; 700 m take 14 and, at 2.5 km/h, 16.8.
    demand = make.demand(("112", 10, 1), ("121", 10, 1))
    points = [(900, 1, "reached"), (700, 1, "reached")]
    row = judge(make, communities(make), points, demand=demand, profile="elderly", speed=3.0)[
        0
    ].iloc[0]
    assert (row["value"], row["low"], row["high"]) == (50, 0, 100)
    assert row["width_causes"] == "speed"
