"""Parts of a whole of facilities: nursing beds of beds, graded offices of all, size of each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from servicecircle.standards.chosen import Items, dated_by, items_of
from servicecircle.standards.fractions import least_fraction, most_fraction
from servicecircle.standards.item_sums import all_unit_parts, units_of_items
from servicecircle.standards.kinds.base import NAN, UNIT_COLUMNS, Measured, Study, unit_table
from servicecircle.standards.plan import Indicator
from servicecircle.standards.registry import QuantityWords
from servicecircle.standards.scopes import Where
from servicecircle.standards.trace import addends, join_traces

__all__ = ["least_parts", "measure_parts"]


def measure_parts(indicator: Indicator, study: Study, year: int | None, where: Where) -> Measured:
    """Measure what facilities have above the line over what the same facilities have below it.

    ``filter`` picks the facilities of both; ``numerator_filter`` and dates those that count above
    the line. The value leaves out facilities with an empty cell; ``low`` and ``high`` take them at
    both ends of what they may hold, and are the smallest and the largest share that any choice of
    them makes: a facility that may or may not pass the filter is there or not, its beds of a kind
    are none or all of its beds, an empty cell is at most the largest of the layer.

    Where facilities themselves stand below a column (square metres of each centre), each facility
    has to reach the target, and the unit of a facility is shown with its smallest.
    """
    above, below = _sides(indicator, study)
    sizes = bool(above.of) and not below.of
    whole, part, table = _parts_of(indicator, study, year, where)
    missing = tuple(dict.fromkeys((*whole.missing, *part.missing)))
    notes = tuple(dict.fromkeys((*where.notes, *whole.notes, *part.notes)))
    left_out = int((table["certain"] & ~table["paired"]).sum())
    if left_out and not missing:
        notes += (study.note("unpaired", count=left_out),)
    paired = table[table["certain"] & table["paired"]]
    top, bottom = math.fsum(paired["n"]), math.fsum(paired["b"])
    if bottom == 0.0 and not missing:
        title = below.zh if study.language == "zh" else below.en
        notes += (study.note("zero", what=title),)
        missing += (below.needs.format(layer=indicator.layer),)
    value = NAN if missing else indicator.per * (top / bottom)
    low, high = (indicator.per * end for end in _bounds(_bound_rows(table)))
    units = _units(indicator, study, table, sizes=sizes, known=not missing)
    return Measured(
        value=value,
        numerator=NAN if missing else top,
        denominator=NAN if missing else bottom,
        low=low,
        high=high,
        causes=tuple(dict.fromkeys((*whole.causes, *part.causes))),
        missing=missing,
        notes=notes,
        units=units,
        judged_by="target" if indicator.targets else "threshold",
        unit_operator=indicator.operator,
        scale=indicator.per,
        each=_each(table, indicator.per) if sizes else None,
        each_of="facility",
        trace=_trace(study, paired) if not missing else _trace(study, paired.iloc[:0]),
    )


def _sides(indicator: Indicator, study: Study) -> tuple[QuantityWords, QuantityWords]:
    quantities = study.registry.quantities
    return quantities[indicator.numerator], quantities[indicator.denominator]


def _parts_of(
    indicator: Indicator, study: Study, year: int | None, where: Where
) -> tuple[Items, Items, pd.DataFrame]:
    """Return the facilities below the line, those above it, and both of each, see `_joined`."""
    above, below = _sides(indicator, study)
    whole = items_of(
        study, indicator, below.of, where, also=below.also, conditions=(indicator.filter,)
    )
    part = items_of(
        study,
        indicator,
        above.of,
        where,
        also=above.also,
        conditions=(indicator.numerator_filter,),
        dated=dated_by(indicator, study, year),
        among=frozenset(whole.table.index),
    )
    sizes = bool(above.of) and not below.of
    table = _joined(whole, part, same=above.of == below.of, sizes=sizes)
    return whole, part, table


def least_parts(
    indicator: Indicator, study: Study, year: int | None, where: Where
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return what each facility adds above and below the line where the share is the least.

    Parameters
    ----------
    indicator : Indicator
        Of facilities above and below the line.
    study : Study
    year : int, optional
    where : Where

    Returns
    -------
    sure, unsure : list of (float, float)
        Of facilities that count for certain, and of those that may; the least fraction that they
        make is ``low`` of :func:`measure_parts`, but for ``per``.
    """
    rows = _bound_rows(_parts_of(indicator, study, year, where)[2])
    sure = [(row[1], row[2]) for row in rows if row[0]]
    return sure, [(row[1], row[2]) for row in rows if not row[0]]


