"""What a shortfall counts, and how much is missing: of numerator, of denominator, one by one."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.kinds.base import Measured
from servicecircle.standards.plan import Target
from servicecircle.standards.scorecard import unit_rows
from servicecircle.standards.things import missing_thing, ratio_scale
from servicecircle.standards.verdicts import shortfall, shortfall_of_all

NAN = math.nan
DUE = (Target(year=2025, value=300),)


@pytest.mark.parametrize(
    ("indicator", "whole", "unit"),
    [
        ("zhejiang_care_home_beds_per_10000_elderly_unit", "beds", "beds"),
        ("zhejiang_nursing_bed_share", "beds", "beds"),
        ("zhejiang_certified_caregivers_per_10000_elderly", "staff", "staff"),
        ("zhejiang_care_home_within_1km", "persons", "persons"),
        ("zhejiang_rehab_care_union_count", "facilities", "facilities"),
        ("zhejiang_marriage_office_4a_share", "facilities", "facilities"),
        ("zhejiang_social_work_station_township", "units", "facilities"),
        ("jiaxing_elderly_per_social_worker", "staff", "staff"),
        ("minle_urban_service_circle_15min", "units", "minutes"),
        ("minle_community_service_area_per_100_households", "m2", "m2"),
        ("minle_mental_rehab_patient_share", "patients_served", "patients_served"),
        ("minle_social_work_station_phasing", "units", "facilities"),
        ("quzhou_burial_capacity_20_years", "places", "places"),
        ("shangcheng_elderly_service_premises_allocation", "units", "m2"),
    ],
)
def test_things_are_those_that_somebody_has_to_add(indicator, whole, unit):
    plan = load_plan(indicator.partition("_")[0])
    one = next(one for one in plan.indicators if one.id == indicator)
    assert (missing_thing(one), missing_thing(one, per_unit=True)) == (whole, unit)


def test_every_indicator_of_the_plans_lacks_something_that_has_a_name():
    for name in packaged_plans():
        for one in load_plan(name).indicators:
            assert missing_thing(one), one.id
            assert missing_thing(one, per_unit=True), one.id


def test_a_limit_lacks_what_stands_below_the_line():
    # 2,000 older persons and 3 social workers make 666.7; at most 450 need 5: two more.
    found = {"numerator": 2000, "denominator": 3, "whole": True}
    assert shortfall(2000 / 3, 450, operator="at_most", **found) == 2
    assert shortfall(500, 500, operator="at_most", numerator=1500, denominator=3) == 0
    assert math.isnan(shortfall(500, 0, operator="at_most", numerator=1500, denominator=3))


@pytest.mark.parametrize(
    ("beds", "elderly", "missing"),
    [(300, 10_000, 0), (299, 10_000, 1), (100, 4_000, 20), (0, 1, 1)],
)
def test_beds_are_whole(beds, elderly, missing):
    value = beds / elderly * 10_000
    given = {"numerator": beds, "denominator": elderly, "scale": 10_000, "whole": True}
    assert shortfall(value, 300, operator="at_least", **given) == missing


def beds(make, **more):
    return make.indicator(
        **{
            "id": "beds",
            "layer": "care_home",
            "kind": "capacity_ratio",
            "level": "township",
            "numerator": "beds",
            "denominator": "elderly",
            "per": 10_000.0,
            "threshold": None,
            "unit": "beds per 10000 elderly",
            "targets": DUE,
        }
        | more
    )


def table(*rows):
    columns = ["unit_id", "value", "numerator", "denominator", "low", "high"]
    return pd.DataFrame(
        [(f"u{at}", 1e4 * n / d, n, d, NAN, NAN) for at, (n, d) in enumerate(rows)],
        columns=columns,
    ).astype(dict.fromkeys(columns[1:], float))


def test_beds_are_missing_unit_by_unit_and_in_all(make):
    """Three units: 50 beds for 2,000 (60 needed), 400 for 10,000 (300), 100 for 3,334 (100.02)."""
    units = table((50, 2000), (400, 10_000), (100, 3334))
    measured = Measured(
        value=1e4 * 550 / 15_334,
        numerator=550.0,
        denominator=15_334.0,
        scale=1e4,
        units=units,
        judged_by="target",
    )
    rule = beds(make)
    rows = unit_rows(
        rule, measured, plan="p", target=DUE[0], as_of=make.evidence().as_of, applicable=True
    )
    assert rows["shortfall"].tolist() == [10, 0, 1]
    assert set(rows["shortfall_of"]) == {"beds"}
    # All together have enough; one by one they lack eleven.
    assert shortfall_of_all(rule, measured, 300) == 0
    each = Measured(value=measured.value, scale=1e4, each=units)
    assert shortfall_of_all(rule, each, 300) == 11
    unknown = Measured(value=measured.value, scale=1e4, each=units.assign(value=NAN))
    assert math.isnan(shortfall_of_all(rule, unknown, 300))


def test_a_ratio_held_against_a_threshold_lacks_things_too(make):
    rule = beds(
        make,
        numerator="beds",
        denominator="social_workers",
        per=1.0,
        operator="at_most",
        threshold=60.0,
        targets=(),
    )
    # 200 beds and two social workers: four are needed.
    units = table((200, 2)).assign(value=100.0)
    measured = Measured(value=100.0, units=units, judged_by="threshold", unit_operator="at_most")
    rows = unit_rows(
        rule, measured, plan="p", target=None, as_of=make.evidence().as_of, applicable=True
    )
    assert rows[["shortfall", "shortfall_of", "verdict"]].iloc[0].tolist() == [
        2,
        "staff",
        "not_met",
    ]
    assert ratio_scale(rule, 1.0) == 1.0


def test_the_scorecard_and_the_units_say_what_they_lack(make):
    homes = make.facilities({"village": "111"}, {"village": "111"}, {"village": "122"})
    rule = make.indicator(threshold=2.0, targets=(Target(year=2025, value=60),))
    card, units = evaluate(make.plan(rule), make.evidence(facilities=homes), area="whole")
    # One of four villages has two; 60 % are three villages.
    assert card[["value", "shortfall", "shortfall_of"]].iloc[0].tolist() == [25, 2, "units"]
    assert units["shortfall"].tolist() == [0, 2, 2, 1]
    assert set(units["shortfall_of"]) == {"facilities"}


def test_without_a_target_nothing_is_missing_and_nothing_named(make):
    card, units = evaluate(make.plan(make.indicator(targets=())), make.evidence(), area="whole")
    assert math.isnan(card["shortfall"].iloc[0])
    assert card["shortfall_of"].iloc[0] == ""
    # The rule itself holds unit by unit.
    assert units["shortfall"].tolist() == [1, 1, 1, 1]
