"""Bounds of rules of travel: each cause only widens, and is named where it does."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.access import reaches
from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.journeys import farthest_m
from servicecircle.standards.plan import Target
from servicecircle.standards.residual_bounds import Residuals
from servicecircle.standards.uncertainty import CAUSES, Journeys, bounds_of, times

DOUBTS = [name for name in CAUSES if name not in ("roads", "residuals")]

POINT = st.tuples(
    st.one_of(st.none(), st.floats(0, 2000)),  # over the network
    st.floats(0, 300),  # facility nearer by
    st.floats(0, 300),  # facility farther by
    st.floats(0, 1),  # straight line as a part of the way
    st.floats(0, 200),  # error of the home
    st.one_of(st.none(), st.floats(0, 2000)),  # to the nearest exit
    st.floats(0, 100),  # people
)


def journeys_of(points, limit=1000.0, quick=0.75, slow=1.2):
    def column(values):
        return np.array([np.nan if one is None else one for one in values], float)

    taken = column(one[0] for one in points)
    part = column(one[3] for one in points)
    out = column(one[5] for one in points)
    straight = np.where(np.isnan(taken), 1500.0, taken) * part
    return Journeys(
        taken=taken,
        taken_least=np.maximum(taken - column(one[1] for one in points), 0.0),
        taken_most=taken + column(one[2] for one in points),
        straight=straight,
        straight_least=np.maximum(straight - column(one[1] for one in points), 0.0),
        error=column(one[4] for one in points),
        way_out=out,
        straight_out=out * part,
        unsnapped=np.isnan(taken),
        limit=limit,
        quick=quick,
        slow=slow,
    )


def plain_covered(point, on, *, high):
    """One person at a time, from the words of docs/method.md."""
    way, nearer, farther, part, error, out, _ = point
    moved = error if {"cell_size", "people_coordinates"} & set(on) else 0.0
    straight = (1500.0 if way is None else way) * part
    if not high:
        if way is None:
            return False
        way = way + (farther if "coordinates" in on else 0.0) + moved
        return way * (1.2 if "speed" in on else 1.0) <= 1000.0 + 1e-6
    shift = nearer if "coordinates" in on else 0.0
    ways = [] if way is None else [max(way - shift, 0.0)]
    by_crow = "definition" in on or ("unsnapped" in on and way is None)
    if by_crow:
        ways.append(max(straight - shift, 0.0))
    if "edge" in on and out is not None:
        ways.append(out)
        if by_crow:
            ways.append(out * part)
    return any(
        max(one - moved, 0.0) * (0.75 if "speed" in on else 1.0) <= 1000.0 + 1e-6 for one in ways
    )


@given(st.lists(POINT, min_size=1, max_size=8), st.sets(st.sampled_from(DOUBTS)))
@settings(max_examples=200, deadline=None)
def test_as_told_person_by_person(points, on):
    journeys = journeys_of(points)
    for end in ("low", "high"):
        found = reaches(times(journeys, on, end=end), journeys.limit)
        assert found.tolist() == [plain_covered(one, on, high=end == "high") for one in points]


@given(st.lists(POINT, min_size=1, max_size=8), st.sets(st.sampled_from(DOUBTS)))
@settings(max_examples=150, deadline=None)
def test_without_a_cause_the_bounds_lie_within_the_whole(points, on):
    journeys = journeys_of(points)
    weight = np.array([one[-1] for one in points])
    residuals = Residuals(
        unit=np.arange(len(points)) % 2,
        least=np.array([0.7, 1.0]),
        most=np.array([1.0, 1.9]),
        spare=np.array([0.0, 5.0]),
        names=("a", "b"),
    )
    value = reaches(journeys.taken, journeys.limit)
    whole = bounds_of(journeys, weight, on, residuals=residuals)
    assert not (whole.low & ~value).any()
    assert not (value & ~whole.high).any()
    if weight.sum() == 0.0:
        return
    share = weight @ value / weight.sum()
    assert whole.low_share <= share + 1e-9
    assert share <= whole.high_share + 1e-9
    for name in on:
        rest = bounds_of(journeys, weight, on - {name}, residuals=residuals)
        assert not (whole.low & ~rest.low).any()
        assert not (rest.high & ~whole.high).any()
        assert whole.low_share <= rest.low_share + 1e-12
        assert rest.high_share <= whole.high_share + 1e-12
        if name not in whole.causes:
            assert rest.low_share == pytest.approx(whole.low_share, abs=1e-9)
            assert rest.high_share == pytest.approx(whole.high_share, abs=1e-9)
    for width in whole.widths:
        assert whole.low_share <= width.low_alone + 1e-12
        assert width.high_alone <= whole.high_share + 1e-12
        alone = bounds_of(
            journeys, weight, {width.cause} - {"residuals"},
            residuals=residuals if width.cause == "residuals" else None,
        )  # fmt: skip
        assert width.low_alone == pytest.approx(alone.low_share, abs=1e-9)
        assert width.high_alone == pytest.approx(alone.high_share, abs=1e-9)


def test_each_cause_alone_is_named_and_none_without_a_difference():
    # 100 people each: 950 m, 1,040 m, no way (straight 900 m), 1,500 m but 980 m to an exit.
    points = [
        (950.0, 0.0, 0.0, 1.0, 60.0, None, 100.0),
        (1040.0, 0.0, 0.0, 1.0, 60.0, None, 100.0),
        (None, 0.0, 0.0, 0.6, 0.0, None, 100.0),
        (1500.0, 0.0, 0.0, 1.0, 0.0, 980.0, 100.0),
    ]
    journeys, weight = journeys_of(points, quick=1.0, slow=1.0), np.full(4, 100.0)
    expected = {
        (): (25.0, 25.0),
        ("cell_size",): (0.0, 50.0),
        ("unsnapped",): (25.0, 50.0),
        ("edge",): (25.0, 50.0),
        ("cell_size", "edge"): (0.0, 75.0),
        ("unsnapped", "cell_size", "edge"): (0.0, 100.0),
    }
    for on, bounds in expected.items():
        found = bounds_of(journeys, weight, on)
        assert (100 * found.low_share, 100 * found.high_share) == bounds
        assert found.causes == on
    assert bounds_of(journeys, weight, ["speed", "coordinates"]).causes == ()


# --- through the whole evaluation ------------------------------------------------------------

VILLAGES = ("111", "112", "121", "122")


def rule(make, **given):
    return make.indicator(
        **{
            "kind": "distance",
            "layer": "care_home",
            "level": "county",
            "threshold": 1000.0,
            "distance": "network",
            "numerator": "elderly_reached",
            "denominator": "elderly",
            "targets": (Target(year=2025, value=50),),
        }
        | given
    )


def judge(make, indicator, metres, *, columns=None, error=None, speed=4.0, **given):
    demand = make.demand(*((village, 200, 100) for village in VILLAGES))
    if error is not None:
        demand["position_error_m"] = error
    access = make.access(
        "care_home", "walk", [(one, one, "reached") for one in metres], speed_kmh=speed
    )
    evidence = make.evidence(
        **{
            "demand": demand,
            "access": access.assign(**(columns or {})),
            "layers": frozenset({"care_home"}),
            "facilities": make.facilities({"layer": "care_home"}),
            "has_roads": True,
            "layer_profiles": {"care_home": "walk"},
        }
        | given
    )
    return evaluate(make.plan(indicator), evidence, area="whole")


@pytest.mark.parametrize("cause", ["cell_size", "people_coordinates"])
def test_people_live_anywhere_about_their_point(make, cause):
    card, units = judge(make, rule(make), (900, 960, 1050, 1200), error=70.7, people_cause=cause)
    row = card.iloc[0]
    # 960 m may be 1,030.7; 1,050 m may be 979.3.
    assert (row["value"], row["low"], row["high"]) == (50, 25, 75)
    assert (row["width_causes"], row["verdict"]) == (cause, "undecided")
    villages = units.set_index("unit_id")
    assert villages.loc["village_level:112", ["low", "high"]].tolist() == [0, 100]
    assert villages.loc["township:12", ["low", "high"]].tolist() == [0, 50]


def test_an_error_of_the_home_costs_time_at_walking_speed(make):
    indicator = rule(make, kind="travel_time", threshold=15.0, distance="")
    # 1,000 m take 15 minutes at 4 km/h; a home 60 m off costs 54 s.
    card, _ = judge(make, indicator, (930, 941, 1059, 1061), error=60.0)
    assert card.loc[0, ["value", "low", "high"]].tolist() == [50, 25, 75]
    assert card.loc[0, "width_causes"] == "people_coordinates"


def test_who_is_near_an_open_exit_may_be_served_from_beyond(make):
    ways = {
        "exit_metres": [np.nan, 100.0, 999.0, 1001.0],
        "exit_seconds": np.nan,
        "exit_straight": [np.nan, 90.0, 400.0, 400.0],
    }
    card, units = judge(make, rule(make), (900, 960, 1050, 1200), columns=ways)
    row = card.iloc[0]
    # The one 999 m from the exit may find something right behind it; the last one cannot.
    assert (row["value"], row["low"], row["high"], row["width_causes"]) == (50, 50, 75, "edge")
    assert units.set_index("unit_id").loc["village_level:121", "high"] == 100
    # Where the clause may mean the straight line, that to the exit counts.
    unstated, _ = judge(make, rule(make, distance="unstated"), (900, 960, 1050, 1200), columns=ways)
    assert unstated.loc[0, "high"] == 100


def official(figures, level="township"):
    """Rows of calibration.csv: unit, official figure, people of the points (400 each)."""
    return pd.DataFrame(
        {
            "unit_id": list(figures),
            "level": level,
            "status": "compared",
            "official_population": list(figures.values()),
            "population": 400.0,
            "official_elderly": np.nan,
            "elderly": 200.0,
            "wholly_inside": True,
        }
    )


def test_units_have_the_people_of_their_points_or_of_the_official_figure(make):
    # East: all 200 elderly covered; west: none. East has 400 people by the raster, 800 officially.
    table = official({"township:11": 800.0, "township:12": 400.0})
    card, units = judge(make, rule(make), (900, 900, 2000, 2000), calibration=table)
    row = card.iloc[0]
    assert (row["value"], row["low"]) == (50, 50)
    assert row["high"] == pytest.approx(100 * 400 / 600)
    assert row["width_causes"] == "residuals"
    own = units.set_index("unit_id")
    assert own.loc["county:1", "high"] == pytest.approx(100 * 400 / 600)
    # Within one township everybody has the same factor.
    assert own.loc["township:11", ["low", "high"]].tolist() == [100, 100]
    # Scaled to the figures there is nothing left to doubt.
    exact = official({"township:11": 400.0, "township:12": 400.0})
    assert (
        judge(make, rule(make), (900, 900, 2000, 2000), calibration=exact)[0].loc[0, "width_causes"]
        == ""
    )


def test_a_unit_without_points_may_be_covered_or_not(make):
    table = official({"township:11": 400.0, "township:12": 400.0})
    lost = pd.DataFrame(
        {
            "unit_id": ["township:13"], "level": "township", "status": "no_people",
            "official_population": 800.0, "population": 0.0, "official_elderly": 400.0,
            "elderly": 0.0, "wholly_inside": True,
        }
    )  # fmt: skip
    evidence = {"calibration": pd.concat([table, lost], ignore_index=True)}
    card, _ = judge(make, rule(make), (900, 900, 2000, 2000), **evidence)
    # 200 of 400 are covered; of 400 more nobody or everybody.
    assert card.loc[0, "low"] == pytest.approx(25)
    assert card.loc[0, "high"] == pytest.approx(75)


def test_communities_move_with_all_their_people(make):
    indicator = make.indicator(
        kind="travel_time", layer="care_home", level="village_level", unit="%", threshold=15.0,
        denominator="units", numerator="units_with", profile="walk",
        targets=(Target(year=2025, value=100),),
    )  # fmt: skip
    card, units = judge(make, indicator, (900, 960, 1050, 1200), error=70.7)
    row = card.iloc[0]
    assert (row["value"], row["low"], row["high"]) == (50, 25, 75)
    assert row["width_causes"] == "people_coordinates"
    minutes = units.set_index("unit_id").loc["village_level:112"]
    assert minutes["low"] == pytest.approx((960 - 70.7) * 0.06 / 4)
    assert minutes["high"] == pytest.approx((960 + 70.7) * 0.06 / 4)


def test_the_value_never_moves(make):
    doubts = {
        "columns": {"exit_metres": 10.0, "exit_seconds": 9.0, "exit_straight": 9.0},
        "error": 500.0,
        "calibration": official({"township:11": 4000.0, "township:12": 40.0}),
    }
    plain, _ = judge(make, rule(make), (900, 960, 1050, 1200))
    for count in range(1, 4):
        for names in itertools.combinations(doubts, count):
            card, _ = judge(
                make, rule(make), (900, 960, 1050, 1200), **{name: doubts[name] for name in names}
            )
            same = ["value", "straight_value", "numerator", "denominator", "shortfall"]
            assert card.loc[0, same].tolist() == plain.loc[0, same].tolist()
            assert card.loc[0, "low"] <= plain.loc[0, "low"]
            assert card.loc[0, "high"] >= plain.loc[0, "high"]


def test_how_far_rules_look(make):
    plan = make.plan(
        rule(make, threshold=3000.0),
        rule(make, id="b", kind="travel_time", threshold=15.0, distance="", profile="elderly"),
    )
    assert farthest_m([plan], {"elderly": 3.0}) == 3000.0
    # At 4 km/h, the fastest of the range.
    assert farthest_m([make.plan(plan.indicators[1])], {"elderly": 3.0}) == pytest.approx(1000.0)
    drive = make.plan(rule(make, id="c", kind="travel_time", threshold=30.0, profile="drive"))
    assert farthest_m([drive], {"drive": float("nan")}) == pytest.approx(65_000.0)
