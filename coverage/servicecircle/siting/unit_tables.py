"""The people of units before and after new sites, and on which side of its line each unit is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Covered", "units_table"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LINE_SLACK = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Covered:
    """Who is covered before and after, and in which unit.

    Parameters
    ----------
    people : numpy.ndarray of float, shape (n,)
        Of each demand point that counts.
    unit : numpy.ndarray of str, shape (n,)
        None outside of all.
    before, after : numpy.ndarray of bool, shape (n,)
    """

    people: Floats
    unit: NDArray[np.object_]
    before: Bools
    after: Bools


def units_table(
    covered: Covered,
    *,
    units: pd.DataFrame,
    lines: Mapping[str, float],
    existing: NDArray[np.object_],
    closed: NDArray[np.object_],
    new: NDArray[np.object_],
) -> pd.DataFrame:
    """Return the people of each unit that are covered before and after.

    Parameters
    ----------
    covered : Covered
    units : pandas.DataFrame
        unit_id, code, name, level of one level.
    lines : mapping of str to float
        Least share of each unit, where one is asked for.
    existing, closed, new : numpy.ndarray of str
        Unit of each site that was there, that closes, and that is new.

    Returns
    -------
    pandas.DataFrame
        The columns of ``site_units.csv``; shares are NaN where nobody lives.

    Examples
    --------
    >>> units = pd.DataFrame({"unit_id": ["a", "b"], "code": "", "name": "", "level": "township"})
    >>> covered = Covered(
    ...     people=np.array([3.0, 1.0]), unit=np.array(["a", "a"], object),
    ...     before=np.array([False, True]), after=np.array([True, True]))
    >>> nowhere, in_a = np.empty(0, object), np.array(["a"], object)
    >>> found = units_table(
    ...     covered, units=units, lines={"a": 0.9}, existing=in_a, closed=nowhere, new=in_a)
    >>> found[["share_before", "share_after", "line_before", "line_after", "sites"]].values.tolist()
    [[0.25, 1.0, 'below', 'reached', 1], [nan, nan, '', '', 0]]
    """
    ids = units["unit_id"].astype(str).to_numpy(object)
    row = pd.Index(ids).get_indexer(pd.Index(covered.unit))

    def sums(which: Bools) -> Floats:
        mine = which & (row >= 0)
        return _weighed(row[mine], covered.people[mine], ids.size)

    def counts(names: NDArray[np.object_]) -> Ints:
        where = pd.Index(ids).get_indexer(pd.Index(names))
        return np.bincount(where[where >= 0], minlength=ids.size).astype(np.int64)

    all_of, was, now = sums(np.ones(row.size, bool)), sums(covered.before), sums(covered.after)
    share_was, share_now = _share(was, all_of), _share(now, all_of)
    line = np.array([lines.get(name, np.nan) for name in ids.tolist()], np.float64)
    there, gone, added = counts(existing), counts(closed), counts(new)
    return pd.DataFrame(
        {
            **{name: units[name].to_numpy() for name in ("unit_id", "code", "name", "level")},
            "people": all_of,
            "covered_before": was,
            "covered_after": now,
            "people_gained": now - was,
            "share_before": share_was,
            "share_after": share_now,
            "line": line,
            "line_before": _sides(share_was, line),
            "line_after": _sides(share_now, line),
            "facilities_before": there,
            "facilities_after": there - gone + added,
            "sites": added,
        }
    )


def _weighed(rows: Ints, people: Floats, count: int) -> Floats:
    """Return the people of each of so many units."""
    return np.bincount(rows, weights=people, minlength=count).astype(np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    share: Floats = np.divide(part, whole, out=np.full(whole.size, np.nan), where=whole > 0.0)
    return share


def _sides(share: Floats, line: Floats) -> NDArray[np.object_]:
    """Return on which side of its line each unit is; "" without a line or people."""
    told = np.where(share >= line - _LINE_SLACK, "reached", "below").astype(object)
    told[np.isnan(share) | np.isnan(line)] = ""
    return told
