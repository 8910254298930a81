"""Numbers of units added up: a unit's own number, else those of the units in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Total", "add_up", "roll_up", "roots"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Total:
    """A sum over some units.

    Parameters
    ----------
    known : float
        Sum of the addends; NaN where there is none.
    gaps : int
        Units that neither have a number nor hold units with one.
    addends : pandas.Series of float
        Index unit_id; no unit lies in another of them.
    """

    known: float
    gaps: int
    addends: pd.Series[float]


def roots(units: pd.DataFrame) -> pd.Index:
    """Return the units that lie in no other one of the table.

    Parameters
    ----------
    units : pandas.DataFrame
        Index unit_id, column parent_id ("" without).
    """
    return units.index[_above(units) < 0]


def _above(units: pd.DataFrame) -> Ints:
    """Return the place of each unit's parent in the table, -1 without one."""
    above = units.index.get_indexer(pd.Index(units["parent_id"].fillna("").astype(str)))
    return above.astype(np.int64)


def roll_up(
    numbers: pd.Series[float], units: pd.DataFrame
) -> tuple[pd.Series[float], pd.Series[int]]:
    """Return what is known of each unit, and how many units in it have no number.

    A unit's own number counts; without one, the sum of the units in it. Where a coarser unit has
    none at all, the units in it are the gaps if numbers stand at their level but at none of its.

    Parameters
    ----------
    numbers : pandas.Series of float
        Index unit_id; units without a number are NaN or not in it.
    units : pandas.DataFrame
        Index unit_id; parent_id, should_have. A unit that should have nothing and has no number
        is no gap.

    Returns
    -------
    known : pandas.Series of float
        Index of ``units``; NaN where nothing in it has a number.
    gaps : pandas.Series of int

    Examples
    --------
    >>> units = pd.DataFrame(
    ...     {"parent_id": ["", "c", "c"], "should_have": [True, True, True]}, index=["c", "a", "b"]
    ... )
    >>> known, gaps = roll_up(pd.Series({"a": 3.0}), units)
    >>> known.to_dict(), gaps.to_dict()
    ({'c': 3.0, 'a': 3.0, 'b': nan}, {'c': 1, 'a': 0, 'b': 1})
    >>> towns = pd.DataFrame(
    ...     {"parent_id": ["", "", "c", "d", "d"], "should_have": True}, index=["c", "d", *"xyz"]
    ... )
    >>> roll_up(pd.Series({"x": 3.0}), towns)[1].loc[["c", "d"]].to_dict()
    {'c': 0, 'd': 2}
    >>> roll_up(pd.Series(dtype=float), units.iloc[:0])[0].empty
    True
    """
    own = numbers.reindex(units.index).astype(float).to_numpy()
    wanted = units["should_have"].fillna(True).to_numpy(bool)
    above = _above(units)
    above = np.where(above == np.arange(len(units)), -1, above)
    known, gaps = own.copy(), np.where(np.isnan(own) & wanted, 1, 0)
    depths = _depths(above)
    numbered = depths[~np.isnan(own)]
    deepest = int(numbered.max(initial=-1))
    for depth in range(int(depths.max(initial=0)), 0, -1):
        child = np.flatnonzero(depths == depth)
        parent = above[child]
        size = len(units)
        has = np.bincount(parent, weights=~np.isnan(known[child]), minlength=size) > 0
        sums = np.bincount(parent, weights=np.nan_to_num(known[child]), minlength=size)
        holes = np.bincount(parent, weights=gaps[child], minlength=size).astype(np.int64)
        fill = np.isnan(own) & has
        known = np.where(fill, sums, known)
        gaps = np.where(fill, holes, gaps)
        if depth <= deepest and not (numbered == depth - 1).any():
            gaps = np.where(np.isnan(known) & (holes > gaps), holes, gaps)
    return (
        pd.Series(known, index=units.index, dtype=float),
        pd.Series(gaps, index=units.index, dtype="int64"),
    )


def add_up(numbers: pd.Series[float], units: pd.DataFrame, tops: pd.Index) -> Total:
    """Add up the numbers of some units, going down where a unit has none of its own.

    Parameters
    ----------
    numbers, units
        As for :func:`roll_up`.
    tops : pandas.Index
        Units to add up, none in another.

    Examples
    --------
    >>> units = pd.DataFrame(
    ...     {"parent_id": ["", "c", "c"], "should_have": [True, True, True]}, index=["c", "a", "b"]
    ... )
    >>> total = add_up(pd.Series({"a": 3.0, "b": 4.0}), units, roots(units))
    >>> total.known, total.gaps, total.addends.to_dict()
    (7.0, 0, {'a': 3.0, 'b': 4.0})
    >>> add_up(pd.Series({"c": 9.0, "b": 4.0}), units, roots(units)).addends.to_dict()
    {'c': 9.0}
    >>> add_up(pd.Series(dtype=float), units, roots(units)).known
    nan
    """
    known, gaps = roll_up(numbers, units)
    own = numbers.reindex(units.index).to_numpy(float)
    nothing = known.isna().to_numpy(bool)
    holes, above = gaps.to_numpy(np.int64), _above(units)
    missing, found = 0, [np.zeros(0, np.int64)]
    here = units.index.get_indexer(tops).astype(np.int64)
    seen = np.zeros(len(units), bool)
    while here.size:
        here = here[~seen[here]]
        seen[here] = True
        filled = ~np.isnan(own[here])
        found.append(here[filled])
        missing += int(holes[here[~filled & nothing[here]]].sum())
        inside = np.zeros(len(units) + 1, bool)
        inside[here[~filled & ~nothing[here]]] = True
        # The last place stands for units without a parent.
        here = np.flatnonzero(inside[above])
    places = np.concatenate(found)
    addends = pd.Series(own[places], index=units.index[places], dtype=float)
    total = math.fsum(addends) if len(addends) else math.nan
    return Total(known=total, gaps=missing, addends=addends)


_MOST = 20
"""Levels of parents at most; a circle of them has no end."""


def _depths(above: Ints) -> Ints:
    """Return how many units each unit lies in."""
    depth = np.zeros(len(above), np.int64)
    at = above
    for _ in range(_MOST):
        inside = at >= 0
        if not inside.any():
            break
        depth = depth + inside
        at = np.where(inside, above[at], -1)
    return depth
