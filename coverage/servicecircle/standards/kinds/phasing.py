"""phasing: the cumulative share of units that have facilities, milestone by milestone."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from servicecircle.measure.presence import is_open
from servicecircle.standards.filters import Selection
from servicecircle.standards.kinds.base import Measured, Study
from servicecircle.standards.kinds.presence_per_unit import (
    presence_place,
    share_of_units,
    unit_counts,
)
from servicecircle.standards.plan import Indicator

__all__ = ["measure_phasing"]


def measure_phasing(indicator: Indicator, study: Study, year: int | None) -> Measured:
    """Measure the share of units that had facilities at the end of a milestone's year, in per cent.

    Each target of the programme is a milestone, cumulative: 4:3:3 is 40, 70 and 100 %. A facility
    counts where it had opened by then and had not closed. At the date of judgement one without an
    opening date is open, as everywhere; at an earlier milestone it may have been (cause
    ``dates``), and where no facility has a date, the date is a missing input. A milestone to come
    is measured at the date of judgement.
    """
    place = presence_place(indicator, study)
    if place.stopped is not None:
        return place.stopped
    day = study.period_end(year)
    index = place.units.index
    low = pd.Series(0.0, index=index)
    high = low.copy()
    missing: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    notes = (*place.notes, study.note("phase", date=day.isoformat()))
    for layer in (indicator.layer, *indicator.also):
        if layer not in study.evidence.layers:
            high, causes = high + np.inf, (*causes, "missing_layer")
            continue
        rows = study.rows(layer)
        found = _at(rows, day, study.evidence.as_of, layer)
        passing = study.select(rows[rows.index.isin(found.possible)], indicator.filter, layer)
        low += unit_counts(study, layer, indicator.level, found.certain & passing.certain, index)
        high += unit_counts(study, layer, indicator.level, found.possible & passing.possible, index)
        missing += (*found.missing, *passing.missing)
        if found.possible > found.certain:
            causes += ("dates",)
        if passing.possible > passing.certain:
            causes += ("filter",)
    return share_of_units(
        indicator,
        study,
        place,
        low,
        high,
        missing=tuple(dict.fromkeys(missing)),
        causes=tuple(dict.fromkeys(causes)),
        notes=notes,
    )


def _at(rows: pd.DataFrame, day: dt.date, as_of: dt.date, layer: str) -> Selection:
    """Return which facilities were open at a day for certain, and which may have been."""
    ids = rows.index.astype(str)
    opened, closed = (pd.to_datetime(rows[name]) for name in ("opened", "closed"))
    then = is_open(rows, day)
    if day >= as_of:
        open_ids = frozenset(ids[then])
        return Selection(certain=open_ids, possible=open_ids, missing=())
    certain = then & opened.notna()
    # One that is closed today, without a date, may still have been open.
    gone = (rows["status"].fillna("") == "closed") & closed.isna()
    possible = then | (gone & ~(opened > pd.Timestamp(day)))
    undated = len(rows) > 0 and bool(opened.isna().all()) and bool(possible.any())
    return Selection(
        certain=frozenset(ids[certain]),
        possible=frozenset(ids[possible]),
        missing=(f"[facilities.{layer}] opened",) if undated else (),
    )
