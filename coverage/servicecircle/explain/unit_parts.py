"""Numerator and denominator of one unit: the addends of the whole that are its own."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from servicecircle.explain.addends import ADDEND_COLUMNS, PARTS, Part, named_addends, same
from servicecircle.inputs.runs import Run
from servicecircle.standards.item_sums import unit_parts
from servicecircle.standards.people_sums import groups_of
from servicecircle.standards.plan import Indicator
from servicecircle.standards.studied import Study
from servicecircle.standards.unit_sums import latest_figures

__all__ = ["parts_of_unit"]


def parts_of_unit(
    run: Run,
    study: Study,
    indicator: Indicator,
    parts: tuple[Part, ...],
    *,
    unit: pd.Series[Any],
    row: pd.Series[Any],
) -> tuple[Part, ...]:
    """Return numerator and denominator of a unit, with the addends that make them up.

    First the addends of the whole that belong to the unit: facilities by the units that they
    count for (with an equal part where several share one), others by the unit they are of. Where
    these are not the unit's number, as the whole took a figure of a coarser unit, the unit's own
    figure; where that is not it either, no addends.

    Parameters
    ----------
    run : Run
    study : Study
    indicator : Indicator
    parts : tuple of Part
        Of the whole.
    unit : pandas.Series
        unit_id, level.
    row : pandas.Series
        Of ``unit_results.csv``.
    """
    units = study.evidence.units
    names = dict(zip(map(str, units.index), units["name"].astype(str), strict=True))
    inside = _inside(study.evidence.units, str(unit["unit_id"]))
    shares = _shares(study, indicator, unit)
    found = []
    for part, quantity in zip(parts, (indicator.numerator, indicator.denominator), strict=True):
        recorded = float(row[part.name])
        table = part.addends
        share = table["source_id"].map(shares)
        by_facility = table["source_id"].isin(study.evidence.facilities.index)
        mine = table.assign(
            amount=table["amount"].where(~by_facility, table["amount"] * share.fillna(0.0))
        )[(by_facility & share.notna()) | (~by_facility & table["unit_id"].isin(list(inside)))]
        choices = [mine.reset_index(drop=True)]
        if quantity:
            figure = _own_figure(study, quantity, unit)
            choices.append(named_addends(run, figure, names))
        fits = (one for one in choices if same(math.fsum(one["amount"]), recorded))
        nothing = pd.DataFrame(columns=list(ADDEND_COLUMNS)).astype({"amount": float})
        found.append(Part(name=part.name, recorded=recorded, addends=next(fits, nothing)))
    return tuple(found)


def _inside(units: pd.DataFrame, unit: str) -> frozenset[str]:
    """Return a unit and all that lie in it."""
    parents = units["parent_id"]
    found = {unit}
    while True:
        more = {*map(str, units.index[parents.isin(list(found))])} - found
        if not more:
            return frozenset(found)
        found |= more


def _shares(study: Study, indicator: Indicator, unit: pd.Series[Any]) -> dict[str, float]:
    """Return the facilities that count for a unit, and with which part."""
    layers = [indicator.layer, *indicator.also]
    for name in PARTS:
        if quantity := getattr(indicator, name):
            layers += study.registry.quantities[quantity].also
    found: dict[str, float] = {}
    for layer in dict.fromkeys(layers):
        if layer in study.evidence.layers:
            pairs = unit_parts(study, layer, str(unit["level"]))
            pairs = pairs[pairs["unit_id"] == unit["unit_id"]]
            found |= dict(zip(pairs["facility_id"], pairs["part"], strict=True))
    return found


def _own_figure(study: Study, quantity: str, unit: pd.Series[Any]) -> pd.DataFrame:
    """Return a unit's own figure of a quantity as a trace; empty where it has none."""
    words = study.registry.quantities[quantity]
    name, units = str(unit["unit_id"]), study.evidence.units
    amount, source, source_id = math.nan, "unit", name
    if words.kind in {"people", "units"} and words.of in units:
        amount = float(units[words.of].astype(float)[name])
    elif words.kind == "statistics":
        amount = float(latest_figures(study, words.of).get(name, math.nan))
        source, source_id = "statistic", words.of
    elif words.kind == "staff":
        staff = study.evidence.staff
        rows = staff[(staff["role"].astype(str) == words.of) & (staff["unit_id"] == name)]
        amount, source = float(rows["count"].sum(min_count=1)), "staff"
    demand = study.evidence.demand
    if math.isnan(amount) and words.kind == "people" and words.of in demand:
        level = str(unit["level"])
        groups = groups_of(study)
        if level in groups.units:
            sums = groups.sums(demand[words.of].fillna(0.0).to_numpy(float))
            amount, source = float(groups.by_level(sums, level).get(name, math.nan)), "demand"
    rows_ = [] if math.isnan(amount) else [(source, source_id, name, amount)]
    return pd.DataFrame(rows_, columns=["source", "source_id", "unit_id", "amount"])
