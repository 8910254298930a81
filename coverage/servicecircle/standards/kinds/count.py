"""count: how many facilities a region has, or how many were added in a period."""

from __future__ import annotations

import numpy as np
import pandas as pd

from servicecircle.standards.chosen import choose, dated_by, finest_units
from servicecircle.standards.kinds.base import (
    NAN,
    Measured,
    Selection,
    Study,
    not_measured,
    unit_table,
)
from servicecircle.standards.kinds.presence_per_unit import unit_counts
from servicecircle.standards.plan import Indicator
from servicecircle.standards.scopes import where_of
from servicecircle.standards.trace import addends, join_traces

__all__ = ["measure_count"]


def measure_count(indicator: Indicator, study: Study, year: int | None) -> Measured:
    """Count the distinct facilities of the area that lie in the scope and pass the filter.

    A stock counts those open at the date of judgement. A flow counts those opened (or renovated)
    from the first day of the period (``since``, else the plan's first year) to the end of the
    target's year or the date of judgement, whichever is earlier, whether or not they closed later;
    planned ones do not count. A facility without the date may or may not be one of them (cause
    ``dates``); where no facility of the layer has one, the date is a missing input.

    Units below the judged level get their own counts as reference.
    """
    where = where_of(study, indicator.scope)
    missing = (*study.missing_layers((indicator.layer,)), *where.missing)
    if missing:
        return not_measured(*missing, notes=where.notes)
    notes = list(where.notes)
    lacking: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    low = high = 0.0
    chosen: dict[str, Selection] = {}
    for layer in (indicator.layer, *indicator.also):
        if layer not in study.evidence.layers:
            high, causes = np.inf, (*causes, "missing_layer")
            notes.append(study.note("missing_layer", layer=study.layer_title(layer)))
            continue
        found = choose(
            study,
            layer,
            where,
            conditions=(indicator.filter,),
            dated=dated_by(indicator, study, year),
        )
        chosen[layer] = found
        low, high = low + len(found.certain), high + len(found.possible)
        lacking += found.missing
        if len(found.possible) > len(found.certain):
            causes += ("dates",) if indicator.measure == "flow" else ("filter",)
        outside = len(study.open_rows(layer)) - len(
            study.inside(layer) & frozenset(study.open_rows(layer).index.astype(str))
        )
        if outside:
            notes.append(study.note("outside", count=outside, layer=study.layer_title(layer)))
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
        trace=join_traces(() if lacking else _counted(study, chosen)),
    )


def _counted(study: Study, chosen: dict[str, Selection]) -> list[pd.DataFrame]:
    """Return the addends: one for each facility that counts for certain."""
    parts = []
    for layer, found in chosen.items():
        ids = sorted(found.certain)
        units = finest_units(study, layer, study.levels()).reindex(ids)
        parts.append(addends("numerator", "facility", ids, np.ones(len(ids)), units))
    return parts


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
