"""Bounds of a share where the people of units are known only to lie between two figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = [
    "Residuals",
    "bounded_shares",
    "least_share",
    "most_share",
    "residual_level",
    "residuals_of",
    "sums_by",
    "total_range",
    "unit_shares",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_ROUNDS = 100
_SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Residuals:
    """How far the people of units may be from those of their points.

    Parameters
    ----------
    unit : numpy.ndarray of int, shape (n,)
        Of each point; -1: of none, whose people are taken as they are.
    least, most : numpy.ndarray of float, shape (u,)
        Factors of the people of each unit, at most and at least 1.
    spare : numpy.ndarray of float, shape (u,)
        People whom the official figure has and no point can stand for: of units without points
        and of units that the source holds only in part. They may live anywhere in their unit.
    names : tuple of str
        unit_id of each.
    """

    unit: Ints
    least: Floats
    most: Floats
    spare: Floats
    names: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether all units are as their points have them."""
        return bool((self.least == 1.0).all() and (self.most == 1.0).all() and not self.spare.any())


def sums_by(group: Ints, values: Floats, groups: int) -> Floats:
    """Add up values by group.

    Examples
    --------
    >>> sums_by(np.array([1, 1]), np.array([2.0, 3.0]), 3).tolist()
    [0.0, 5.0, 0.0]
    """
    return np.asarray(np.bincount(group, values, groups), np.float64)


def residual_level(calibration: pd.DataFrame | None, what: str) -> str | None:
    """Return the level whose residuals count: that which was scaled, else the one with most people.

    Of levels with as many people the finest counts: its figures say most.

    Parameters
    ----------
    calibration : pandas.DataFrame or None
        The table ``calibration.csv``, levels from the coarsest to the finest.
    what : {"population", "elderly"}

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "level": ["county", "township", "township"], "status": "compared",
    ...     "official_population": [9.0, 5.0, 4.0], "official_elderly": np.nan,
    ... })
    >>> residual_level(table, "elderly"), residual_level(None, "population")
    ('township', None)
    """
    if calibration is None or calibration.empty:
        return None
    scaled = calibration.loc[calibration["status"] == "scaled", "level"]
    if len(scaled):
        return str(scaled.iloc[0])
    figures = _official(calibration, what)
    sums = pd.Series(figures).groupby(calibration["level"].to_numpy(), sort=False).sum()
    if not sums.max() > 0.0:
        return None
    return str(sums.index[np.flatnonzero(sums >= 0.99 * sums.max())[-1]])


def _official(table: pd.DataFrame, what: str) -> Floats:
    """Return official figures of what is counted, else of all people; NaN unknown."""
    own = table[f"official_{what}"].to_numpy(np.float64)
    return np.where(np.isnan(own), table["official_population"].to_numpy(np.float64), own)


def residuals_of(
    calibration: pd.DataFrame | None, people: pd.DataFrame, *, what: str, everywhere: bool
) -> Residuals | None:
    """Return how far the people of units may be from their points.

    Parameters
    ----------
    calibration : pandas.DataFrame or None
        The table ``calibration.csv``.
    people : pandas.DataFrame
        ``unit_<level>`` of the points that count.
    what : {"population", "elderly"}
    everywhere : bool
        Whether the points are those of whole units. Else units without a point, and what a unit
        has beyond its points, say nothing about them.

    Returns
    -------
    Residuals or None
        None where no official figure differs from the points.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "unit_id": ["a", "b"], "level": "township", "status": ["compared", "no_people"],
    ...     "official_population": [90.0, 10.0], "population": [100.0, 0.0],
    ...     "official_elderly": np.nan, "elderly": [30.0, 0.0], "wholly_inside": True,
    ... })
    >>> people = pd.DataFrame({"unit_township": ["a", "a", None]})
    >>> found = residuals_of(table, people, what="population", everywhere=True)
    >>> found.unit.tolist(), found.least.tolist(), found.most.tolist(), found.spare.tolist()
    ([0, 0, -1], [0.9, 1.0], [1.0, 1.0], [0.0, 10.0])
    >>> residuals_of(None, people, what="population", everywhere=True) is None
    True
    """
    level = residual_level(calibration, what)
    if calibration is None or level is None or f"unit_{level}" not in people:
        return None
    rows = calibration[calibration["level"] == level].reset_index(drop=True)
    own = rows[f"official_{what}"].notna().to_numpy()
    official = _official(rows, what)
    # Where only all people have a figure, those who count are taken to be off in proportion.
    modelled = np.where(own, rows[what].to_numpy(float), rows["population"].to_numpy(float))
    ratio = np.ones(len(rows))
    known = np.isfinite(official) & (modelled > 0.0)
    np.divide(official, modelled, out=ratio, where=known)
    ratio[np.abs(ratio - 1.0) < _SAME] = 1.0
    spare = np.zeros(len(rows))
    partly = ~rows["wholly_inside"].eq(True).to_numpy(np.bool_) & known & (ratio > 1.0)
    ratio[partly] = 1.0
    if everywhere:
        lost = own & np.isfinite(official) & ~(modelled > 0.0)
        spare[lost] = official[lost]
        spare[partly] = (official - modelled)[partly]
        spare[partly & ~own] = 0.0
    unit = pd.Index(rows["unit_id"]).get_indexer(people[f"unit_{level}"].fillna(""))
    found = Residuals(
        unit=unit.astype(np.int64),
        least=np.minimum(ratio, 1.0),
        most=np.maximum(ratio, 1.0),
        spare=spare,
        names=tuple(rows["unit_id"].astype(str)),
    )
    return None if found.none else found


