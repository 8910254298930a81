"""Facilities whose place is only known to some metres widen the bounds of travel rules."""

from __future__ import annotations

import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.plan import Target

# 100 elderly each. The way is known to 250 m: nearest as is, at least, at most.
POINTS = [(600, 350, 850), (900, 650, 1150), (1200, 950, 1450), (1300, 1050, 1550)]


def rule(make, target, **given):
    return make.indicator(
        **{
            "kind": "distance",
            "layer": "care_home",
            "level": "county",
            "threshold": 1000.0,
            "distance": "network",
            "numerator": "elderly_reached",
            "denominator": "elderly",
            "targets": (Target(year=2025, value=target),),
        }
        | given
    )


def access_of(make, points=POINTS, *, profile="walk", speed=4.0):
    table = make.access(
        "care_home", profile, [(one, one - 50, "reached") for one, *_ in points], speed_kmh=speed
    )
    metres = table["metres"]
    assert metres.notna().all()
    pace = 3.6 / speed
    return table.assign(
        metres_least=[float(least) for _, least, _ in points],
        metres_most=[float(most) for *_, most in points],
        seconds_least=[least * pace for _, least, _ in points],
        seconds_most=[most * pace for *_, most in points],
        straight_least=[float(least - 50) for _, least, _ in points],
        straight_most=[float(most - 50) for *_, most in points],
    )


def judge(make, indicator, access, *, profile="walk", pins=None, **given):
    demand = make.demand(*((village, 200, 100) for village in ("111", "112", "121", "122")))
    evidence = make.evidence(
        **{
            "demand": demand,
            "access": access,
            "layers": frozenset({"care_home"}),
            "facilities": make.facilities({"layer": "care_home"}),
            "has_roads": True,
            "layer_profiles": {"care_home": profile},
        }
        | given
    )
    return evaluate(make.plan(indicator), evidence, area="whole", pins=pins)[0].iloc[0]


@pytest.mark.parametrize(
    ("target", "verdict"), [(25, "met"), (26, "undecided"), (75, "undecided"), (76, "not_met")]
)
def test_a_target_between_the_bounds_is_undecided(make, target, verdict):
    # 600 m stays within 1,000 m whatever the error; 900 m may be 1,150 m; 1,200 m may be 950 m.
    row = judge(make, rule(make, target), access_of(make))
    assert (row["value"], row["low"], row["high"]) == (50, 25, 75)
    assert (row["width_causes"], row["verdict"]) == ("coordinates", verdict)


def test_exact_places_widen_nothing(make):
    points = [(one, one, one) for one, *_ in POINTS]
    row = judge(make, rule(make, 50), access_of(make, points))
    assert (row["value"], row["low"], row["high"], row["width_causes"]) == (50, 50, 50, "")
    # A layer without errors beside one with them has empty cells.
    blank = access_of(make)
    blank[[name for name in blank if name.endswith(("_least", "_most"))]] = float("nan")
    row = judge(make, rule(make, 50), blank)
    assert (row["low"], row["high"], row["width_causes"]) == (50, 50, "")


def test_a_rule_of_the_straight_line(make):
    # 550, 850, 1,150 and 1,250 m; the first stays, the second may be 1,100 m, the last but one
    # 900 m and the last 1,000 m.
    row = judge(make, rule(make, 50), access_of(make), pins={"rule": "straight"})
    assert (row["value"], row["low"], row["high"]) == (50, 25, 100)
    assert row["width_causes"] == "coordinates"


def test_without_roads_a_failure_is_only_proved_with_the_error(make):
    access = access_of(make).assign(metres=float("nan"), status="unsnapped")
    access[["metres_least", "metres_most"]] = float("nan")
    row = judge(make, rule(make, 76, distance="unstated"), access, has_roads=False)
    assert (row["straight_value"], row["high"], row["verdict"]) == (50, 100, "undecided")
    assert row["width_causes"] == "definition;roads;coordinates"


def test_minutes_add_speed_and_place(make):
    # 15 min: 750 m at 3 km/h, 625 m at 2.5 and 1,000 m at 4.
    points = [(600, 600, 700), (600, 600, 620), (900, 900, 900), (1200, 950, 1450)]
    indicator = rule(make, 50, kind="travel_time", threshold=15.0, distance="")
    row = judge(
        make,
        indicator,
        access_of(make, points, profile="elderly", speed=3.0),
        profile="elderly",
    )
    # As is two; slowly and farther off one, as 700 m at 2.5 km/h is too far; the other way all.
    assert (row["value"], row["low"], row["high"]) == (50, 25, 100)
    assert row["width_causes"] == "speed;coordinates"


def test_communities_by_their_mean_time(make):
    indicator = rule(
        make,
        50,
        kind="travel_time",
        threshold=15.0,
        distance="",
        level="village_level",
        scope="communities",
        denominator="units",
        basket=("care_home",),
    )
    # Two of the four villages are communities: 900 m, at most 1,150; 1,200 m, at least 950.
    row = judge(make, indicator, access_of(make))
    assert (row["value"], row["low"], row["high"]) == (50, 0, 100)
    assert (row["width_causes"], row["verdict"]) == ("coordinates", "undecided")


def test_units_have_the_bounds_too(make):
    demand = make.demand(*((village, 200, 100) for village in ("111", "112", "121", "122")))
    evidence = make.evidence(
        demand=demand,
        access=access_of(make),
        layers=frozenset({"care_home"}),
        facilities=make.facilities({"layer": "care_home"}),
        has_roads=True,
        layer_profiles={"care_home": "walk"},
    )
    units = evaluate(make.plan(rule(make, 50)), evidence, area="whole")[1].set_index("unit_id")
    assert units.loc["township:11", ["low", "value", "high"]].tolist() == [50, 100, 100]
    assert units.loc["township:12", ["low", "value", "high"]].tolist() == [0, 0, 50]
