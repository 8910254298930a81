"""presence_per_unit: the share of units that have at least so many facilities."""

from __future__ import annotations

import numpy as np
import pandas as pd

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

__all__ = ["measure_presence", "unit_counts"]


def unit_counts(
    study: Study, layer: str, level: str, facilities: frozenset[str], index: pd.Index
) -> pd.Series[float]:
    """Return how many of some facilities of a layer belong to each unit of a level.

    Where the level is the study's own and has no units, the one unit is the whole area.
    """
    if index.equals(pd.Index([AREA_UNIT])):
        return pd.Series([float(len(facilities & study.inside(layer)))], index=index)
    pairs = study.pairs(layer, level)
    kept = pairs[pairs["facility_id"].isin(facilities)]
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
    boundaries is the whole area as one unit.
    """
    words = study.registry.levels[indicator.level]
    if not words.administrative:
        return not_measured(
            f"[boundaries.{indicator.level}]", *study.missing_layers((indicator.layer,))
        )
    scope = study.registry.scopes[indicator.scope]
    above = study.registry.finer(study.own_level, indicator.level)
    units, missing = _units(indicator, study)
    if above:
        note = study.note("other_level", level=words.zh if study.language == "zh" else words.en)
        if units.empty:
            return Measured(applicable=False, notes=(note,))
    missing += study.missing_layers((indicator.layer,))
    if scope.having:
        missing += study.missing_layers((scope.having,))
    if scope.polygon and study.in_polygon(indicator.layer, scope) is None:
        missing += (f"[boundaries.{scope.name}]",)
    if missing:
        return not_measured(*missing)

    inside, unknown = units_in_scope(units, scope)
    notes: list[str] = []
    if unknown.any():
        if not inside.any():
            return not_measured(f"[boundaries.{indicator.level}] type")
        notes.append(study.note("untyped_units", count=int(unknown.sum())))
    units = units[inside]
    if scope.having:
        ids = frozenset(study.open_rows(scope.having).index.astype(str))
        counts = unit_counts(study, scope.having, indicator.level, ids, units.index)
        units = units[counts >= 1]
    if units.empty:
        notes.append(study.note("no_units", scope=scope.zh if study.language == "zh" else scope.en))
        return not_measured(notes=tuple(notes))

    low, high, lacking, causes = _counts(indicator, study, units.index)
    if scope.polygon and not above:
        drawn = study.units_with_scope(indicator.layer, indicator.level, scope)
        undrawn = ~units.index.isin(list(drawn)) & (units.index != AREA_UNIT)
        if undrawn.any():
            high[undrawn] = np.inf
            causes += ("scope",)
            notes.append(study.note("undrawn", count=int(undrawn.sum())))
    needed = indicator.threshold or 1.0
    has, may = int((low >= needed).sum()), int((high >= needed).sum())
    known = not lacking
    table = unit_table(
        list(
            zip(
                units.index,
                low if known else np.full(len(units), np.nan),
                low if known else np.full(len(units), np.nan),
                np.ones(len(units)),
                low,
                high,
                strict=True,
            )
        )
    )
    return Measured(
        value=share(has, len(units)) if known else np.nan,
        numerator=float(has) if known else np.nan,
        denominator=float(len(units)),
        low=share(has, len(units)),
        high=share(may, len(units)),
        causes=causes,
        missing=lacking,
        notes=tuple(notes),
        units=table,
        judged_by="threshold",
        scale=100.0,
        whole=True,
        applicable=not above,
    )


def _counts(
    indicator: Indicator, study: Study, index: pd.Index
) -> tuple[pd.Series[float], pd.Series[float], tuple[str, ...], tuple[str, ...]]:
    """Return certain and possible facilities per unit, missing inputs, causes of the width."""
    scope = study.registry.scopes[indicator.scope]
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
        if scope.polygon:
            rows = rows[rows.index.isin(study.in_polygon(layer, scope) or frozenset())]
        chosen = study.select(rows, indicator.filter, layer)
        low += unit_counts(study, layer, indicator.level, chosen.certain, index)
        high += unit_counts(study, layer, indicator.level, chosen.possible, index)
        missing += chosen.missing
        if chosen.possible > chosen.certain:
            causes += ("filter",)
    return low, high, missing, tuple(dict.fromkeys(causes))
