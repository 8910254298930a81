"""Quantities and shares against a slow plain-Python oracle on random counties."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicecircle.standards.evaluate import evaluate_plan
from servicecircle.standards.plan import Filter

VILLAGES = ("111", "112", "121", "122")
TOWN = {"111": "11", "112": "11", "121": "12", "122": "12"}
maybe_beds = st.one_of(st.none(), st.integers(0, 60))
sites = st.lists(
    st.fixed_dictionaries(
        {
            "village": st.sampled_from(("", *VILLAGES)),
            "beds": maybe_beds,
            "nursing": maybe_beds,
            "room": st.sampled_from([True, False, None]),
        }
    ),
    max_size=5,
)
people = st.lists(st.integers(0, 9), min_size=4, max_size=4)
quick = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def evidence_of(make, rows, elderly):
    number = {True: True, False: False, None: None}
    places = make.facilities(
        *(
            {
                "layer": "care_home",
                "village": row["village"],
                "capacity": math.nan if row["beds"] is None else float(row["beds"]),
                "nursing_beds": math.nan if row["nursing"] is None else float(row["nursing"]),
                "rehab_room": number[row["room"]],
            }
            for row in rows
        )
    )
    if len(places):
        places = places.astype({"rehab_room": "boolean"})
    return make.evidence(
        facilities=places,
        layers=frozenset({"care_home"}),
        demand=make.demand(*((v, 10 * e, e) for v, e in zip(VILLAGES, elderly, strict=True))),
    )


def judged(make, rule, evidence):
    found = evaluate_plan(make.plan(rule), evidence, area="whole")
    return found.scorecard.iloc[0], found.unit_results.set_index("unit_id")


def rule_of(make, **given):
    return make.indicator(
        **{
            "layer": "care_home",
            "level": "county",
            "threshold": None,
            "targets": (),
            "per": 100.0,
        }
        | given
    )


@quick
@given(rows=sites, elderly=people)
def test_beds_by_older_persons_in_all_and_by_unit(make, rows, elderly):
    rule = rule_of(make, kind="capacity_ratio", numerator="beds", denominator="elderly")
    row, units = judged(make, rule, evidence_of(make, rows, elderly))
    inside = [one for one in rows if one["village"]]
    filled = [one["beds"] for one in inside if one["beds"] is not None]
    total = sum(elderly)
    if total == 0 or (inside and not filled):
        assert math.isnan(row["value"])
        return
    empty = len(inside) - len(filled)
    assert row["value"] == pytest.approx(100 * sum(filled) / total)
    assert row["low"] == row["value"]
    assert row["high"] == pytest.approx(
        100 * (sum(filled) + empty * max(filled, default=0)) / total
    )
    for code in ("11", "12", *VILLAGES):
        mine = [
            one["beds"] or 0 for one in inside if code in {one["village"], TOWN[one["village"]]}
        ]
        there = sum(
            count for v, count in zip(VILLAGES, elderly, strict=True) if code in {v, TOWN[v]}
        )
        name = f"township:{code}" if len(code) == 2 else f"village_level:{code}"
        if there:
            assert units.at[name, "value"] == pytest.approx(100 * sum(mine) / there)
        else:
            assert name not in units.index


@quick
@given(rows=sites)
def test_no_way_to_fill_empty_cells_leaves_the_bounds_of_a_share(make, rows):
    """Nursing beds of beds: every filling of the gaps up to the largest number, one by one."""
    rows = [one for one in rows if one["village"]]
    for one in rows:
        if one["nursing"] is not None:
            one["nursing"] = None if one["beds"] is None else min(one["nursing"], one["beds"])
    rule = rule_of(make, kind="share", numerator="nursing_beds", denominator="beds")
    row, _ = judged(make, rule, evidence_of(make, rows, (1, 1, 1, 1)))
    beds = [one["beds"] for one in rows if one["beds"] is not None]
    nursing = [one["nursing"] for one in rows if one["nursing"] is not None]
    if not beds or not nursing:
        assert math.isnan(row["value"])
        return
    options = []
    for one in rows:
        most = max(beds)
        whole = [one["beds"]] if one["beds"] is not None else [0, most // 2, most]
        options.append(
            [
                (part, size)
                for size in whole
                for part in ([one["nursing"]] if one["nursing"] is not None else [0, size])
            ]
        )
    paired = [one for one in rows if one["beds"] is not None and one["nursing"] is not None]
    below = sum(one["beds"] for one in paired)
    if below:
        assert row["value"] == pytest.approx(100 * sum(one["nursing"] for one in paired) / below)
    for filling in itertools.product(*options):
        size = sum(part[1] for part in filling)
        if size:
            share = 100 * sum(part[0] for part in filling) / size
            assert row["low"] - 1e-9 <= share <= row["high"] + 1e-9


@quick
@given(rows=sites)
def test_a_share_by_attribute_lies_between_all_and_none_of_the_unknown(make, rows):
    rule = rule_of(
        make,
        kind="share",
        numerator="facilities",
        denominator="facilities",
        filter=Filter(beds_at_least=30),
        numerator_filter=Filter(having=("rehab_room",)),
    )
    row, _ = judged(make, rule, evidence_of(make, rows, (1, 1, 1, 1)))
    inside = [one for one in rows if one["village"]]
    if inside and all(one["beds"] is None for one in inside):
        assert math.isnan(row["value"])
        return
    large = [one for one in inside if one["beds"] is not None and one["beds"] >= 30]
    maybe = [one for one in inside if one["beds"] is None]
    found = []
    for chosen in itertools.product([False, True], repeat=len(maybe)):
        counted = [*large, *itertools.compress(maybe, chosen)]
        unknown = sum(one["room"] is None for one in counted)
        has = sum(one["room"] is True for one in counted)
        if counted:
            found += [100 * has / len(counted), 100 * (has + unknown) / len(counted)]
    if large and any(one["room"] is not None for one in [*large, *maybe]):
        value = 100 * sum(one["room"] is True for one in large) / len(large)
        assert row["value"] == pytest.approx(value)
    if found and not math.isnan(row["value"]):
        assert row["low"] == pytest.approx(min(found))
        assert row["high"] == pytest.approx(max(found))