def _joined(whole: Items, part: Items, *, same: bool, sizes: bool) -> pd.DataFrame:
    """Return for each facility what it has above and below the line, as is and at both ends.

    Columns layer; certain: it stands below the line for certain; paired: both of its cells are
    filled; n, b: as is; n_least, b_least and n_most, b_most: the ends of its own fraction.
    """
    table = whole.table
    other = part.table.reindex(table.index)
    may = other["possible"].notna()
    has = other["certain"].eq(True)
    n, b = other["value"].where(has, 0.0), table["value"]
    least, most = other["low"].where(has, 0.0), other["high"].where(may, 0.0)
    b_least, b_most = table["low"], table["high"]
    if not sizes:
        # A part is at most the whole, so a whole that is not known is at least its part.
        most = most.clip(upper=b_most).clip(lower=least)
        b_least = b_least.where(b.notna(), most)
        b_most = b_most.clip(lower=least)
        if same:
            # What is the whole of itself lowers the share least by not being there.
            b_most = b_most.where(~(has & b.isna()), least)
    return pd.DataFrame(
        {
            "layer": table["layer"],
            "certain": table["certain"],
            "paired": b.notna() & n.notna(),
            "n": n,
            "b": b,
            "n_least": least,
            "b_least": b_most,
            "n_most": most,
            "b_most": b_least,
        }
    )


BoundRow = tuple[bool, float, float, float, float]
"""certain, n_least, b_least, n_most, b_most of one facility."""


def _bound_rows(table: pd.DataFrame) -> list[BoundRow]:
    columns = ("certain", "n_least", "b_least", "n_most", "b_most")
    return list(zip(*(table[name].tolist() for name in columns), strict=True))


def _bounds(rows: Sequence[BoundRow]) -> tuple[float, float]:
    """Return the least and the most that the fraction can be, NaN without a facility."""
    low = least_fraction(
        [row[1:3] for row in rows if row[0]], [row[1:3] for row in rows if not row[0]]
    )
    high = most_fraction(
        [row[3:5] for row in rows if row[0]], [row[3:5] for row in rows if not row[0]]
    )
    return low, high


def _each(table: pd.DataFrame, per: float) -> pd.DataFrame:
    """Return the size of each facility that counts for certain."""
    rows = table[table["certain"]]
    return pd.DataFrame(
        {
            "value": per * rows["n"],
            "numerator": rows["n"],
            "denominator": 1.0,
            "low": per * rows["n_least"],
            "high": per * rows["n_most"],
        }
    )


def _units(
    indicator: Indicator, study: Study, table: pd.DataFrame, *, sizes: bool, known: bool
) -> pd.DataFrame:
    """Return the ratio of the units of every level that have facilities."""
    if table.empty or not study.all_levels():
        return unit_table([])
    pairs = pd.concat([all_unit_parts(study, layer) for layer in table["layer"].unique()])
    joined = pairs.merge(table, left_on="facility_id", right_index=True)
    order = study.all_units()
    by_unit = _smallest(joined) if sizes else _shares(joined)
    units = by_unit.reindex(order[order.isin(joined["unit_id"])])
    units[["value", "low", "high"]] *= indicator.per
    if not known:
        units[["value", "numerator", "denominator"]] = NAN
    units = units.rename_axis("unit_id").reset_index()
    return units[list(UNIT_COLUMNS)].astype(dict.fromkeys(UNIT_COLUMNS[1:], float))


def _smallest(joined: pd.DataFrame) -> pd.DataFrame:
    """Return the smallest facility of each unit, of those that count for certain."""
    groups = joined[joined["certain"]].groupby("unit_id")
    least = groups["n"].min()
    return pd.DataFrame(
        {
            "value": least,
            "numerator": least,
            "denominator": 1.0,
            "low": groups["n_least"].min(),
            "high": groups["n_most"].min(),
        }
    )


def _shares(joined: pd.DataFrame) -> pd.DataFrame:
    """Return the fraction of each unit; only units with something in doubt are searched."""
    joined = joined.sort_values("unit_id", kind="stable")
    amounts = {name: joined[name] * joined["part"] for name in _AMOUNTS}
    joined = joined.assign(**amounts)
    paired = joined["certain"] & joined["paired"]
    sums = joined[["n", "b"]].where(paired, 0.0).groupby(joined["unit_id"]).sum()
    value = sums["n"] / sums["b"].where(sums["b"] > 0.0)
    units = pd.DataFrame(
        {"value": value, "numerator": sums["n"], "denominator": sums["b"], "low": value}
    ).assign(high=value)
    sure = (
        paired & (joined["n_least"] == joined["n_most"]) & (joined["b_least"] == joined["b_most"])
    )
    doubtful = joined[joined["unit_id"].isin(joined.loc[~sure, "unit_id"])]
    starts = np.flatnonzero(~doubtful["unit_id"].duplicated().to_numpy(bool))
    rows = _bound_rows(doubtful)
    bounds = [_bounds(rows[start:end]) for start, end in itertools.pairwise([*starts, len(rows)])]
    names = doubtful["unit_id"].iloc[starts]
    units.loc[names, ["low", "high"]] = np.array(bounds, float).reshape(-1, 2)
    return units


_AMOUNTS = ("n", "b", "n_least", "b_least", "n_most", "b_most")


def _trace(study: Study, paired: pd.DataFrame) -> pd.DataFrame:
    units = units_of_items(study, paired)
    above = paired["n"].to_numpy(float)
    has = above > 0.0
    return join_traces(
        (
            addends(
                "numerator",
                "facility",
                paired.index[has],
                above[has],
                [unit for unit, there in zip(units, has, strict=True) if there],
            ),
            addends("denominator", "facility", paired.index, paired["b"], units),
        )
    )
