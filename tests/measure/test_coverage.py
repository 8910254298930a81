"""Coverage of units against sums in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.coverage import COLUMNS, Rule, layer_rules, unit_coverage

NAN = float("nan")
RULES = layer_rules((5.0, 10.0, 15.0), (1000.0,), on_network=True)


def units(*names):
    ids = [f"township:{name}" for name in names]
    return pd.DataFrame(
        {"unit_id": ids, "code": list(names), "name": list(names), "level": "township"}
    )


def tables(rows):
    """Return demand and access of rows (unit, population, elderly, metres, straight, status)."""
    unit, population, elderly, metres, straight, status = (
        zip(*rows, strict=True) if rows else [()] * 6
    )
    demand = pd.DataFrame(
        {
            "population": np.array(population, float),
            "elderly": np.array(elderly, float),
            "unit_township": pd.Series(
                [None if name is None else f"township:{name}" for name in unit], dtype=object
            ),
        }
    )
    metres = np.array(metres, float)
    access = pd.DataFrame(
        {
            "metres": metres,
            "seconds": metres * 1.2,
            "straight_metres": np.array(straight, float),
            "status": pd.Series(list(status), dtype=object),
        }
    )
    return demand, access


def cover(names, rows, facilities=None, rules=RULES):
    demand, access = tables(rows)
    counts = pd.Series(facilities or {}, dtype="int64")
    return unit_coverage(
        units(*names), demand, access, counts, layer="canteen", profile="elderly", rules=rules
    )


def row(table, name, rule):
    found = table[(table["unit_id"] == f"township:{name}") & (table["rule"] == rule)]
    assert len(found) == 1
    return found.iloc[0]


ROWS = [
    ("east", 100, 20, 200, 150, "reached"),
    ("east", 50, 10, 750, 700, "reached"),
    ("east", 30, 15, 900, 800, "reached"),
    ("east", 20, 5, NAN, 990, "unreachable"),
    ("west", 10, 4, NAN, 1200, "unsnapped"),
    ("west", 40, 6, 1000, 999, "reached"),
    (None, 1000, 500, 10, 10, "reached"),
]


def test_rules_and_their_names():
    assert [(rule.name, rule.column, rule.limit) for rule in RULES] == [
        ("5 min", "seconds", 300.0),
        ("10 min", "seconds", 600.0),
        ("15 min", "seconds", 900.0),
        ("1000 m", "metres", 1000.0),
        ("1000 m straight", "straight_metres", 1000.0),
    ]
    assert [rule.name for rule in layer_rules((7.5,), (500.0, 300.0), on_network=True)] == [
        "7.5 min",
        "300 m",
        "500 m",
        "300 m straight",
        "500 m straight",
    ]
    assert layer_rules((), (), on_network=False) == []


def test_by_hand():
    table = cover(["east", "west", "empty"], ROWS, {"township:east": 3})
    assert tuple(table.columns) == COLUMNS
    # Three units, five rules and presence.
    assert len(table) == 18
    quarter = row(table, "east", "15 min")
    assert (quarter["population"], quarter["elderly"]) == (200.0, 50.0)
    # 750 m at 3 km/h are 15 minutes, and covered.
    assert (quarter["covered_population"], quarter["covered_elderly"]) == (150.0, 30.0)
    assert (quarter["population_coverage"], quarter["elderly_coverage"]) == (0.75, 0.6)
    assert quarter["mean_minutes_of_reached"] == pytest.approx((100 * 4 + 50 * 15 + 30 * 18) / 180)
    # Nine of ten of 200 people: the 180th is the last of those at 18 minutes.
    assert quarter["p90_minutes"] == pytest.approx(18.0)
    assert (quarter["unreachable"], quarter["unsnapped"]) == (20.0, 0.0)
    assert quarter["facilities"] == 3
    west = row(table, "west", "1000 m")
    assert (west["covered_population"], west["population_coverage"]) == (40.0, 0.8)
    # A fifth never arrives.
    assert west["p90_minutes"] == np.inf
    assert (west["unreachable"], west["unsnapped"], west["facilities"]) == (0.0, 10.0, 0)


def test_straight_lines_cover_what_the_network_does_not():
    table = cover(["east", "west"], ROWS)
    straight = row(table, "east", "1000 m straight")
    assert straight["covered_population"] == 200.0
    assert straight["profile"] == ""
    assert np.isnan(
        straight[["mean_minutes_of_reached", "p90_minutes", "unsnapped"]].astype(float)
    ).all()


def test_a_unit_without_people_has_no_rate():
    table = cover(["empty"], ROWS)
    quarter = row(table, "empty", "15 min")
    assert (quarter["population"], quarter["covered_population"]) == (0.0, 0.0)
    assert np.isnan(quarter["population_coverage"])
    assert np.isnan(quarter["elderly_coverage"])
    assert np.isnan(quarter["mean_minutes_of_reached"])
    assert np.isnan(quarter["p90_minutes"])


def test_presence_has_facilities_and_people_but_no_rate():
    table = cover(["east"], ROWS, {"township:east": 2, "township:elsewhere": 9})
    presence = row(table, "east", "presence")
    assert presence["facilities"] == 2
    assert presence["population"] == 200.0
    assert np.isnan(presence["covered_population"])
    assert np.isnan(presence["p90_minutes"])


def test_people_outside_all_units_are_in_no_unit():
    table = cover(["east", "west"], ROWS)
    quarter = table[table["rule"] == "15 min"]
    assert quarter["population"].sum() == 250.0


def test_unknown_elderly_make_unknown_sums_of_their_unit_alone():
    rows = [
        ("a", 10, NAN, 100, 90, "reached"),
        ("a", 5, 2, 100, 90, "reached"),
        ("b", 8, 3, 100, 90, "reached"),
    ]
    table = cover(["a", "b"], rows)
    first, second = row(table, "a", "15 min"), row(table, "b", "15 min")
    assert (first["population"], first["covered_population"]) == (15.0, 15.0)
    assert np.isnan(first[["elderly", "covered_elderly", "elderly_coverage"]].astype(float)).all()
    assert (second["elderly"], second["covered_elderly"], second["elderly_coverage"]) == (3, 3, 1)


def test_elderly_alone_stand_for_people_in_times():
    rows = [("a", NAN, 9, 100, 90, "reached"), ("a", NAN, 1, NAN, 90, "unsnapped")]
    quarter = row(cover(["a"], rows), "a", "15 min")
    assert np.isnan(quarter["population"])
    assert np.isnan(quarter["population_coverage"])
    assert quarter["elderly_coverage"] == 0.9
    assert quarter["p90_minutes"] == pytest.approx(2.0)
    assert quarter["mean_minutes_of_reached"] == pytest.approx(2.0)
    assert quarter["unsnapped"] == 1.0


def test_times_of_unknown_people_are_unknown():
    rows = [
        ("a", NAN, 1, 100, 90, "reached"),
        ("a", 5, 1, 500, 90, "reached"),
        ("b", 5, 1, 500, 90, "reached"),
    ]
    table = cover(["a", "b"], rows)
    assert np.isnan(row(table, "a", "15 min")["p90_minutes"])
    assert row(table, "b", "15 min")["p90_minutes"] == pytest.approx(10.0)


def test_no_demand_and_no_units():
    empty = cover(["a"], [])
    assert np.isnan(row(empty, "a", "15 min")["population_coverage"])
    demand, access = tables(ROWS)
    none = unit_coverage(
        units().astype(object), demand, access, pd.Series(dtype="int64"),
        layer="canteen", profile="walk", rules=RULES,
    )  # fmt: skip
    assert tuple(none.columns) == COLUMNS
    assert len(none) == 0


def test_without_roads_presence_has_no_profile():
    rules = [Rule("1000 m straight", "straight_metres", 1000.0)]
    table = cover(["east"], ROWS, rules=rules)
    assert table["rule"].tolist() == ["1000 m straight", "presence"]
    assert table["profile"].tolist() == ["", ""]


def test_levels_stay_apart():
    both = pd.concat([units("east"), units("east").replace("township", "county", regex=True)])
    demand, access = tables(ROWS)
    demand["unit_county"] = "county:east"
    table = unit_coverage(
        both, demand, access, pd.Series(dtype="int64"), layer="x", profile="walk", rules=RULES
    )
    quarter = table[table["rule"] == "15 min"].set_index("level")["population"]
    assert quarter.to_dict() == {"township": 200.0, "county": 1250.0}


def slow(rows, name, column, limit):
    """Return covered people and elderly, mean and p90 of a unit, in plain Python."""
    at = {"seconds": 3, "metres": 3, "straight_metres": 4}[column]
    scale = 1.2 if column == "seconds" else 1.0
    covered, old, weight, total = 0.0, 0.0, 0.0, 0.0
    times = []
    for one in rows:
        if one[0] != name:
            continue
        value = one[at] * scale
        if not math.isnan(value) and value <= limit + 1e-6:
            covered += one[1]
            old += one[2]
        if not math.isnan(one[3]):
            weight += one[1]
            total += one[1] * one[3] * 0.02
        times += [math.inf if math.isnan(one[3]) else one[3] * 0.02] * one[1]
    times.sort()
    p90 = times[math.ceil(len(times) * 0.9 - 1e-9) - 1] if times else NAN
    return covered, old, total / weight if weight else NAN, p90


people = st.integers(0, 30)
metres = st.one_of(st.just(NAN), st.integers(0, 60).map(lambda value: value * 25.0))
some_rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", None]), people, people, metres).map(
        lambda one: (
            *one,
            0.0 if math.isnan(one[3]) else one[3] * 0.8,
            "unsnapped" if math.isnan(one[3]) else "reached",
        )
    ),
    max_size=12,
)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(some_rows)
def test_equals_plain_python(rows):
    table = cover(["a", "b"], rows)
    if not rows:
        return
    for name in ("a", "b"):
        for rule in RULES:
            found = row(table, name, rule.name)
            covered, old, mean, p90 = slow(rows, name, rule.column, rule.limit)
            assert found["covered_population"] == covered <= found["population"]
            assert found["covered_elderly"] == old <= found["elderly"]
            if rule.column != "straight_metres":
                np.testing.assert_allclose(found["mean_minutes_of_reached"], mean, rtol=1e-12)
                np.testing.assert_allclose(found["p90_minutes"], p90, rtol=1e-12)
                never = sum(one[1] for one in rows if one[0] == name and math.isnan(one[3]))
                assert found["unsnapped"] == never
