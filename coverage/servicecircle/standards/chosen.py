"""Which facilities count for an indicator, and what each of them adds to a sum."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.filters import Selection, which
from servicecircle.standards.plan import Filter, FlowOf, Indicator
from servicecircle.standards.scopes import Where, facilities_in
from servicecircle.standards.studied import Study

__all__ = ["Dated", "Items", "choose", "dated_by", "finest_units", "items_of"]

Floats = NDArray[np.float64]

_DATES: dict[FlowOf, tuple[str, ...]] = {
    "opened": ("opened",),
    "renovated": ("renovated",),
    "opened_or_renovated": ("opened", "renovated"),
}
_PARTS_OF_BEDS = ("nursing_beds", "dementia_beds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """Facilities that have one of some dates in a period.

    Parameters
    ----------
    columns : tuple of str
    first, last : datetime.date
        Both inclusive; None for any date by the last.
    stock : bool
        Of those open at the date of judgement; else whether or not they closed since.
    """

    columns: tuple[str, ...]
    first: dt.date | None
    last: dt.date
    stock: bool


def dated_by(indicator: Indicator, study: Study, year: int | None) -> Dated | None:
    """Return the dates that an indicator asks its facilities for; None where it asks for none.

    A flow asks for a date from the first day of the period (``since``, else the plan's first
    year) to the end of the target's year or the date of judgement, whichever is earlier; a stock
    with ``flow_of`` for any date by then, of facilities that are open at the date of judgement.
    """
    if not indicator.flow_of:
        return None
    stock = indicator.measure == "stock"
    first = dt.date(indicator.since or study.plan.period[0], 1, 1)
    return Dated(
        columns=_DATES[indicator.flow_of],
        first=None if stock else first,
        last=study.period_end(year),
        stock=stock,
    )


def choose(
    study: Study,
    layer: str,
    where: Where,
    *,
    conditions: tuple[Filter, ...] = (),
    dated: Dated | None = None,
    among: Collection[str] | None = None,
) -> Selection:
    """Return the facilities of a layer that count for certain, and those that may.

    Parameters
    ----------
    study : Study
    layer : str
    where : Where
        The part of the area that they lie in.
    conditions : tuple of Filter
        Each has to hold.
    dated : Dated, optional
        Without it, all that are open at the date of judgement. Planned ones never count; one
        without the date may or may not be one of them, and where none has it the date is missing.
    among : collection of str, optional
        Only these facilities.

    Returns
    -------
    Selection
    """
    rows = study.open_rows(layer)
    if dated is not None and not dated.stock:
        rows = study.rows(layer)
        rows = rows[rows["status"].fillna("") != "planned"]
    rows = rows[which(rows.index, facilities_in(study, layer, where))]
    if among is not None:
        rows = rows[which(rows.index, among)]
    ids = rows.index.astype(str)
    certain = possible = frozenset(ids)
    missing: tuple[str, ...] = ()
    for condition in conditions:
        found = study.select(rows, condition, layer)
        certain &= found.certain
        possible &= found.possible
        missing += found.missing
    if dated is not None:
        nothing = pd.Series(pd.NaT, index=rows.index)
        days = [pd.to_datetime(rows.get(column, nothing)) for column in dated.columns]
        added = np.logical_or.reduce([_within(day, dated) for day in days])
        undated = np.logical_and.reduce([day.isna() for day in days])
        certain &= frozenset(ids[added])
        possible &= frozenset(ids[added | undated])
        if len(rows) and undated.all():
            missing += tuple(f"[facilities.{layer}] {column}" for column in dated.columns)
    return Selection(certain=certain, possible=possible, missing=tuple(dict.fromkeys(missing)))


def _within(days: pd.Series[pd.Timestamp], dated: Dated) -> pd.Series[bool]:
    found = days <= pd.Timestamp(dated.last)
    return found if dated.first is None else found & (days >= pd.Timestamp(dated.first))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Items:
    """What each facility adds to a sum.

    Parameters
    ----------
    table : pandas.DataFrame
        Index facility_id; layer, value (NaN where the cell is empty), low, high, certain,
        possible (bool: whether it counts at all).
    missing, causes, notes : tuple of str
    empty_notes : tuple of str
        About empty cells, as a sum takes them.
    open_end : bool
        A further layer was not supplied, so there may be any number more.
    """

    table: pd.DataFrame
    missing: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    empty_notes: tuple[str, ...] = ()
    open_end: bool = False


_NO_ITEMS = pd.DataFrame(
    {
        "layer": pd.Series(dtype="str"),
        "value": pd.Series(dtype=float),
        "low": pd.Series(dtype=float),
        "high": pd.Series(dtype=float),
        "certain": pd.Series(dtype=bool),
        "possible": pd.Series(dtype=bool),
    }
)


def items_of(
    study: Study,
    indicator: Indicator,
    column: str,
    where: Where,
    *,
    also: tuple[str, ...] = (),
    conditions: tuple[Filter, ...] = (),
    dated: Dated | None = None,
    among: Collection[str] | None = None,
) -> Items:
    """Return what the facilities of an indicator add to the sum of a column.

    Parameters
    ----------
    study : Study
    indicator : Indicator
        Its layer and further layers count.
    column : str
        "" counts facilities.
    where : Where
    also : tuple of str
        Layers that the quantity itself takes in.
    conditions, dated, among
        As for :func:`choose`.

    Returns
    -------
    Items
        An empty cell is 0 in ``low`` and, in ``high``, the largest filled cell of the layer: a
        declared assumption. Beds of a kind are at most the facility's own beds, else the most that
        one has. A column without a single filled cell is a missing input.
    """
    parts: list[pd.DataFrame] = []
    missing: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    empty_notes: tuple[str, ...] = ()
    open_end = False
    for layer in dict.fromkeys((indicator.layer, *indicator.also, *also)):
        if layer not in study.evidence.layers:
            open_end = True
            if layer in indicator.also:
                causes += ("missing_layer",)
                notes += (study.note("missing_layer", layer=study.layer_title(layer)),)
            else:
                missing += (f"[facilities.{layer}]",)
            continue
        found = choose(study, layer, where, conditions=conditions, dated=dated, among=among)
        missing += found.missing
        if found.possible > found.certain:
            causes += ("dates",) if dated is not None else ("filter",)
        rows = study.rows(layer)
        rows = rows[which(rows.index, found.possible)]
        value, high = _cells(rows, column)
        table = pd.DataFrame(
            {
                "layer": layer,
                "value": value,
                "low": np.nan_to_num(value),
                "high": high,
                "certain": which(rows.index, found.certain),
                "possible": True,
            },
            index=rows.index.astype(str),
        )
        empty = int(np.isnan(value).sum())
        if len(rows) and empty == len(rows):
            missing += (f"[facilities.{layer}] {column}",)
        elif empty:
            causes += ("empty_cells",)
            empty_notes += (
                study.note(
                    "empty_cells",
                    layer=study.layer_title(layer),
                    column=column,
                    count=empty,
                    total=len(rows),
                    most=f"{np.nanmax(value):g}",
                ),
            )
        parts.append(table)
    table = pd.concat(parts) if parts else _NO_ITEMS
    return Items(
        table=table,
        missing=tuple(dict.fromkeys(missing)),
        causes=tuple(dict.fromkeys(causes)),
        notes=notes,
        empty_notes=empty_notes,
        open_end=open_end,
    )


def _cells(rows: pd.DataFrame, column: str) -> tuple[Floats, Floats]:
    """Return the numbers of a column, NaN where empty, and the most that each may be."""
    if not column:
        return np.ones(len(rows)), np.ones(len(rows))
    value = _numbers(rows, column)
    most = np.full(len(rows), _largest(value))
    if column in _PARTS_OF_BEDS:
        beds = _numbers(rows, "capacity")
        if not np.isnan(beds).all():
            most = np.where(np.isnan(beds), _largest(beds), beds)
    return value, np.where(np.isnan(value), most, value)


def _numbers(rows: pd.DataFrame, column: str) -> Floats:
    if column not in rows:
        return np.full(len(rows), np.nan)
    return rows[column].to_numpy(float, na_value=np.nan)


def _largest(values: Floats) -> float:
    return math.inf if np.isnan(values).all() else float(np.nanmax(values))


def finest_units(study: Study, layer: str, levels: tuple[str, ...]) -> pd.Series[str]:
    """Return the finest unit that each facility of a layer belongs to alone, "" without one.

    Parameters
    ----------
    study : Study
    layer : str
    levels : tuple of str
        The coarsest first.
    """
    kept, key = study.evidence.kept, ("finest", layer, levels)
    if key not in kept:
        found = pd.Series("", index=study.rows(layer).index.astype(str), dtype=object)
        for level in levels:
            pairs = study.pairs(layer, level).drop_duplicates("facility_id", keep=False)
            found.update(pairs.set_index("facility_id")["unit_id"].astype(object))
        kept[key] = found
    finest: pd.Series[str] = kept[key]
    return finest
