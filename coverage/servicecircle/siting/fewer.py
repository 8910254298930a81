"""Fewer sites than a choice has: one is given up, and the others are exchanged until it works.

The needs of a smaller choice are met by making what is not met worth more, round after round (the
weighting of rows as in Gao, Weise and Li 2015, with the interchange of maximal covering inside).
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from servicecircle.siting.covering_search import Search, search_of
from servicecircle.siting.exchange import exchanged
from servicecircle.siting.greedy import needs_met, thinned
from servicecircle.siting.reduction import Covering

__all__ = ["fewer"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_ROUNDS = 40
_SWEEPS = 20
_DEARER = 1.3
_KICK = 0.1
_SEED = 20251231


def fewer(search: Search, chosen: Bools, *, step: float, seconds: float) -> Bools:
    """Return a choice for ``fewest`` of less cost, or the given one where none was found.

    Parameters
    ----------
    search : Search
        Of a problem that is not ``maximise``.
    chosen : numpy.ndarray of bool, shape (n,)
        That keeps needs and limits.
    step : float
        The least by which a smaller cost is smaller: 1 where costs are whole.
    seconds : float
        Of wall time.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        Keeps them too.
    """
    ends = time.perf_counter() + seconds
    rng = np.random.default_rng(_SEED)
    while chosen.any() and time.perf_counter() < ends:
        room = float(search.problem.cost[chosen].sum()) - step
        found = _within(search, chosen, room, ends, rng) if room >= 0 else None
        if found is None:
            return chosen
        chosen = found
    return chosen


def _within(
    search: Search, chosen: Bools, room: float, ends: float, rng: np.random.Generator
) -> Bools | None:
    """Return a choice of at most some cost that keeps needs and limits, if one is found."""
    problem = search.problem
    eased = _eased(search, room)
    prices = _first_worth(problem)
    smaller, best, least = chosen, chosen, np.inf
    for _ in range(_ROUNDS):
        smaller = _given_up(eased, smaller, _worth(problem, prices), room)
        smaller, _ = exchanged(eased, smaller, sweeps=_SWEEPS, worth=_worth(problem, prices))
        smaller = _filled(eased, smaller, _worth(problem, prices), room)
        if needs_met(search, smaller):
            thin = thinned(search, smaller)
            return thin if needs_met(search, thin) else smaller
        if time.perf_counter() > ends:
            return None
        short = _short(problem, smaller)
        lacking = float(short[0].sum() + short[1].sum())
        if lacking < least - 1e-12:
            least, best = lacking, smaller
        prices = _dearer(prices, short)
        smaller = _kicked(best, rng)
    return None


def _eased(search: Search, room: float) -> Search:
    """Return the search without needs, within a cost; single limits from below stay."""
    problem = search.problem
    cost = csr_array(problem.cost[None, :])
    side = csr_array(vstack([problem.side, cost], format="csr"))
    eased = dataclasses.replace(
        problem,
        side=side,
        lower=np.append(problem.lower, -np.inf),
        upper=np.append(problem.upper, room),
        maximise=True,
    )
    return search_of(eased, search.begin)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Worth:
    """What meeting each need, the total last, and each group that must be covered is worth."""

    needs: Floats
    musts: Floats


def _first_worth(problem: Covering) -> _Worth:
    whole = np.append(problem.needs, problem.total)
    needs = np.where(whole > 0, 1.0 / np.where(whole > 0, whole, 1.0), 0.0)
    each = 1.0 / max(1, int(np.count_nonzero(problem.must)))
    return _Worth(needs, np.where(problem.must, each, 0.0))


def _worth(problem: Covering, prices: _Worth) -> Floats:
    """Return what covering each group is worth."""
    rate = np.append(prices.needs[:-1], 0.0)[problem.need] + prices.needs[-1]
    return np.where(problem.must, prices.musts, rate * problem.weights)


def _short(problem: Covering, chosen: Bools) -> tuple[Floats, Floats]:
    """Return by which share each need is not met, and which musts are not covered."""
    covered = np.asarray(problem.reach @ chosen.astype(np.float64)) > 0
    free = covered & ~problem.must
    at = free & (problem.need >= 0)
    have = np.bincount(problem.need[at], problem.weights[at], problem.needs.size)
    whole = np.append(problem.needs, max(problem.total, 0.0))
    lacks = np.maximum(whole - np.append(have, float(problem.weights[free].sum())), 0.0)
    share = lacks / np.where(whole > 0, whole, 1.0)
    musts = (problem.must & ~covered) / max(1, int(np.count_nonzero(problem.must)))
    return share, musts


def _dearer(prices: _Worth, short: tuple[Floats, Floats]) -> _Worth:
    """Return what is not met at a higher worth."""
    needs = np.where(short[0] > 0, prices.needs * _DEARER, prices.needs)
    return _Worth(needs, prices.musts + short[1])


def _losses(search: Search, chosen: Bools, worth: Floats) -> Floats:
    """Return the worth that only each site covers."""
    count = np.asarray(search.problem.reach @ chosen.astype(np.float64))
    return np.asarray(search.by_column.T @ np.where(count == 1, worth, 0.0)).ravel()


def _given_up(search: Search, chosen: Bools, worth: Floats, room: float) -> Bools:
    """Return the choice without the sites that lose least for their cost, until it fits."""
    chosen, cost = chosen.copy(), search.problem.cost
    while float(cost[chosen].sum()) > room * (1 + 1e-12):
        open_now = np.flatnonzero(chosen & (cost > 0))
        losses = _losses(search, chosen, worth)[open_now]
        chosen[open_now[np.argmin(losses / cost[open_now])]] = False
    return chosen


def _filled(search: Search, chosen: Bools, worth: Floats, room: float) -> Bools:
    """Return the choice with sites added, those that gain most for their cost, while they fit."""
    problem = search.problem
    chosen, sums = chosen.copy(), np.asarray(problem.side @ chosen.astype(np.float64))
    columns = problem.side.tocsc()
    while True:
        count = np.asarray(problem.reach @ chosen.astype(np.float64))
        gains = np.asarray(search.by_column.T @ np.where(count == 0, worth, 0.0)).ravel()
        gains[chosen | (problem.cost > room)] = 0.0
        order = np.argsort(-gains / search.price, kind="stable")
        for column in order[: int(np.count_nonzero(gains > 0))].tolist():
            added = columns[:, [column]].toarray().ravel()
            if np.all(sums + added <= problem.upper + 1e-9 * np.maximum(1, abs(problem.upper))):
                chosen[column] = True
                sums = sums + added
                break
        else:
            return chosen


def _kicked(chosen: Bools, rng: np.random.Generator) -> Bools:
    """Return the choice without a few sites drawn from a seed."""
    kicked, at = chosen.copy(), np.flatnonzero(chosen)
    few = max(1, round(_KICK * at.size))
    kicked[rng.choice(at, min(few, at.size), replace=False)] = False
    return kicked
