"""Which places of the lists can be used, why the others cannot, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from servicecircle.measure.access import Points
from servicecircle.problems import Problem
from servicecircle.siting.junctions import thinned
from servicecircle.siting.zones import Building, Checked

__all__ = ["REASONS", "ground_reasons", "left_out_problems", "reach_reasons", "thin_reasons"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]

REASONS = ("outside", "zone", "steep", "unsnapped", "nobody_near", "thinned", "small")
"""Why a place is not used, in the order in which it is asked."""
_CODES = {
    "outside": "site.outside",
    "zone": "site.in_zone",
    "steep": "site.steep",
    "unsnapped": "site.unsnapped",
}


def ground_reasons(rules: Building, x: Floats, y: Floats) -> tuple[Texts, Checked]:
    """Return why nobody may build at places, "" where one may, and what they fail.

    Parameters
    ----------
    rules : Building
    x, y : numpy.ndarray of float, shape (k,)
        In metres.
    """
    checked = rules.check(x, y)
    why = np.full(x.size, "", object)
    why[checked.steep] = "steep"
    why[checked.zone != ""] = "zone"
    why[checked.outside] = "outside"
    return why, checked


def reach_reasons(points: Points, demand: Points, *, reach_m: float | None) -> Texts:
    """Return which places are not by a road, or farther than a distance from everybody.

    Parameters
    ----------
    points : Points
        Of the places, attached where there are roads.
    demand : Points
    reach_m : float, optional
        In a straight line.

    Examples
    --------
    >>> def at(*x):
    ...     return Points(ids=np.empty(len(x), object), x=np.array(x), y=np.zeros(len(x)), at=None)
    >>> reach_reasons(at(0.0, 900.0), at(100.0), reach_m=500.0).tolist()
    ['', 'nobody_near']
    >>> reach_reasons(at(0.0), at(), reach_m=500.0).tolist()
    ['nobody_near']
    """
    why = np.full(points.x.size, "", object)
    if reach_m is not None and points.x.size:
        here = np.isfinite(demand.x) & np.isfinite(demand.y)
        near = np.zeros(points.x.size, np.bool_)
        if here.any():
            tree = cKDTree(np.column_stack([demand.x[here], demand.y[here]]))
            far_m = reach_m * (1.0 + 1e-9) + 1e-6 + points.spread_m
            metres, _ = tree.query(
                np.column_stack([points.x, points.y]), distance_upper_bound=far_m
            )
            near = np.isfinite(metres)
        why[~near] = "nobody_near"
    if points.at is not None:
        why[~points.at.attached] = "unsnapped"
    return why


def thin_reasons(
    listed: Texts, x: Floats, y: Floats, first: Bools, *, least_m: Mapping[str, float]
) -> Texts:
    """Return which places stand too near to an earlier one of their list.

    Parameters
    ----------
    listed : numpy.ndarray of str, shape (k,)
        The list of each place.
    x, y : numpy.ndarray of float, shape (k,)
    first : numpy.ndarray of bool, shape (k,)
        Places that come before all others of their list and are never left out.
    least_m : mapping of str to float
        By list.

    Examples
    --------
    >>> lists, first = np.array(["a", "a", "b"], dtype=object), np.array([False, True, False])
    >>> x, y = np.array([0.0, 5.0, 9.0]), np.zeros(3)
    >>> thin_reasons(lists, x, y, first, least_m={"a": 10.0, "b": 10.0}).tolist()
    ['thinned', '', '']
    """
    why = np.full(x.size, "", object)
    for name, metres in least_m.items():
        mine = np.flatnonzero(listed == name)
        mine = mine[np.argsort(~first[mine], kind="stable")]
        out = mine[~thinned(x[mine], y[mine], least_m=metres)]
        why[out[~first[out]]] = "thinned"
    return why


def left_out_problems(
    rows: pd.DataFrame,
    why: Texts,
    details: Sequence[Mapping[str, object]],
    *,
    each: frozenset[str],
    file: str,
) -> list[Problem]:
    """Tell which places cannot be used: one by one where a list names them, else how many.

    Parameters
    ----------
    rows : pandas.DataFrame
        candidate_id, listed, name, source_file, source_row.
    why : numpy.ndarray of str, shape (k,)
        One of :data:`REASONS`, "" where a place is used.
    details : sequence of mapping, length k
        For the texts.
    each : frozenset of str
        Lists of which each place is told.
    file : str
        The project's, for lists of no file.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "candidate_id": ["land:1", "grid:1", "grid:2"], "listed": ["land", "grid", "grid"],
    ...     "name": "", "source_file": "", "source_row": [2, None, None],
    ... })
    >>> why = np.array(["outside", "unsnapped", "unsnapped"], dtype=object)
    >>> found = left_out_problems(rows, why, [{}] * 3, each=frozenset({"land"}), file="a.toml")
    >>> [(one.code, one.value) for one in found]
    [('site.outside', 'land:1'), ('site.left_out', '2')]
    """
    problems = []
    lists = rows["listed"].to_numpy(object)
    for name in dict.fromkeys(lists.tolist()):
        for reason, code in _CODES.items():
            at = np.flatnonzero((lists == name) & (why == reason))
            if name in each:
                problems += [_one(rows.iloc[row], code, details[row], file) for row in at.tolist()]
            elif at.size:
                problems.append(
                    Problem(
                        code="site.left_out",
                        severity="note",
                        action="counted",
                        file=file,
                        value=str(at.size),
                        details={"listed": name, "reason": f"site_{reason}"},
                    )
                )
    return problems


def _one(row: pd.Series, code: str, details: Mapping[str, object], file: str) -> Problem:
    return Problem(
        code=code,
        severity="warning",
        action="set_aside",
        file=str(row["source_file"]) or file,
        row=None if pd.isna(row["source_row"]) else int(row["source_row"]),
        value=str(row["name"]) or str(row["candidate_id"]),
        details=dict(details),
    )
