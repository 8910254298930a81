"""Bounds by Lagrangian duality: what no choice of sites can pass, whatever the size.

The rows that tie people to sites, and all limits but one, are priced instead of kept. For any
prices what is left falls apart into single groups and sites, and its best value is a bound
(Geoffrion 1974; for maximal covering Galvão and ReVelle 1996). The prices are bettered by
subgradients with Polyak's step (Held, Wolfe and Crowder 1974).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from servicecircle.network.compiled import compiled, prange
from servicecircle.siting.reduction import Covering

__all__ = ["Dual", "dual_of", "settled_columns"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SLACK = 1e-9
_SMOOTH = 0.85
_PATIENCE = 8
_LEAST_STEP = 1e-3
_MANY = 1_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Dual:
    """The best prices found.

    Parameters
    ----------
    bound : float
        Of the objective, without ``base``: no choice is better.
    rates : numpy.ndarray of float, shape (n,)
        Reduced costs of the sites at these prices, in the sense of a minimum: less is better.
    chosen : numpy.ndarray of float, shape (n,)
        The sites of the priced problem's best solution, 0 to 1.
    steps : int
    """

    bound: float
    rates: Floats
    chosen: Floats
    steps: int


@compiled()
def _sums_alone(starts: Any, columns: Any, values: Floats, out: Floats) -> None:
    for row in range(out.size):
        total = 0.0
        for at in range(starts[row], starts[row + 1]):
            total += values[columns[at]]
        out[row] = total


@compiled(parallel=True)
def _sums_together(starts: Any, columns: Any, values: Floats, out: Floats) -> None:
    for row in prange(out.size):
        total = 0.0
        for at in range(starts[row], starts[row + 1]):
            total += values[columns[at]]
        out[row] = total


def _row_sums(starts: Any, columns: Any, values: Floats, out: Floats) -> None:
    """Add up values by row: each row in one thread and in one order, so the same bits."""
    (_sums_together if columns.size > _MANY else _sums_alone)(starts, columns, values, out)


@dataclass(frozen=True, slots=True, eq=False)
class _Priced:
    """The problem as a minimum, with the one limit that is kept."""

    problem: Covering
    by_column: csc_array
    worth: Floats
    scale: Floats
    rate: float
    typical: float
    kept: int
    kept_values: Floats
    others: NDArray[np.int64]


def _priced(problem: Covering, by_column: csc_array) -> _Priced:
    kept, most = -1, 0
    sizes = np.diff(problem.side.indptr)
    for row in np.flatnonzero(np.isfinite(problem.upper) & ~np.isfinite(problem.lower)).tolist():
        if sizes[row] > most:
            kept, most = row, int(sizes[row])
    columns = problem.columns.size
    values = problem.side[[kept]].toarray().ravel() if kept >= 0 else np.zeros(columns)
    worth = problem.weights if problem.maximise else np.zeros(problem.weights.size)
    worth = np.where(problem.must, 0.0, worth)
    # Prices move in proportion to what they are about: people, or the cost of a site.
    people = np.asarray(by_column.T @ problem.weights).ravel()
    if problem.maximise:
        rate, typical = 1.0, float(np.median(people)) if columns else 1.0
        scale = np.maximum(problem.weights, 1e-12)
    else:
        dear = (problem.cost > 0) & (people > 0)
        rate = float(np.median(problem.cost[dear] / people[dear])) if dear.any() else 1.0
        typical = float(np.median(problem.cost[dear])) if dear.any() else 1.0
        scale = np.where(problem.must, typical, rate * np.maximum(problem.weights, 1e-12))
    return _Priced(
        problem=problem,
        by_column=by_column,
        worth=worth,
        scale=scale,
        rate=rate,
        typical=typical,
        kept=kept,
        kept_values=values,
        others=np.flatnonzero(np.arange(problem.lower.size) != kept),
    )


def _best_sites(about: _Priced, rates: Floats) -> Floats:
    """Return the sites between 0 and 1 that sum up to the least rates within the kept limit."""
    wanted = rates < 0
    chosen = wanted.astype(np.float64)
    if about.kept < 0:
        return chosen
    values, room = about.kept_values, float(about.problem.upper[about.kept])
    room += _SLACK * max(1.0, abs(room))
    if float(values @ chosen) <= room:
        return chosen
    taking = values > 0
    chosen[taking] = 0.0
    at = np.flatnonzero(wanted & taking)
    order = at[np.argsort(rates[at] / values[at], kind="stable")]
    used = np.cumsum(values[order])
    inside = used <= room
    chosen[order[inside]] = 1.0
    partly = order[~inside]
    left = room - (float(used[inside][-1]) if inside.any() else 0.0)
    if partly.size and left > 0 and np.ptp(values[at]) > 0:
        chosen[partly[0]] = left / values[partly[0]]
    return chosen


@dataclass(slots=True)
class _Prices:
    """Of groups, of needs (the total last) and of the other limits."""

    groups: Floats
    needs: Floats
    limits: Floats


def dual_of(
    problem: Covering,
    *,
    by_column: csc_array | None = None,
    target: float = np.nan,
    gap: float = 0.0,
    steps: int = 400,
    seconds: float = 60.0,
) -> Dual:
    """Return the best bound that some hundred subgradient steps find.

    Parameters
    ----------
    problem : Covering
    by_column : scipy.sparse.csc_array, optional
        ``problem.by_column``, where it is known.
    target : float
        Objective of a choice that is known, without ``base``; NaN for none.
    gap : float
        It ends when the bound is this near to the target, as a share of the greater of both.
    steps : int
        At most so many.
    seconds : float
        Of wall time.

    Returns
    -------
    Dual

    Examples
    --------
    Two sites for three people at three places, one in reach of both: no choice of one site covers
    more than two.

    >>> import dataclasses
    >>> from scipy.sparse import csr_array
    >>> from servicecircle.siting.examples import three_sites
    >>> from servicecircle.siting.model import Goal
    >>> from servicecircle.siting.reduction import stated
    >>> pairs = csr_array([[0.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    >>> none = np.zeros(3, bool)
    >>> model = dataclasses.replace(three_sites(), pairs=pairs, kept=none, closable=none)
    >>> goal = Goal(objective="cover", sites=1)
    >>> round(dual_of(stated(model, goal), target=2.0).bound, 3)
    2.0
    """
    begun = time.perf_counter()
    about = _priced(problem, problem.by_column if by_column is None else by_column)
    sign = -1.0 if problem.maximise else 1.0
    prices = _first_prices(about)
    best, best_at, slow, theta = -np.inf, (np.empty(0), np.empty(0)), 0, 1.0
    direction: _Prices | None = None
    aim = sign * target
    taken = 0
    for _ in range(max(steps, 1)):
        taken += 1
        value, rates, chosen, slope = _value(about, prices)
        if value > best:
            slow = 0 if value > best + 1e-6 * max(1.0, abs(best)) else slow + 1
            best, best_at = value, (rates, chosen)
        else:
            slow += 1
        known = aim if not np.isnan(aim) else best + max(1.0, 0.1 * abs(best))
        if not np.isnan(aim):
            near = max(abs(best), abs(aim))
            if aim - best <= max(gap * near, 1e-9 * max(near, 1.0)):
                break
        if slow >= _PATIENCE:
            theta, slow = theta * 0.6, 0
            if theta < _LEAST_STEP:
                break
        if time.perf_counter() - begun > seconds:
            break
        direction = slope if direction is None else _blend(direction, slope)
        length = _length(about, direction)
        if length <= 0.0:
            break
        # A step never shorter than towards a hair above the best bound, else it would stand still.
        reach = max(known - value, 1e-4 * max(1.0, abs(best)))
        prices = _moved(about, prices, direction, theta * reach / length)
    return Dual(bound=sign * best, rates=best_at[0], chosen=best_at[1], steps=taken)


def _first_prices(about: _Priced) -> _Prices:
    """Return prices to begin with: a site's cost shared by its groups, half of the people."""
    problem = about.problem
    needs = np.zeros(problem.needs.size + 1)
    if problem.maximise:
        groups = 0.5 * about.worth
    else:
        size = np.maximum(np.diff(about.by_column.indptr), 1)
        each = problem.cost / size
        owner = np.repeat(np.arange(size.size), np.diff(about.by_column.indptr))
        groups = np.full(problem.weights.size, np.inf)
        np.minimum.at(groups, about.by_column.indices, each[owner])
        groups = np.where(np.isfinite(groups), groups, 0.0)
        if np.any(~problem.must):
            # People are worth about what covering one of them costs.
            needs[:-1] = about.rate
            needs[-1] = about.rate if np.isfinite(problem.total) else 0.0
            groups = np.where(problem.must, groups, about.rate * problem.weights)
    return _Prices(groups, needs, np.zeros(about.others.size))


def _ceiling(about: _Priced, prices: _Prices) -> Floats:
    """Return what covering each group is worth: its people, and the needs it counts for."""
    problem = about.problem
    units = np.append(prices.needs[:-1], 0.0)
    rate = units[problem.need] + prices.needs[-1]
    return about.worth + np.where(problem.must, 0.0, rate * problem.weights)


def _value(about: _Priced, prices: _Prices) -> tuple[float, Floats, Floats, _Prices]:
    """Return the bound at some prices, rates, the priced problem's sites, and the slope."""
    problem = about.problem
    free = ~problem.must
    ceiling = _ceiling(about, prices)
    given = np.empty(problem.columns.size)
    by_column = about.by_column
    _row_sums(by_column.indptr, by_column.indices, prices.groups, given)
    side = problem.side[about.others]
    rates = problem.cost - given + side.T @ prices.limits
    chosen = _best_sites(about, rates)
    ends = np.where(prices.limits >= 0, problem.upper[about.others], problem.lower[about.others])
    priced = prices.limits != 0
    wanted = np.append(problem.needs, problem.total if np.isfinite(problem.total) else 0.0)
    value = (
        float(prices.groups[problem.must].sum())
        - float(np.maximum(ceiling - prices.groups, 0.0)[free].sum())
        + float(prices.needs @ wanted)
        - float(prices.limits[priced] @ ends[priced])
        + float(rates @ chosen)
    )
    sums = np.empty(problem.weights.size)
    _row_sums(problem.reach.indptr, problem.reach.indices, chosen, sums)
    hair = _SLACK * np.maximum(ceiling, 1e-30)
    covered = np.where(prices.groups < ceiling - hair, 1.0, np.minimum(1.0, sums))
    covered = np.where(prices.groups > ceiling + hair, 0.0, covered)
    slope = np.where(problem.must, 1.0, covered) - sums
    people = np.where(free, covered * problem.weights, 0.0)
    at = problem.need >= 0
    have = np.bincount(problem.need[at], people[at], problem.needs.size)
    short = wanted - np.append(have, float(people.sum()))
    if not np.isfinite(problem.total):
        short[-1] = 0.0
    on_limits = side @ chosen
    over = np.where(
        np.isfinite(problem.upper[about.others]), on_limits - problem.upper[about.others], -np.inf
    )
    under = np.where(
        np.isfinite(problem.lower[about.others]), problem.lower[about.others] - on_limits, -np.inf
    )
    limits = np.where(over >= under, over, -under)
    return value, rates, chosen, _Prices(slope, short, limits)


def _weights(about: _Priced) -> tuple[Floats, Floats]:
    """Return how far prices of needs and limits move for a unit of slope."""
    needs = np.append(about.problem.needs, max(about.problem.total, 1.0))
    return about.rate / np.maximum(needs, 1e-12), np.full(about.others.size, about.typical)


def _length(about: _Priced, slope: _Prices) -> float:
    needs, limits = _weights(about)
    return float(about.scale @ slope.groups**2 + needs @ slope.needs**2 + limits @ slope.limits**2)


def _blend(old: _Prices, new: _Prices) -> _Prices:
    """Return a direction between the last one and the slope, which zigzags less."""
    return _Prices(
        _SMOOTH * old.groups + (1 - _SMOOTH) * new.groups,
        _SMOOTH * old.needs + (1 - _SMOOTH) * new.needs,
        _SMOOTH * old.limits + (1 - _SMOOTH) * new.limits,
    )


def _moved(about: _Priced, prices: _Prices, slope: _Prices, step: float) -> _Prices:
    """Return prices one step on, back within what they may be."""
    problem = about.problem
    by_needs, by_limits = _weights(about)
    needs = np.maximum(prices.needs + step * by_needs * slope.needs, 0.0)
    limits = prices.limits + step * by_limits * slope.limits
    limits = np.where(np.isfinite(problem.upper[about.others]), limits, np.minimum(limits, 0.0))
    limits = np.where(np.isfinite(problem.lower[about.others]), limits, np.maximum(limits, 0.0))
    groups = np.maximum(prices.groups + step * about.scale * slope.groups, 0.0)
    moved = _Prices(groups, needs, limits)
    # Above the ceiling a price only lowers the bound.
    ceiling = _ceiling(about, moved)
    moved.groups = np.where(problem.must, groups, np.minimum(groups, ceiling))
    return moved


def settled_columns(problem: Covering, dual: Dual, target: float) -> tuple[Bools, Bools]:
    """Return the sites that are shut, and those that are open, in everything better than a choice.

    A site that would push the bound past the known choice's objective if it were opened (or shut)
    is not opened (not shut) in any better choice.

    Parameters
    ----------
    problem : Covering
    dual : Dual
    target : float
        Objective of the known choice, without ``base``.

    Returns
    -------
    shut, open : numpy.ndarray of bool, shape (n,)
    """
    sign = -1.0 if problem.maximise else 1.0
    room = sign * (target - dual.bound)
    room += _SLACK * max(1.0, abs(target))
    about = _priced(problem, problem.by_column)
    rates, inside = dual.rates, dual.chosen > 1 - _SLACK
    binding = about.kept >= 0 and float(about.kept_values @ dual.chosen) >= (
        float(problem.upper[about.kept]) * (1 - _SLACK) - _SLACK
    )
    values = about.kept_values
    even = bool(values.size) and np.ptp(values) <= 0 and float(values.max(initial=0.0)) > 0
    if binding and not even:
        return np.zeros(rates.size, np.bool_), np.zeros(rates.size, np.bool_)
    # Opening one more pushes the worst open one out; shutting one lets the best shut one in.
    out = float(rates[inside].max()) if binding and inside.any() else 0.0
    into = min(float(rates[~inside].min(initial=0.0)), 0.0) if binding else 0.0
    shut = ~inside & (rates - min(out, 0.0) > room)
    kept_open = inside & (into - rates > room)
    return shut, kept_open
