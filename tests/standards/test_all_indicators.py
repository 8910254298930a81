"""Each of the 161 indicators: with nothing, with everything, and with lists that are empty."""

from __future__ import annotations

import math
from functools import cache

import pandas as pd
import pytest

from servicecircle.standards.evaluate import evaluate_plan
from servicecircle.standards.indicators import load_plan, packaged_plans
from servicecircle.standards.registry import load_registry
from servicecircle.standards.verdicts import VERDICTS

IDS = [(name, one.id) for name in packaged_plans() for one in load_plan(name).indicators]


@cache
def judged(make, name):
    evidence = case(make, name)
    found = {}
    for key in packaged_plans():
        plan = load_plan(key)
        part = {"area": "part", "own_level": "county"}
        options = part if plan.level != "county" else {"area": "whole"}
        found[key] = evaluate_plan(plan, evidence, **options)
    return found


def case(make, name):
    if name == "nothing":
        return make.evidence(layers=frozenset(), units=make.units().iloc[:0])
    everything = make.everything()
    if name == "everything":
        return everything
    empty = everything.facilities.iloc[:0]
    return make.everything(facilities=empty, access=everything.access.iloc[:0])


@pytest.mark.parametrize("name", ["nothing", "everything", "no facilities"])
def test_every_indicator_passes_through_and_says_what_it_lacks(make, name):
    tables = judged(make, name)
    seen = set()
    for plan, indicator in IDS:
        card = tables[plan].scorecard
        rows = card[card["indicator_id"] == indicator]
        seen |= set(rows["verdict"])
        assert len(rows) >= 1, indicator
        assert rows["headline"].sum() == 1, indicator
        assert set(rows["verdict"]) <= set(VERDICTS), indicator
        for row in rows.to_dict("records"):
            if row["verdict"] == "no_data":
                assert row["missing_inputs"], indicator
            if math.isnan(row["value"]) and row["verdict"] not in {"not_applicable", "not_met"}:
                assert row["missing_inputs"], indicator
            assert not row["value"] < 0, indicator
            if not math.isnan(row["value"]):
                assert row["low"] <= row["value"] * (1 + 1e-12) + 1e-12, indicator
                assert row["value"] <= row["high"] * (1 + 1e-12) + 1e-12, indicator
    expected = {
        "nothing": {"no_data", "not_applicable"},
        "everything": {"met", "not_met", "not_applicable", "no_target"},
        "no facilities": {"not_met", "no_data", "not_applicable", "no_target"},
    }
    assert expected[name] <= seen | {"no_data"}
    if name == "nothing":
        assert seen <= expected[name]


def test_with_everything_every_indicator_of_the_county_has_a_value(make):
    tables = judged(make, "everything")
    scorecard = pd.concat([table.scorecard for table in tables.values()])
    # What a county's units of the level above it are is not known to the county.
    above = {"province", "prefecture"}
    counted = scorecard["kind"].isin(["presence_per_unit", "phasing"])
    rows = scorecard[~(counted & scorecard["unit_level"].isin(above))]
    assert rows.loc[rows["value"].isna(), "indicator_id"].tolist() == []
    with_value = scorecard.loc[scorecard["value"].notna(), "indicator_id"].nunique()
    assert with_value >= 150


def test_no_row_of_everything_lacks_an_input(make):
    for table in judged(make, "everything").values():
        card = table.scorecard
        assert card.loc[card["missing_inputs"] != "", "indicator_id"].tolist() == []


def test_zero_of_zero_is_never_a_share(make):
    tables = judged(make, "no facilities")
    for table in tables.values():
        card = table.scorecard
        nothing = card[card["denominator"] == 0]
        assert nothing["value"].isna().all()
        shares = card[(card["kind"] == "share") & (card["denominator_name"] == "facilities")]
        assert shares["value"].isna().all()
        assert set(shares["verdict"]) <= {"no_data", "not_applicable"}


@pytest.mark.parametrize("name", ["nothing", "everything", "no facilities"])
def test_the_addends_of_every_row_add_up_to_its_numerator_and_denominator(make, name):
    key = ["plan", "indicator_id", "alternative", "target_year"]
    for table in judged(make, name).values():
        sums = {
            (*row[:4], row[4]): math.fsum(group)
            for row, group in table.trace.fillna({"target_year": 0}).groupby([*key, "part"])[
                "amount"
            ]
        }
        rows = table.scorecard.fillna({"target_year": 0})
        for row in rows.to_dict("records"):
            for part in ("numerator", "denominator"):
                at = (*(row[name] for name in key), part)
                if math.isnan(row[part]):
                    assert at not in sums, at
                else:
                    assert sums.pop(at, 0.0) == row[part], at
        assert sums == {}


def test_the_sources_of_addends_are_rows_of_the_inputs(make):
    evidence = make.everything()
    known = {
        "facility": set(evidence.facilities.index),
        "unit": set(evidence.units.index) | {"area"},
        "staff": set(evidence.staff["unit_id"]) | set(evidence.staff["facility_id"]),
        "statistic": set(evidence.statistics["name"]),
        "demand": set(evidence.units.index) | {""},
    }
    units = set(evidence.units.index) | {"", "area"}
    for table in judged(make, "everything").values():
        trace = table.trace
        assert set(trace["part"]) == {"numerator", "denominator"}
        assert set(trace["unit_id"]) <= units
        for source, ids in trace.groupby("source")["source_id"]:
            assert set(ids) <= known[source], source


def test_quantities_of_all_kinds_are_told_apart(make):
    kinds = {words.kind for words in load_registry().quantities.values()}
    sources = {"facilities", "units", "presence", "reach", "people", "staff", "statistics"}
    assert kinds == sources