def most_share(
    part: Floats, whole: Floats, least: Floats, most: Floats, *, group: Ints, groups: int
) -> Floats:
    """Return the greatest Σ f·part ÷ Σ f·whole of each group, each f between its two factors.

    A linear-fractional function is greatest at a corner, where f is ``most`` for shares above the
    answer and ``least`` below; Dinkelbach's iteration finds it: "On nonlinear fractional
    programming", Management Science 13 (1967) 492.

    Parameters
    ----------
    part, whole : numpy.ndarray of float, shape (k,)
        0 ≤ part ≤ whole.
    least, most : numpy.ndarray of float, shape (k,)
    group : numpy.ndarray of int, shape (k,)
    groups : int

    Returns
    -------
    numpy.ndarray of float, shape (groups,)
        NaN where nobody is.

    Examples
    --------
    >>> part, whole = np.array([9.0, 1.0]), np.array([10.0, 10.0])
    >>> factor, one = np.array([2.0, 1.5]), np.ones(2)
    >>> most_share(part, whole, one, factor, group=np.zeros(2, int), groups=2).round(4).tolist()
    [0.6333, nan]
    """
    factor = np.ones(part.size)
    best = np.full(groups, np.nan)
    share = np.divide(part, whole, out=np.zeros(part.size), where=whole > 0.0)
    for _ in range(_ROUNDS):
        above = np.bincount(group, factor * part, groups)
        below = np.bincount(group, factor * whole, groups)
        better = np.divide(above, below, out=np.full(groups, np.nan), where=below > 0.0)
        done = ~(better > best) & ~(np.isnan(best) & np.isfinite(better))
        best = np.where(done, best, better)
        if done.all():
            break
        factor = np.where(share > best[group], most, least)
    return best


def least_share(
    part: Floats, whole: Floats, least: Floats, most: Floats, *, group: Ints, groups: int
) -> Floats:
    """Return the smallest share of each group, see :func:`most_share`.

    Examples
    --------
    >>> part, whole = np.array([9.0, 1.0]), np.array([10.0, 10.0])
    >>> factor, one = np.array([2.0, 1.5]), np.ones(2)
    >>> least_share(part, whole, one, factor, group=np.zeros(2, int), groups=1).round(4).tolist()
    [0.42]
    """
    other = most_share(whole - part, whole, least, most, group=group, groups=groups)
    return 1.0 - other


def total_range(weight: Floats, residuals: Residuals | None) -> tuple[float, float]:
    """Return the least and the most people there may be, for ratios by people.

    Parameters
    ----------
    weight : numpy.ndarray of float, shape (n,)
    residuals : Residuals or None

    Examples
    --------
    >>> one = np.ones(1)
    >>> residuals = Residuals(
    ...     unit=np.array([0, -1]), least=0.9 * one, most=one, spare=5.0 * one, names=("a",)
    ... )
    >>> total_range(np.array([10.0, 1.0]), residuals), total_range(np.empty(0), None)
    ((10.0, 16.0), (0.0, 0.0))
    """
    total = float(np.nansum(weight))
    if residuals is None:
        return total, total
    own = residuals.unit >= 0
    sums = np.bincount(residuals.unit[own], np.nan_to_num(weight[own]), residuals.least.size)
    less, more = sums @ (residuals.least - 1.0), sums @ (residuals.most - 1.0)
    return total + float(less), total + float(more + residuals.spare.sum())


