"""What one more is worth: held against the indicator evaluated again with one more."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.kinds.base import Study
from servicecircle.standards.plan import Target
from servicecircle.standards.worth import WORTH_COLUMNS, worth_table

NOWHERE = (np.empty(0), np.empty(0))
CARE = frozenset({"care_home"})


def goal(value, year=2025):
    return (Target(year=year, value=value),)


def study_of(make, evidence, *rules, level="county"):
    return Study(
        plan=make.plan(*rules), evidence=evidence, area="whole", own_level=level, language="en"
    )


def worth(make, evidence, *rules, places=NOWHERE, **more):
    study = study_of(make, evidence, *rules)
    card, units = evaluate(study.plan, evidence, area="whole", language="en")
    table = worth_table(study, card, units, places=places, **more)
    assert tuple(table.columns) == WORTH_COLUMNS
    return table


def value_of(make, evidence, rule):
    return evaluate(make.plan(rule), evidence, area="whole")[0]["value"].iloc[0]


def home(village="111", **more):
    return {"village": village, "layer": "care_home", **more}


def people(make):
    return make.demand(("111", 5000, 1000), ("112", 3000, 600), ("121", 9000, 400))


def test_one_more_home_in_the_right_village_is_worth_a_quarter(make):
    rule = make.indicator(targets=goal(60))
    homes = [{"village": "111"}, {"village": "111"}]
    evidence = make.evidence(facilities=make.facilities(*homes))
    row = worth(make, evidence, rule).iloc[0]
    assert (row["gain"], row["bound"], row["one_more_of"]) == (25, "exact", "facilities")
    # 60 % of four villages are three.
    assert (row["shortfall"], row["shortfall_of"], row["needed_at_least"]) == (2, "units", 2)
    again = make.evidence(facilities=make.facilities(*homes, {"village": "122"}))
    assert value_of(make, again, rule) == row["value"] + row["gain"]
    twice = make.evidence(
        facilities=make.facilities(*homes, {"village": "122"}, {"village": "112"})
    )
    assert value_of(make, twice, rule) >= 60


def test_where_each_unit_lacks_several_one_alone_adds_nothing(make):
    rule = make.indicator(threshold=3.0, targets=goal(50))
    evidence = make.evidence(facilities=make.facilities({"village": "111"}))
    row = worth(make, evidence, rule).iloc[0]
    assert row["gain"] == 0
    assert "lacks 2" in row["assumption"]
    # The two cheapest villages lack 2 and 3.
    assert row["needed_at_least"] == 5


def test_where_all_have_one_more_adds_nothing(make):
    full = [{"village": village} for village in ("111", "112", "121", "122")]
    evidence = make.evidence(facilities=make.facilities(*full))
    row = worth(make, evidence, make.indicator()).iloc[0]
    assert (row["gain"], row["needed_at_least"]) == (0, 0)


def test_shared_sites_may_serve_several_villages(make):
    homes = [{"village": "111", "serves": "111;112"}]
    evidence = make.evidence(facilities=make.facilities(*homes))
    row = worth(make, evidence, make.indicator()).iloc[0]
    assert row[["value", "shortfall", "gain", "bound"]].tolist() == [50, 2, 25, "assumed"]
    assert row["needed_at_least"] == 1
    assert "up to 2 units" in row["assumption"]
    shared = make.facilities(*homes, {"village": "121", "serves": "121;122"})
    assert value_of(make, make.evidence(facilities=shared), make.indicator()) == 100


def test_of_a_count_one_more_is_one(make):
    rule = make.indicator(
        kind="count", level="county", unit="homes", threshold=None, targets=goal(7)
    )
    evidence = make.evidence(facilities=make.facilities({}, {}))
    row = worth(make, evidence, rule).iloc[0]
    assert row[["value", "gain", "needed_at_least"]].tolist() == [2, 1, 5]


def ratio(make, **more):
    return make.indicator(
        **{
            "layer": "care_home",
            "kind": "capacity_ratio",
            "level": "county",
            "numerator": "beds",
            "denominator": "elderly",
            "per": 1000.0,
            "threshold": None,
            "unit": "beds per 1000 elderly",
            "targets": goal(60),
        }
        | more
    )


def test_a_home_of_median_size_is_worth_its_beds(make):
    homes = [home(capacity=20), home(capacity=30), home("112", capacity=50)]
    given = {"demand": people(make), "layers": CARE}
    evidence = make.evidence(facilities=make.facilities(*homes), **given)
    rule = ratio(make)
    row = worth(make, evidence, rule).iloc[0]
    # 100 beds for 2,000 older persons; the median home has 30 beds, 15 per 1,000 more.
    assert row[["value", "size", "gain", "bound"]].tolist() == [50, 30, 15, "assumed"]
    assert row[["shortfall", "shortfall_of", "needed_at_least"]].tolist() == [20, "beds", 1]
    assert "median of 3" in row["assumption"]
    more = make.evidence(facilities=make.facilities(*homes, home(capacity=30)), **given)
    assert value_of(make, more, rule) == pytest.approx(65)


def test_a_share_grows_by_a_home_that_is_all_nursing_beds(make):
    homes = [home(capacity=40, nursing_beds=10), home(capacity=60, nursing_beds=40)]
    rule = ratio(
        make,
        kind="share",
        numerator="nursing_beds",
        denominator="beds",
        per=100.0,
        unit="%",
        targets=goal(70),
    )
    evidence = make.evidence(facilities=make.facilities(*homes), layers=CARE)
    row = worth(make, evidence, rule).iloc[0]
    # (50 + 50) of (100 + 50); 20 beds are short as the beds are, 66.7 new ones for 70 %: two homes.
    assert row["gain"] == pytest.approx(100 * 100 / 150 - 50)
    assert row[["size", "shortfall", "needed_at_least"]].tolist() == [50, 20, 2]
    grown = [home(capacity=50, nursing_beds=50)] * 2
    for count, reached in ((1, False), (2, True)):
        table = make.facilities(*homes, *grown[:count])
        found = value_of(make, make.evidence(facilities=table, layers=CARE), rule)
        assert (found >= 70) == reached
    every = worth(make, evidence, ratio(make, **vars_of(rule) | {"targets": goal(100)})).iloc[0]
    assert math.isnan(every["needed_at_least"])
    assert "cannot reach" in every["assumption"]


def vars_of(rule):
    names = ("kind", "numerator", "denominator", "per", "unit")
    return {name: getattr(rule, name) for name in names}


def test_one_more_social_worker_lowers_the_limit(make):
    staff = pd.DataFrame(
        {
            "unit_id": ["county:1"],
            "facility_id": [""],
            "level": ["county"],
            "layer": [""],
            "role": ["social_workers"],
            "count": [3.0],
            "date": [pd.NaT],
            "source_file": ["s.csv"],
            "source_sheet": [""],
            "source_row": [2],
            "invented": [False],
        }
    )
    rule = ratio(
        make,
        numerator="elderly",
        denominator="social_workers",
        per=1.0,
        operator="at_most",
        unit="elderly per social worker",
        targets=goal(450),
    )
    evidence = make.evidence(
        facilities=make.facilities(home()), demand=people(make), layers=CARE, staff=staff
    )
    row = worth(make, evidence, rule).iloc[0]
    assert row["gain"] == pytest.approx(2000 / 4 - 2000 / 3)
    assert row[["one_more_of", "shortfall", "needed_at_least"]].tolist() == ["staff", 2, 2]


def test_without_sizes_no_size_is_assumed(make):
    homes = make.facilities(home(capacity=0.0))
    row = worth(
        make, make.evidence(facilities=homes, demand=people(make), layers=CARE), ratio(make)
    ).iloc[0]
    assert row["bound"] == "unknown"
    assert math.isnan(row["gain"])
    assert row["assumption"] != ""


def reach_case(make):
    """100 covered, 50 and 30 uncovered 500 m apart, 60 far away; a limit of 1,000 m."""
    demand = make.demand(("111", 0, 100), ("112", 0, 50), ("112", 0, 30), ("121", 0, 60))
    access = make.access(
        "care_home",
        "walk",
        [(900, 800, "reached"), (3100, 3000, "reached"), (None, 2900, "unreachable"),
         (20_000, 9000, "reached")],
    )  # fmt: skip
    evidence = make.evidence(
        facilities=make.facilities(home()),
        demand=demand,
        access=access,
        layers=CARE,
        has_roads=True,
    )
    rule = make.indicator(
        layer="care_home",
        kind="distance",
        level="county",
        distance="network",
        threshold=1000.0,
        targets=goal(90),
    )
    places = np.array([0.0, 0.0, 500.0, 9000.0]), np.array([0.0, 3000.0, 3000.0, 9000.0])
    return evidence, rule, places


def test_no_place_has_more_uncovered_people_within_the_limit(make):
    evidence, rule, places = reach_case(make)
    table = worth(make, evidence, rule, places=places).set_index("unit_id")
    area = table.loc[""]
    assert area[["value", "uncovered", "size"]].tolist() == [
        pytest.approx(100 / 240 * 100),
        140,
        80,
    ]
    assert area["gain"] == pytest.approx(80 / 240 * 100)
    assert (area["bound"], area["shortfall"]) == ("at_most", pytest.approx(116))
    assert area["needed_at_least"] == 2
    assert table.loc["township:11", "uncovered"] == 80
    assert table.loc["village_level:121", "gain"] == pytest.approx(25)
    assert table.loc["village_level:111", "gain"] == 0
    # A unit cannot gain more than the best place has, however many it lacks.
    assert table.loc["county:1", ["uncovered", "size"]].tolist() == [140, 80]


def test_uncovered_people_are_those_that_the_scorecard_leaves(make):
    evidence, rule, places = reach_case(make)
    study = study_of(make, evidence, rule)
    card, units = evaluate(study.plan, evidence, area="whole")
    table = worth_table(study, card, units, places=places).set_index("unit_id")
    assert table.loc["", "uncovered"] == card.loc[0, "denominator"] - card.loc[0, "numerator"]
    left = (units["denominator"] - units["numerator"]).set_axis(units["unit_id"])
    for unit, uncovered in table["uncovered"].drop("").items():
        assert uncovered == left[unit]


def test_walking_limits_are_as_far_as_the_speed_and_farther_downhill(make):
    evidence, rule, places = reach_case(make)
    walk = make.indicator(
        **{name: getattr(rule, name) for name in ("layer", "level", "targets")},
        kind="travel_time",
        threshold=15.0,
        profile="walk",
    )
    flat, steep = (
        worth(make, evidence, walk, places=places, slopes=slopes).iloc[0]
        for slopes in (False, True)
    )
    assert "1,000 m" in flat["assumption"]
    assert f"{1000 * math.exp(0.175):,.0f} m" in steep["assumption"]
    assert steep["gain"] >= flat["gain"]


def test_what_has_no_value_or_does_not_apply_has_no_row(make):
    rules = (
        make.indicator(id="a", layer="canteen"),
        make.indicator(id="b", level="prefecture"),
        make.indicator(id="c"),
    )
    table = worth(make, make.evidence(), *rules)
    assert table["indicator_id"].tolist() == ["c"]
