"""How evenly something is spread over people: Lorenz curve, Gini, Theil, Palma, both ends.

Everything is weighted by people, so that a point of ten people counts as ten points of one. A
value is a burden, such as minutes on the way, or a good, such as a rate of coverage; the figures
are the same, what is the bad end is not. Points without a value, and those without people, are
left out: they are for the caller to count.

Sources. Gini's concentration ratio as twice the area between the diagonal and the Lorenz curve
(Gastwirth, "The estimation of the Lorenz curve and Gini index", Review of Economics and
Statistics 54 (1972) 306): the trapezoids under the curve of a finite population are exact, and
equal to half the mean absolute difference of two people drawn with replacement, over the mean.
Theil's T and its parts between and within groups: Shorrocks, "The class of additively decomposable
inequality measures", Econometrica 48 (1980) 613. Palma: the share of the upper tenth over that of
the lower four tenths (Cobham and Sumner, "Is it all about the tails?", CGD Working Paper 343,
2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

__all__ = ["Spread", "gini", "lorenz", "spread_by", "tail_weights", "theil", "theil_parts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOWER, UPPER = 0.4, 0.1
"""The parts of people whose shares make the Palma ratio."""
_NOISE = 1e-12


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Spread:
    """How values are spread over the people of each group.

    Parameters
    ----------
    people : numpy.ndarray of float, shape (g,)
        With a value.
    mean : numpy.ndarray of float, shape (g,)
        NaN where nobody is, as are all that follow.
    gini, theil : numpy.ndarray of float, shape (g,)
        0: all alike. NaN where the mean is 0.
    lowest_tenth, highest_tenth, lower_four_tenths : numpy.ndarray of float, shape (g,)
        Mean value of those people.
    palma : numpy.ndarray of float, shape (g,)
        Sum of the values of the highest tenth ÷ that of the lower four tenths: 0.25 where all are
        alike, infinite where the lower four tenths have nothing and the others something.
    """

    people: Floats
    mean: Floats
    gini: Floats
    theil: Floats
    lowest_tenth: Floats
    highest_tenth: Floats
    lower_four_tenths: Floats
    palma: Floats


def lorenz(values: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    """Return the Lorenz curve: the share of people, lowest values first, and of the sum of values.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Not below 0; NaN: left out.
    weights : array_like of float, shape (n,)
        People; NaN counts as nobody.

    Returns
    -------
    people, part : numpy.ndarray of float, shape (k + 1,)
        From (0, 0) to (1, 1), straight in between; empty where there is no sum to share.

    Raises
    ------
    ValueError
        If a value or a weight is below 0 or infinite.

    Examples
    --------
    >>> people, part = lorenz([30.0, 10.0], [1.0, 3.0])
    >>> people.tolist(), part.tolist()
    ([0.0, 0.75, 1.0], [0.0, 0.5, 1.0])
    >>> lorenz([], [])[0].size, lorenz([0.0], [5.0])[0].size
    (0, 0)
    """
    held, weight = _held(values, weights)[:2]
    order = np.argsort(held, kind="stable")
    people = np.concatenate([[0.0], np.cumsum(weight[order])])
    part = np.concatenate([[0.0], np.cumsum((held * weight)[order])])
    if not part[-1] > 0.0:
        return np.empty(0), np.empty(0)
    return people / people[-1], part / part[-1]


def gini(values: ArrayLike, weights: ArrayLike) -> float:
    """Return Gini's ratio of concentration, from 0 (all alike) to below 1.

    Parameters
    ----------
    values, weights : array_like of float, shape (n,)
        See :func:`lorenz`.

    Returns
    -------
    float
        1 − Σ (pₖ − pₖ₋₁)(Lₖ + Lₖ₋₁), equal to Σᵢⱼ wᵢ wⱼ |xᵢ − xⱼ| ÷ (2 μ W²); NaN where nobody is
        or all values are 0.

    Examples
    --------
    >>> gini([1.0, 3.0], [1.0, 1.0]), gini([7.0, 7.0], [1.0, 5.0]), gini([], [])
    (0.25, 0.0, nan)
    """
    return float(_alone(values, weights).gini[0])


def theil(values: ArrayLike, weights: ArrayLike) -> float:
    """Return Theil's T, from 0 (all alike) to ln(W ÷ the smallest weight).

    Parameters
    ----------
    values, weights : array_like of float, shape (n,)
        See :func:`lorenz`.

    Returns
    -------
    float
        Σ (w ÷ W)(x ÷ μ) ln(x ÷ μ), where 0 · ln 0 = 0; NaN where nobody is or all values are 0.

    Examples
    --------
    >>> round(theil([1.0, 3.0], [1.0, 1.0]), 6), theil([0.0, 0.0], [1.0, 1.0])
    (0.130812, nan)
    """
    return float(_alone(values, weights).theil[0])


def theil_parts(values: ArrayLike, weights: ArrayLike, group: ArrayLike) -> tuple[float, float]:
    """Return what of Theil's T lies between groups and what within them; they add up to it.

    Parameters
    ----------
    values, weights : array_like of float, shape (n,)
        See :func:`lorenz`.
    group : array_like of int, shape (n,)
        From 0; −1 is a group of its own.

    Returns
    -------
    between, within : float
        Σ s ln(μ_g ÷ μ) and Σ s T_g over the groups, s the share of a group in the sum of values.

    Examples
    --------
    >>> theil_parts([2.0, 2.0, 6.0], [1.0, 1.0, 2.0], [0, 0, 1])[1]
    0.0
    >>> [round(one, 6) for one in theil_parts([1.0, 3.0], [1.0, 1.0], [0, 0])]
    [0.0, 0.130812]
    >>> theil_parts([], [], [])
    (nan, nan)
    """
    held, weight, group = _held(values, weights, group)
    total, sums = weight.sum(), (held * weight).sum()
    if not sums > 0.0:
        return np.nan, np.nan
    group = group + 1
    spread = spread_by(held, weight, group, groups=int(group.max()) + 1)
    share = np.nan_to_num(spread.mean * spread.people) / sums
    some = share > 0.0
    between = share[some] * np.log(spread.mean[some] * total / sums)
    return float(between.sum()), float((share[some] * spread.theil[some]).sum())


def tail_weights(values: Floats, weights: Floats, *, share: float, upper: bool) -> Floats:
    """Return how many people of each point belong to the share with the highest, or lowest, values.

    Of a point that straddles the cut only a part belongs. Points of one value at the cut give the
    same part each, so that the order of rows decides nothing.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (n,)
        NaN: nobody of it belongs.
    weights : numpy.ndarray of float, shape (n,)
    share : float
        Of all people with a value, from 0 to 1.
    upper : bool

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Adding up to ``share`` of the people.

    Examples
    --------
    >>> values, people = np.array([5.0, 9.0, 9.0, np.nan]), np.array([6.0, 3.0, 1.0, 8.0])
    >>> tail_weights(values, people, share=0.2, upper=True).tolist()
    [0.0, 1.5, 0.5, 0.0]
    >>> tail_weights(values[:0], people[:0], share=0.2, upper=True).tolist()
    []
    """
    held = np.where(np.isnan(values), 0.0, np.nan_to_num(weights))
    here = np.flatnonzero(held > 0.0)
    found = np.zeros(values.size)
    if not here.size:
        return found
    level, at = np.unique(values[here] if not upper else -values[here], return_inverse=True)
    people = _sums(at, held[here], level.size)
    before = np.cumsum(people) - people
    part = np.clip(share * people.sum() - before, 0.0, people) / people
    found[here] = held[here] * part[at]
    return found


def spread_by(values: ArrayLike, weights: ArrayLike, group: ArrayLike, *, groups: int) -> Spread:
    """Return how values are spread over the people of each group.

    Parameters
    ----------
    values, weights : array_like of float, shape (n,)
        See :func:`lorenz`.
    group : array_like of int, shape (n,)
        −1: of none.
    groups : int

    Returns
    -------
    Spread

    Raises
    ------
    ValueError
        If a value or a weight is below 0 or infinite.

    Examples
    --------
    >>> spread = spread_by([1.0, 3.0, 5.0], [1.0, 1.0, 2.0], [0, 0, 1], groups=3)
    >>> spread.gini.tolist(), spread.mean.tolist()
    ([0.25, 0.0, nan], [2.0, 5.0, nan])
    >>> spread.palma.round(4).tolist()
    [0.75, 0.25, nan]
    """
    held, weight, group = _held(values, weights, group)
    inside = group >= 0
    held, weight, group = held[inside], weight[inside], group[inside]
    order = np.lexsort((held, group))
    held, weight, group = held[order], weight[order], group[order]
    people = _sums(group, weight, groups)
    sums = _sums(group, held * weight, groups)
    above = _within(weight, group)
    below = above - weight
    part = held * weight
    before = _within(part, group) - part
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(people > 0.0, sums / people, np.nan)
        worth = np.where(sums > 0.0, sums, np.nan)
        area = _sums(group, weight * (2.0 * before + part), groups) / (people * worth)
        ratio = held / mean[group]
        logs = np.log(ratio, out=np.zeros_like(ratio), where=ratio > 0.0)
        entropy = _sums(group, weight * ratio * logs, groups) / people
        # Of a point that straddles a cut only a part belongs to the tail.
        whole = people[group]
        lowest = np.clip(UPPER * whole - below, 0.0, weight)
        lower = np.clip(LOWER * whole - below, 0.0, weight)
        highest = np.clip(above - (1.0 - UPPER) * whole, 0.0, weight)
        tails = [_sums(group, tail * held, groups) for tail in (lowest, highest, lower)]
        return Spread(
            people=people,
            mean=mean,
            gini=_not_noise(1.0 - area),
            theil=_not_noise(np.where(sums > 0.0, entropy, np.nan)),
            lowest_tenth=tails[0] / (UPPER * people),
            highest_tenth=tails[1] / (UPPER * people),
            lower_four_tenths=tails[2] / (LOWER * people),
            palma=np.where(sums > 0.0, tails[1] / tails[2], np.nan),
        )


def _alone(values: ArrayLike, weights: ArrayLike) -> Spread:
    held, weight = _held(values, weights)[:2]
    return spread_by(held, weight, np.zeros(held.size, np.int64), groups=1)


def _sums(group: Ints, values: Floats, groups: int) -> Floats:
    return np.asarray(np.bincount(group, values, groups), np.float64)


def _not_noise(values: Floats) -> Floats:
    """Return 0 for what differs from it by rounding only; NaN stays."""
    return np.where(values < _NOISE, 0.0, values)


def _within(values: Floats, group: Ints) -> Floats:
    """Return the running sum of values within each group.

    Each group is summed alone: taken from one running sum, a small group would carry the rounding
    of large ones.
    """
    return np.asarray(pd.Series(values).groupby(group, sort=False).cumsum(), np.float64)


def _held(
    values: ArrayLike, weights: ArrayLike, group: ArrayLike | None = None
) -> tuple[Floats, Floats, Ints]:
    """Return the points that have a value and people, checked."""
    held = np.asarray(values, np.float64)
    weight = np.nan_to_num(np.asarray(weights, np.float64), nan=0.0, posinf=np.inf)
    which = np.zeros(held.size, np.int64) if group is None else np.asarray(group, np.int64)
    here = ~np.isnan(held) & (weight != 0.0)
    held, weight, which = held[here], weight[here], which[here]
    for name, given in (("value", held), ("weight", weight)):
        if not (np.isfinite(given) & (given >= 0.0)).all():
            wrong = given[~(np.isfinite(given) & (given >= 0.0))][0]
            raise ValueError(f"a {name} is {wrong:g}; it must be finite and not below 0")
    return held, weight, which
