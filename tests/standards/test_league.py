"""League tables: ranks by a plain count of who is better, sums by walking up the parents."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.league import (
    LEAGUE_COLUMNS,
    LEAGUE_UNIT_COLUMNS,
    league_of_units,
    league_table,
)
from servicecircle.standards.plan import Alternative, Target

RULE = {"plan": "hand", "indicator_id": "rule", "alternative": "", "verdict": "met"}


def units_of(count, level="township"):
    names = [f"u{at}" for at in range(count)]
    return pd.DataFrame(
        {"unit_id": names, "code": names, "name": names, "level": level, "parent_id": ""}
    )


def results_of(values, **more):
    names = [f"u{at}" for at in range(len(values))]
    return pd.DataFrame({"unit_id": names, "value": values, "target": 50.0} | RULE | more)


NO_RATES = pd.DataFrame(columns=["unit_id"])


def ranked(make, values, **rule):
    plan = make.plan(make.indicator(**rule))
    return league_table([plan], results_of(values), NO_RATES, units_of(len(values)))


def test_equals_share_a_rank_and_the_next_one_is_skipped(make):
    table = ranked(make, [40.0, 70.0, math.nan, 70.0, 10.0, 0.0])
    assert tuple(table.columns) == LEAGUE_COLUMNS
    assert table["unit_id"].tolist() == ["u1", "u3", "u0", "u4", "u5", "u2"]
    assert table["rank"].tolist()[:5] == [1, 1, 3, 4, 5]
    assert table["rank"].isna().tolist() == [False] * 5 + [True]
    assert set(table["units_ranked"]) == {5}
    assert table["fifth"].tolist()[:5] == [1, 1, 3, 4, 5]
    assert set(table["median"]) == {40}
    assert table["gap_to_median"].tolist()[:5] == [30, 30, 0, -30, -40]
    assert table["gap_to_target"].tolist()[:5] == [20, 20, -10, -40, -50]


def test_less_is_better_for_limits_and_minutes(make):
    limit = ranked(make, [500.0, 450.0, 600.0], kind="capacity_ratio", operator="at_most")
    assert limit["unit_id"].tolist() == ["u1", "u0", "u2"]
    assert limit["gap_to_median"].tolist() == [50, 0, -100]
    minutes = ranked(make, [20.0, math.inf, 5.0], kind="travel_time", denominator="units")
    assert minutes["unit_id"].tolist() == ["u2", "u0", "u1"]
    assert set(minutes["value_of"]) == {"minutes"}
    assert minutes["gap_to_median"].tolist() == [15, 0, -math.inf]


def test_the_last_bits_of_a_share_do_not_rank(make):
    table = ranked(make, [0.1 + 0.2, 0.3, 0.3 + 1e-6])
    assert table[["unit_id", "rank"]].to_numpy().tolist() == [["u2", 1], ["u0", 2], ["u1", 2]]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.none() | st.integers(-3, 3).map(float), min_size=2, max_size=9),
    operator=st.sampled_from(["at_least", "at_most"]),
)
def test_a_rank_is_one_more_than_those_who_are_better(make, values, operator):
    filled = [math.nan if value is None else value for value in values]
    table = ranked(make, filled, operator=operator, kind="capacity_ratio").set_index("unit_id")
    known = [value for value in values if value is not None]
    for at, value in enumerate(values):
        row = table.loc[f"u{at}"]
        if value is None:
            assert pd.isna(row["rank"])
            assert pd.isna(row["fifth"])
            continue
        better = [one > value if operator == "at_least" else one < value for one in known]
        assert row["rank"] == 1 + sum(better)
        assert row["fifth"] == 1 + 5 * sum(better) // len(known)
        assert row["median"] == pytest.approx(np.median(known))
    unknown = table["rank"].isna().tolist()
    assert unknown == sorted(unknown)
    assert table["rank"].dropna().is_monotonic_increasing


def rates(units, rule, elderly, people, facilities=0):
    return units.assign(
        layer="canteen",
        rule=rule,
        elderly_coverage=elderly,
        population_coverage=people,
        facilities=facilities,
    )


def test_rates_rank_by_the_elderly_else_by_people_and_presence_by_facilities():
    units = units_of(3)
    table = pd.concat(
        [
            rates(units, "15 min", [0.2, 0.4, np.nan], [0.9, 0.1, 0.5], 9),
            rates(units, "presence", np.nan, np.nan, [1, 0, 3]),
        ]
    )
    nobody = pd.DataFrame(columns=["plan", "indicator_id", "alternative", "unit_id"])
    found = league_table([], nobody, table, units)
    assert found["unit_id"].tolist() == ["u1", "u0", "u2", "u2", "u0", "u1"]
    assert found["value_of"].tolist() == ["elderly_coverage"] * 3 + ["facilities"] * 3
    assert found["rule"].tolist() == ["15 min"] * 3 + ["presence"] * 3
    people = league_table([], nobody, rates(units, "15 min", np.nan, [0.9, 0.1, 0.5]), units)
    assert people["unit_id"].tolist() == ["u0", "u2", "u1"]
    assert set(people["value_of"]) == {"population_coverage"}


def test_levels_and_indicators_are_ranked_apart_and_single_units_not_at_all(make):
    homes = make.facilities({"village": "111"}, {"village": "111"}, {"village": "121"})
    rules = (
        make.indicator(alternatives=(Alternative(name="town", level="township"),)),
        make.indicator(id="county", level="county"),
        make.indicator(id="town", level="township", layer="childrens_home"),
    )
    evidence = make.evidence(facilities=homes)
    plan = make.plan(*rules)
    _, results = evaluate(plan, evidence, area="whole")
    table = league_table([plan], results, NO_RATES, evidence.units.reset_index())
    assert table["indicator_id"].tolist() == ["rule"] * 4 + ["town"] * 2
    assert table["unit_id"].tolist()[:4] == [
        "village_level:111", "village_level:121", "village_level:112", "village_level:122",
    ]  # fmt: skip
    assert table["rank"].tolist() == [1, 2, 3, 3, 1, 2]
    assert set(table["value_of"]) == {"facilities"}


def test_the_league_of_units_counts_what_lies_inside(make):
    homes = make.facilities({"village": "111"}, {"village": "112"}, {"village": "121"})
    rules = (
        make.indicator(id="a"),
        make.indicator(id="b", level="township", threshold=2.0),
        make.indicator(id="c", targets=(Target(year=2030, value=50),)),
        make.indicator(id="d", layer="canteen"),
    )
    evidence = make.evidence(facilities=homes)
    plan = make.plan(*rules)
    _, results = evaluate(plan, evidence, area="whole")
    units = evidence.units.reset_index()
    league = league_table([plan], results, NO_RATES, units)
    table = league_of_units(league, results, units, main_rule="15 min", plans=[plan])
    assert tuple(table.columns) == LEAGUE_UNIT_COLUMNS
    towns = table[table["level"] == "township"].set_index("unit_id")
    columns = ["rank", "met", "not_met", "inner_met", "inner_not_met", "inner_undecided"]
    # Both villages of the first town have a home, and it has two; the other has one in one.
    assert towns.loc["township:11", columns].tolist() == [1, 1, 0, 2, 0, 0]
    assert towns.loc["township:12", columns].tolist() == [2, 0, 1, 1, 1, 0]
    assert towns["share_met"].tolist() == pytest.approx([1, 1 / 3])
    assert towns["mean_rank"].tolist() == [1, 2]
    villages = table[table["level"] == "village_level"].set_index("unit_id")
    assert villages.loc["village_level:122", columns[:3]].tolist() == [4, 0, 1]
    # The farm need not have anything: it was not judged, and stands last without a rank.
    assert villages.index[-1] == "village_level:129"
    assert pd.isna(villages["rank"].iloc[-1])
    assert set(villages["units_ranked"]) == {4}
    assert "county" not in set(table["level"])


def test_inner_sums_agree_with_a_walk_up_and_circles_end():
    rng = np.random.default_rng(7)
    names = [f"u{at}" for at in range(40)]
    parents = ["", *(f"u{rng.integers(0, at)}" for at in range(1, 40))]
    units = units_of(40).assign(parent_id=parents)
    results = results_of(rng.random(40), verdict=rng.choice(["met", "not_met", "no_data"], 40))
    empty = pd.DataFrame(columns=list(LEAGUE_COLUMNS))
    table = league_of_units(empty, results, units, main_rule="", plans=[]).set_index("unit_id")
    above = dict(zip(names, parents, strict=True))
    wanted = dict.fromkeys(names, 0)
    for name, verdict in zip(names, results["verdict"], strict=True):
        parent = above[name]
        while parent:
            wanted[parent] += verdict == "met"
            parent = above[parent]
    assert {name: table.loc[name, "inner_met"] for name in names} == wanted
    circle = units.assign(parent_id=["u1", "u0", *[""] * 38])
    assert len(league_of_units(empty, results, circle, main_rule="", plans=[])) == 40


def test_counts_do_not_enter_the_mean_rank_and_the_main_rule_does(make):
    units = units_of(2)
    plan = make.plan(make.indicator(kind="count", threshold=None))
    coverage = pd.concat(
        [rates(units, "5 min", [0.1, 0.9], 0.0), rates(units, "15 min", [0.9, 0.1], 0.0)]
    )
    results = results_of([1.0, 5.0], verdict="not_applicable")
    league = league_table([plan], results, coverage, units)
    table = league_of_units(league, results, units, main_rule="15 min", plans=[plan])
    found = table.set_index("unit_id")
    assert found["mean_rank"].tolist() == [1, 2]
    assert found["rankings"].tolist() == [1, 1]
    assert found["rank"].isna().all()
    assert found["share_met"].isna().all()


def test_the_order_of_rows_does_not_matter_to_ranks(make):
    plan = make.plan(make.indicator())
    results = results_of([3.0, 1.0, 2.0, 1.0])
    table = league_table([plan], results, NO_RATES, units_of(4)).set_index("unit_id")
    other = league_table([plan], results.iloc[::-1], NO_RATES, units_of(4)).set_index("unit_id")
    pd.testing.assert_series_equal(table["rank"].sort_index(), other["rank"].sort_index())
