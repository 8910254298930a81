"""What is missing by level and by layer: sums by hand, and a plain loop over the rows."""

from __future__ import annotations

import math

import pandas as pd

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.plan import Target
from servicecircle.standards.shortfalls import (
    NEED_COLUMNS,
    SHORTFALL_COLUMNS,
    needs_by_layer,
    shortfall_table,
)


def test_units_are_added_up_level_by_level(make):
    homes = make.facilities({"village": "111"}, {"village": "111"})
    rules = (
        make.indicator(id="villages", threshold=2.0, targets=(Target(year=2025, value=50),)),
        make.indicator(id="towns", level="township"),
        make.indicator(id="unknown", layer="canteen"),
        make.indicator(id="above", level="prefecture"),
    )
    evidence = make.evidence(facilities=homes)
    card, results = evaluate(make.plan(*rules), evidence, area="whole")
    table = shortfall_table(card, results, evidence.units.reset_index())
    assert tuple(table.columns) == SHORTFALL_COLUMNS
    found = table[
        ["indicator_id", "level", "shortfall_of", "shortfall", "units", "units_short"]
    ].astype(object)
    assert found.where(found.notna(), None).to_numpy().tolist() == [
        ["villages", "", "units", 1, None, None],
        ["villages", "village_level", "facilities", 6, 4, 3],
        ["towns", "", "units", 1, None, None],
        ["towns", "township", "facilities", 1, 2, 1],
    ]
    assert table["greatest_unit"].tolist() == ["", "village_level:112", "", "township:12"]
    for (indicator, level), rows in table[table["level"] != ""].groupby(["indicator_id", "level"]):
        total = 0.0
        for unit, name, short in results[["unit_id", "indicator_id", "shortfall"]].to_numpy():
            if name == indicator and evidence.units.loc[unit, "level"] == level:
                total += short
        assert rows["shortfall"].tolist() == [total]


def test_only_what_the_plan_says_first_is_added(make):
    card, results = evaluate(make.plan(make.indicator()), make.evidence(), area="whole")
    units = make.evidence().units.reset_index()
    alone = shortfall_table(card, results, units)
    other = pd.concat([results, results.assign(alternative="30")], ignore_index=True)
    pd.testing.assert_frame_equal(shortfall_table(card, other, units), alone)


def worth(*rows):
    columns = ["plan", "indicator_id", "layer", "shortfall_of", "shortfall", "needed_at_least"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(alternative="", unit_id="", one_more_of="facilities")


def test_a_layer_lacks_the_most_that_any_plan_asks_for():
    table = needs_by_layer(
        worth(
            ("p", "a", "canteen", "units", 3.0, 3.0),
            ("p", "b", "canteen", "persons", 900.0, 5.0),
            ("p", "c", "canteen", "facilities", 0.0, 0.0),
            ("q", "d", "canteen", "units", 4.0, 4.0),
            ("q", "e", "care_home", "beds", math.nan, math.nan),
        )
    )
    assert tuple(table.columns) == NEED_COLUMNS
    assert table.to_numpy().tolist() == [
        ["", "canteen", "units", 2, 2, 4, "d"],
        ["", "canteen", "facilities", 4, 3, 5, "b"],
        ["", "canteen", "persons", 1, 1, 900, "b"],
        ["p", "canteen", "units", 1, 1, 3, "a"],
        ["p", "canteen", "facilities", 3, 2, 5, "b"],
        ["p", "canteen", "persons", 1, 1, 900, "b"],
        ["q", "canteen", "units", 1, 1, 4, "d"],
        ["q", "canteen", "facilities", 1, 1, 4, "d"],
    ]


def test_people_and_staff_are_no_facilities():
    rows = worth(("p", "a", "care_home", "staff", 7.0, 7.0)).assign(one_more_of="staff")
    table = needs_by_layer(rows)
    assert table["shortfall_of"].tolist() == ["staff", "staff"]
    assert needs_by_layer(rows.assign(alternative="30")).empty
    assert needs_by_layer(rows.assign(unit_id="township:11")).empty
