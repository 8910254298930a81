"""presence_per_unit: the share of units that have at least so many facilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from servicecircle.standards.filters import which
from servicecircle.standards.kinds.base import (
    AREA_UNIT,
    Measured,
    Study,
    not_measured,
    share,
    unit_table,
    units_in_scope,
)
from servicecircle.standards.plan import Indicator
from servicecircle.standards.registry import ScopeWords
from servicecircle.standards.scopes import knows_years, polygon_or_years
from servicecircle.standards.trace import addends, join_traces

__all__ = ["Place", "measure_presence", "presence_place", "share_of_units", "unit_counts"]


def unit_counts(
    study: Study, layer: str, level: str, facilities: frozenset[str], index: pd.Index
) -> pd.Series[float]:
    """Return how many of some facilities of a layer belong to each unit of a level.

    Where the level is the study's own and has no units, the one unit is the whole area.
    """
    if index.equals(pd.Index([AREA_UNIT])):
        return pd.Series([float(len(facilities & study.inside(layer)))], index=index)
    pairs = study.pairs(layer, level)
    kept = pairs[which(pd.Index(pairs["facility_id"]), facilities)]
    return kept.groupby("unit_id")["facility_id"].nunique().reindex(index).fillna(0.0).astype(float)


def _units(indicator: Indicator, study: Study) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the units counted, and what is missing to know them."""
    level = indicator.level
    units = study.units(level)
    if not units.empty:
        return units, ()
    if level == study.own_level:
        one = pd.DataFrame(
            {"type": "", "name": "", "is_urban": pd.array([None], dtype="boolean")},
            index=pd.Index([AREA_UNIT], name="unit_id"),
        )
        return one, ()
    return units, (f"[boundaries.{level}]",)