def bounded_shares(
    low: Floats,
    high: Floats,
    whole: Floats,
    residuals: Residuals,
    *,
    unit: Ints,
    group: Ints,
    groups: int,
    spare_of: Ints,
) -> tuple[Floats, Floats]:
    """Return the least and the greatest share of people covered in each group.

    Parameters
    ----------
    low, high, whole : numpy.ndarray of float, shape (k,)
        People covered at least, at most, and all people, of each cell: a unit's part of a group.
    residuals : Residuals
    unit : numpy.ndarray of int, shape (k,)
        Of each cell; -1: people of no unit, who are taken as they are.
    group : numpy.ndarray of int, shape (k,)
    groups : int
    spare_of : numpy.ndarray of int, shape (u,)
        The group that each unit's people without a point belong to; -1: none. They are covered
        or not, and there or not.

    Returns
    -------
    least, most : numpy.ndarray of float, shape (groups,)
        From 0 to 1; NaN where nobody is.

    Examples
    --------
    >>> residuals = Residuals(
    ...     unit=np.array([0, 1]), least=np.ones(2), most=np.array([2.0, 1.5]),
    ...     spare=np.zeros(2), names=("a", "b"),
    ... )
    >>> part, all_at_one = np.array([10.0, 0.0]), np.zeros(2, int)
    >>> least, most = bounded_shares(
    ...     part, part, np.array([10.0, 10.0]), residuals,
    ...     unit=np.array([0, 1]), group=all_at_one, groups=1, spare_of=all_at_one,
    ... )
    >>> least.tolist(), most.round(4).tolist()
    ([0.4], [0.6667])
    """
    least, most = (np.append(one, 1.0)[unit] for one in (residuals.least, residuals.most))
    added = np.flatnonzero((residuals.spare > 0.0) & (spare_of >= 0))
    spare = residuals.spare[added]
    whole = np.concatenate([whole, spare])
    least = np.concatenate([least, np.zeros(added.size)])
    most = np.concatenate([most, np.ones(added.size)])
    owner = np.concatenate([group, spare_of[added]]).astype(np.int64)
    return (
        least_share(
            np.concatenate([low, 0.0 * spare]), whole, least, most, group=owner, groups=groups
        ),
        most_share(np.concatenate([high, spare]), whole, least, most, group=owner, groups=groups),
    )


def unit_shares(
    weight: Floats,
    covered: tuple[Bools, Bools],
    residuals: Residuals,
    *,
    group: Ints,
    groups: int,
    spare_of: Ints,
) -> tuple[Floats, Floats]:
    """Return the least and the greatest share of people covered in each group of points.

    Parameters
    ----------
    weight : numpy.ndarray of float, shape (n,)
    covered : pair of numpy.ndarray of bool, shape (n,)
        Who is covered at least and at most.
    residuals : Residuals
        Of the points.
    group : numpy.ndarray of int, shape (n,)
        -1: of none.
    groups : int
    spare_of : numpy.ndarray of int, shape (u,)
        See :func:`bounded_shares`.

    Returns
    -------
    least, most : numpy.ndarray of float, shape (groups,)

    Examples
    --------
    >>> one = np.ones(1)
    >>> residuals = Residuals(
    ...     unit=np.array([0, -1]), least=one, most=3.0 * one, spare=0.0 * one, names=("a",)
    ... )
    >>> yes = np.array([True, False])
    >>> least, most = unit_shares(
    ...     np.ones(2), (yes, yes), residuals, group=np.array([0, 0]), groups=2,
    ...     spare_of=np.array([0]),
    ... )
    >>> least.tolist(), most.tolist()
    ([0.5, nan], [0.75, nan])
    """
    here = np.flatnonzero((group >= 0) & (weight > 0.0))
    count = residuals.least.size
    # The last unit of each group stands for people of no unit.
    part = np.where(residuals.unit[here] >= 0, residuals.unit[here], count)
    at, cells = pd.factorize(group[here] * (count + 1) + part)
    people = weight[here]
    low, high = (sums_by(at, people * one[here], cells.size) for one in covered)
    unit = cells % (count + 1)
    return bounded_shares(
        low,
        high,
        sums_by(at, people, cells.size),
        residuals,
        unit=np.where(unit < count, unit, -1),
        group=cells // (count + 1),
        groups=groups,
        spare_of=spare_of,
    )
