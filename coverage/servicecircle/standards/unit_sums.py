"""Sums of what stands in tables of units: households, staff, figures, and the units themselves."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from servicecircle.standards.chosen import Items, choose
from servicecircle.standards.item_sums import sum_items
from servicecircle.standards.plan import Indicator
from servicecircle.standards.quantity import Quantity, not_known
from servicecircle.standards.registry import QuantityWords
from servicecircle.standards.rollup import add_up, roll_up, roots
from servicecircle.standards.scopes import Where
from servicecircle.standards.studied import AREA_UNIT, Study
from servicecircle.standards.trace import addends

__all__ = ["count_units", "figures_of", "latest_figures", "staff_of", "sum_of_units", "tops_of"]


def tops_of(study: Study, where: Where) -> pd.Index:
    """Return the units that make up a part of the area, none in another; empty for a polygon."""
    if where.level:
        return where.units
    units = study.evidence.units
    if where.polygon:
        return units.index[:0]
    administrative = units["level"].isin(study.levels())
    return roots(units[administrative])


def count_units(study: Study, level: str, where: Where) -> Quantity:
    """Count the units of a level in a part of the area that should have facilities.

    The study's own level without boundaries is one unit: the whole area.
    """
    index = where.units if where.level == level else study.units(level).index
    if index.empty and level == study.own_level:
        index = pd.Index([AREA_UNIT])
    if index.empty:
        return not_known(f"[boundaries.{level}]")
    ones = pd.Series(1.0, index=index)
    units = study.evidence.units
    known = roll_up(ones, units)[0] if index[0] != AREA_UNIT else ones
    count = float(len(index))
    return Quantity(
        value=count,
        low=count,
        high=count,
        units=pd.DataFrame({"value": known, "low": known, "high": known}).dropna(),
        trace=addends("", "unit", index, ones, index),
    )


def sum_of_units(study: Study, words: QuantityWords, where: Where) -> Quantity:
    """Add up a column of the units' own tables, such as households."""
    units = study.evidence.units
    needs = words.needs.format(layer="")
    if words.of not in units:
        return not_known(needs)
    return _added(study, words, units[words.of].astype(float), where, source="unit", needs=needs)


def latest_figures(study: Study, name: str) -> pd.Series[float]:
    """Return the figures of a name by unit (``area``: the whole), the latest at the date."""
    table = study.evidence.statistics
    table = table[table["name"].astype(str) == name]
    days = pd.to_datetime(table["date"])
    table = table[~(days > pd.Timestamp(study.evidence.as_of))]
    ordered = table.assign(_day=days).sort_values("_day", kind="stable", na_position="first")
    return ordered.groupby("unit_id", sort=True)["value"].last().astype(float)


def figures_of(study: Study, words: QuantityWords, where: Where, *, name: str = "") -> Quantity:
    """Return a figure of the table of statistics: the area's own, else the sum of its units'."""
    needs = words.needs.format(layer="")
    name = name or words.of
    figures = latest_figures(study, name).dropna()
    if figures.empty:
        return not_known(needs)
    by_unit = figures[figures.index != AREA_UNIT]
    found = _added(study, words, by_unit, where, source="statistic", needs=needs, name=name)
    if where.level or where.polygon or AREA_UNIT not in figures.index:
        return found
    whole = float(figures[AREA_UNIT])
    return Quantity(
        value=whole,
        low=whole,
        high=whole,
        units=found.units,
        trace=addends("", "statistic", [name], [whole]),
    )


def staff_of(
    study: Study, indicator: Indicator, words: QuantityWords, where: Where, *, at_facilities: bool
) -> Quantity:
    """Return the people of a role: rows of units or rows of facilities, never both.

    Parameters
    ----------
    at_facilities : bool
        The ratio's other side is of facilities: rows of the indicator's facilities come first,
        those of units stand in for them. Else the other way round, with rows of facilities of
        every layer.
    """
    needs = words.needs.format(layer=indicator.layer)
    rows = study.evidence.staff
    rows = rows[rows["role"].astype(str) == words.of]
    of_facilities = rows["facility_id"].fillna("").astype(str) != ""
    by_facility = rows[of_facilities].groupby("facility_id")["count"].sum().astype(float)
    by_unit = rows[~of_facilities].groupby("unit_id")["count"].sum().astype(float)
    title = words.zh if study.language == "zh" else words.en
    found = not_known(needs)
    for at in (at_facilities, not at_facilities):
        if at and len(by_facility):
            layers = indicator.layers if at_facilities else tuple(sorted(study.evidence.layers))
            found = _at_facilities(
                study, where, by_facility, layers, asked=indicator.layers, title=title
            )
        elif not at and len(by_unit):
            found = _added(study, words, by_unit, where, source="staff", needs=needs)
        if not math.isnan(found.value):
            note = study.note("staff_facilities" if at else "staff_units")
            return _noted(found, note)
    return not_known(needs)


def _noted(found: Quantity, note: str) -> Quantity:
    return replace(found, notes=(note, *found.notes))


def _added(
    study: Study,
    words: QuantityWords,
    numbers: pd.Series[float],
    where: Where,
    *,
    source: str,
    needs: str,
    name: str = "",
) -> Quantity:
    """Add up numbers of units, and bound what units without one would add."""
    units = study.evidence.units
    known, gaps = roll_up(numbers, units)
    total = add_up(numbers, units, tops_of(study, where))
    if math.isnan(total.known):
        return not_known(needs)
    most = float(total.addends.max())
    table = pd.DataFrame({"value": known, "low": known.fillna(0.0)})
    table["high"] = table["low"] + gaps * most
    ids = total.addends.index
    notes: tuple[str, ...] = ()
    if total.gaps:
        title = words.zh if study.language == "zh" else words.en
        notes = (study.note("gaps", what=title, count=total.gaps, most=f"{most:g}"),)
    return Quantity(
        value=total.known,
        low=total.known,
        high=total.known + total.gaps * most,
        units=table,
        trace=addends("", source, [name or one for one in ids], total.addends, ids),
        causes=("gaps",) if total.gaps else (),
        notes=notes,
    )


def _at_facilities(
    study: Study,
    where: Where,
    counts: pd.Series[float],
    layers: tuple[str, ...],
    *,
    asked: tuple[str, ...],
    title: str,
) -> Quantity:
    """Add up people who work at facilities, and bound what facilities of no row would add.

    Parameters
    ----------
    counts : pandas.Series of float
        Index facility_id.
    layers : tuple of str
    asked : tuple of str
        Layers whose facilities may have people though no row says so: those of the indicator,
        where rows stand at any of their facilities.
    title : str
        Of the quantity, for the note.
    """
    parts = []
    for layer in layers:
        if layer not in study.evidence.layers:
            continue
        ids = sorted(choose(study, layer, where).certain)
        parts.append(pd.DataFrame({"layer": layer, "value": counts.reindex(ids)}, index=ids))
    table = pd.concat(parts) if parts else pd.DataFrame({"layer": [], "value": []})
    if not table["value"].notna().any():
        return not_known()
    own = table["layer"].isin(asked)
    if not table.loc[own, "value"].notna().any():
        own &= False
    table = table[own | table["value"].notna()]
    most = float(table["value"].max())
    table = table.assign(
        low=table["value"].fillna(0.0),
        high=table["value"].fillna(most),
        certain=True,
        possible=True,
    )
    found = sum_items(study, Items(table=table), source="staff")
    empty = int(table["value"].isna().sum())
    if not empty:
        return found
    note = study.note("gaps", what=title, count=empty, most=f"{most:g}")
    return replace(found, causes=("gaps",), notes=(note,))