def measure_presence(indicator: Indicator, study: Study, year: int | None) -> Measured:  # noqa: ARG001 - a stock at the date of judgement
    """Measure how many of the units that should have facilities have them, in per cent.

    The units are those of the indicator's level that lie in its scope and have ``should_have``;
    distinct open facilities that pass the filter are counted by assignment, declaration or
    geometry. ``low`` and ``high`` differ where a facility lacks the attribute that the filter asks
    for (cause ``filter``) and where a further layer was not supplied (cause ``missing_layer``). A
    level coarser than the study's own area is not applicable; the study's own level without
    boundaries is the whole area as one unit; a level that has to be drawn needs its boundaries.
    """
    place = presence_place(indicator, study)
    if place.stopped is not None:
        return place.stopped
    low, high, lacking, causes = _counts(indicator, study, place.units.index)
    return share_of_units(
        indicator, study, place, low, high, missing=lacking, causes=causes, notes=place.notes
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Place:
    """The units that a rule of presence counts, or why it counts none."""

    units: pd.DataFrame
    notes: tuple[str, ...] = ()
    applicable: bool = True
    by_polygon: bool = False
    stopped: Measured | None = None


def presence_place(indicator: Indicator, study: Study) -> Place:
    """Return the units of a rule of presence."""
    words = study.registry.levels[indicator.level]
    scope = study.registry.scopes[indicator.scope]
    above = words.administrative and study.registry.finer(study.own_level, indicator.level)
    units, missing = _units(indicator, study)
    notes: tuple[str, ...] = (study.note_above(indicator.level),) if above else ()
    if above and units.empty:
        return Place(units=units, stopped=Measured(applicable=False, notes=notes))
    missing += study.missing_layers((indicator.layer,))
    if scope.having:
        missing += study.missing_layers((scope.having,))
    by_years = knows_years(units, scope)
    by_polygon = scope.polygon and not by_years
    if by_polygon and study.in_polygon(indicator.layer, scope) is None:
        missing += (polygon_or_years(study, scope),)
    inside, unknown = units_in_scope(
        units, replace(scope, built="") if by_polygon else scope, study.built_period()
    )
    if unknown.any() and inside.any():
        key = "unbuilt_units" if scope.built else "untyped_units"
        notes += (study.note(key, count=int(unknown.sum())),)
    if len(units) and not inside.any():
        lacking = ("built" if scope.built else "type") if unknown.any() else scope.name
        missing += (f"[boundaries.{indicator.level}] {lacking}",)
        if not unknown.any():
            notes += (_no_units(study, scope),)
    if missing:
        stopped = replace(not_measured(*missing, notes=notes), applicable=not above)
        return Place(units=units, stopped=stopped)
    units = units[inside]
    if scope.having:
        ids = frozenset(study.open_rows(scope.having).index.astype(str))
        counts = unit_counts(study, scope.having, indicator.level, ids, units.index)
        units = units[counts >= 1]
    if units.empty:
        notes += (_no_units(study, scope),)
        empty = not_measured(f"[boundaries.{indicator.level}] {scope.name}", notes=notes)
        return Place(units=units, stopped=empty)
    return Place(units=units, notes=notes, applicable=not above, by_polygon=by_polygon)


def _no_units(study: Study, scope: ScopeWords) -> str:
    return study.note("no_units", scope=scope.zh if study.language == "zh" else scope.en)


def share_of_units(
    indicator: Indicator,
    study: Study,
    place: Place,
    low: pd.Series[float],
    high: pd.Series[float],
    *,
    missing: tuple[str, ...],
    causes: tuple[str, ...],
    notes: tuple[str, ...],
) -> Measured:
    """Return the share of units with enough facilities, of their certain and possible counts."""
    units = place.units
    scope = study.registry.scopes[indicator.scope]
    if place.by_polygon and place.applicable:
        drawn = study.units_with_scope(indicator.layer, indicator.level, scope)
        undrawn = ~units.index.isin(list(drawn)) & (units.index != AREA_UNIT)
        if undrawn.any():
            high = high.mask(undrawn, np.inf)
            causes += ("scope",)
            notes += (study.note("undrawn", count=int(undrawn.sum())),)
    needed = indicator.threshold or 1.0
    passing = low >= needed
    has, may = int(passing.sum()), int((high >= needed).sum())
    known = not missing
    counts = low if known else pd.Series(np.nan, index=low.index)
    ones = np.ones(len(units))
    table = unit_table(list(zip(units.index, counts, counts, ones, low, high, strict=True)))
    ids = units.index.astype(str)
    having = ids[passing.to_numpy(bool)] if known else ids[:0]
    return Measured(
        value=share(has, len(units)) if known else np.nan,
        numerator=float(has) if known else np.nan,
        denominator=float(len(units)),
        low=share(has, len(units)),
        high=share(may, len(units)),
        causes=causes,
        missing=missing,
        notes=notes,
        units=table,
        judged_by="threshold",
        scale=100.0,
        whole=True,
        applicable=place.applicable,
        trace=join_traces(
            (
                addends("numerator", "unit", having, np.ones(len(having)), having),
                addends("denominator", "unit", ids, ones, ids),
            )
        ),
    )


def _counts(
    indicator: Indicator, study: Study, index: pd.Index
) -> tuple[pd.Series[float], pd.Series[float], tuple[str, ...], tuple[str, ...]]:
    """Return certain and possible facilities per unit, missing inputs, causes of the width."""
    scope = study.registry.scopes[indicator.scope]
    by_polygon = scope.polygon and not knows_years(study.units(indicator.level), scope)
    low = pd.Series(0.0, index=index)
    high = low.copy()
    missing: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    for layer in (indicator.layer, *indicator.also):
        if layer not in study.evidence.layers:
            high += np.inf
            causes += ("missing_layer",)
            continue
        rows = study.open_rows(layer)
        if by_polygon:
            rows = rows[rows.index.isin(study.in_polygon(layer, scope) or frozenset())]
        chosen = study.select(rows, indicator.filter, layer)
        low += unit_counts(study, layer, indicator.level, chosen.certain, index)
        high += unit_counts(study, layer, indicator.level, chosen.possible, index)
        missing += chosen.missing
        if chosen.possible > chosen.certain:
            causes += ("filter",)
    return low, high, missing, tuple(dict.fromkeys(causes))
