"""count: how many facilities a region has, or how many were added in a period."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from servicecircle.standards.kinds.base import (
    NAN,
    Measured,
    Selection,
    Study,
    not_measured,
    unit_table,
    units_in_scope,
)
from servicecircle.standards.kinds.presence_per_unit import unit_counts
from servicecircle.standards.plan import Indicator

__all__ = ["measure_count"]

_DATES = {
    "opened": ("opened",),
    "renovated": ("renovated",),
    "opened_or_renovated": ("opened", "renovated"),
}


def measure_count(indicator: Indicator, study: Study, year: int | None) -> Measured:
    """Count the distinct facilities of the area that lie in the scope and pass the filter.

    A stock counts those open at the date of judgement. A flow counts those opened (or renovated)
    from the first day of the period (``since``, else the plan's first year) to the end of the
    target's year or the date of judgement, whichever is earlier, whether or not they closed later;
    planned ones do not count. A facility without the date may or may not be one of them (cause
    ``dates``); where no facility of the layer has one, the date is a missing input.

    Units below the judged level get their own counts as reference.
    """
    scope = study.registry.scopes[indicator.scope]
    missing = study.missing_layers((indicator.layer,))
    if scope.polygon and study.in_polygon(indicator.layer, scope) is None:
        missing += (f"[boundaries.{scope.name}]",)
    if scope.level and scope.types and study.units(scope.level).empty:
        missing += (f"[boundaries.{scope.level}]",)
    if missing:
        return not_measured(*missing)
    notes: list[str] = []
    if scope.types:
        unknown = units_in_scope(study.units(scope.level), scope)[1]
        if unknown.all():
            return not_measured(f"[boundaries.{scope.level}] type")
        if unknown.any():
            notes.append(study.note("untyped_units", count=int(unknown.sum())))

    lacking: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    low = high = 0.0
    chosen: dict[str, Selection] = {}
    for layer in (indicator.layer, *indicator.also):
        if layer not in study.evidence.layers:
            high, causes = np.inf, (*causes, "missing_layer")
            notes.append(study.note("missing_layer", layer=layer))
            continue
        found = _chosen(indicator, study, layer, year)
        chosen[layer] = found
        low, high = low + len(found.certain), high + len(found.possible)
        lacking += found.missing
        if len(found.possible) > len(found.certain):
            causes += ("dates",) if indicator.measure == "flow" else ("filter",)
        outside = len(study.open_rows(layer)) - len(
            study.inside(layer) & frozenset(study.open_rows(layer).index.astype(str))
        )
        if outside:
            notes.append(study.note("outside", count=outside, layer=layer))
    value = NAN if lacking else low
    return Measured(
        value=value,
        numerator=value,
        low=low,
        high=high,
        causes=tuple(dict.fromkeys(causes)),
        missing=lacking,
        notes=tuple(notes),
        units=_by_unit(indicator, study, chosen),
        whole=True,
    )


def _chosen(indicator: Indicator, study: Study, layer: str, year: int | None) -> Selection:
    """Return the facilities of a layer that count for certain and those that may."""
    scope = study.registry.scopes[indicator.scope]
    within = study.inside(layer)
    if scope.polygon:
        within &= study.in_polygon(layer, scope) or frozenset()
    if scope.types:
        units = study.units(scope.level)
        inside = units.index[units_in_scope(units, scope)[0]]
        pairs = study.pairs(layer, scope.level)
        within &= frozenset(pairs.loc[pairs["unit_id"].isin(inside), "facility_id"])
    if indicator.measure == "stock":
        rows = study.open_rows(layer)
        return study.select(rows[rows.index.isin(within)], indicator.filter, layer)
    rows = study.rows(layer)
    rows = rows[rows.index.isin(within) & (rows["status"].fillna("") != "planned")]
    dates = [pd.to_datetime(rows[column]) for column in _DATES[indicator.flow_of]]
    first = pd.Timestamp(dt.date(indicator.since or study.plan.period[0], 1, 1))
    last = pd.Timestamp(study.period_end(year))
    added = np.logical_or.reduce([column.between(first, last) for column in dates])
    undated = np.logical_and.reduce([column.isna() for column in dates])
    picked = study.select(rows, indicator.filter, layer)
    ids = rows.index.astype(str)
    missing = picked.missing
    if len(rows) and undated.all():
        missing += tuple(f"[facilities.{layer}] {column}" for column in _DATES[indicator.flow_of])
    return Selection(
        certain=picked.certain & frozenset(ids[added]),
        possible=picked.possible & frozenset(ids[added | undated]),
        missing=missing,
    )


def _by_unit(indicator: Indicator, study: Study, chosen: dict[str, Selection]) -> pd.DataFrame:
    """Return the counts of the units below the judged level, as reference."""
    parts = []
    for level in study.levels():
        if not study.registry.finer(level, indicator.level):
            continue
        index = study.units(level).index
        low = pd.Series(0.0, index=index)
        high = low.copy()
        for layer, found in chosen.items():
            low += unit_counts(study, layer, level, found.certain, index)
            high += unit_counts(study, layer, level, found.possible, index)
        empty = np.full(len(index), np.nan)
        parts.append(unit_table(list(zip(index, low, low, empty, low, high, strict=True))))
    return pd.concat(parts, ignore_index=True) if parts else unit_table([])
