"""In which phase each site of a chosen set opens, so that what is open early is good as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array, eye_array, hstack, vstack

from servicecircle.siting.highs import Mip, solve_mip

__all__ = ["Limits", "Near", "order_phases", "order_within"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Measure = Literal["cover", "mean", "worst"]
Score = tuple[float, float]

_WORK = 2_000_000_000
_EXACT = 40_000
_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Near:
    """What each site of a set costs each point, and what existing sites do.

    Parameters
    ----------
    weights : numpy.ndarray of float, shape (m,)
        People; points that see the same of the set may be one.
    costs : numpy.ndarray of float, shape (m, s)
        Infinite out of reach.
    before : numpy.ndarray of float, shape (m,)
        To the nearest existing site, infinite where none is in reach.
    measure : {"cover", "mean", "worst"}
        What is good: many people in reach; or that, and then a small sum, or a small greatest, of
        their costs.
    """

    weights: Floats
    costs: Floats
    before: Floats
    measure: Measure

    def score(self, chosen: Bools) -> Score:
        """Return people in reach, and the cost (negative), of some of the sites.

        Examples
        --------
        >>> near = Near(
        ...     weights=np.array([5.0, 2.0]), costs=np.array([[1.0, np.inf], [np.inf, 4.0]]),
        ...     before=np.full(2, np.inf), measure="mean",
        ... )
        >>> near.score(np.array([True, True])), near.score(np.array([False, False]))
        ((7.0, -13.0), (0.0, -0.0))
        """
        taken = np.minimum(self.before, self.costs[:, chosen].min(axis=1, initial=np.inf))
        there = np.isfinite(taken) & (self.weights > 0.0)
        people = float(self.weights[there].sum())
        if self.measure == "cover":
            return people, 0.0
        if self.measure == "mean":
            return people, -float(self.weights[there] @ taken[there])
        return people, -float(taken[there].max(initial=0.0))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Limits:
    """How much may be open at the end of each phase: so many sites, or what a budget pays for.

    Parameters
    ----------
    most : numpy.ndarray of float, shape (k,)
        Cumulative, never falling.
    cost : numpy.ndarray of float, shape (s,)
        What each site takes of it: one each where sites are counted.
    """

    most: Floats
    cost: Floats

    def fits(self, chosen: Bools, phase: int) -> bool:
        """Return whether some of the sites may be open at the end of a phase."""
        most = float(self.most[phase])
        return float(self.cost[chosen].sum()) <= most + _RELATIVE * max(1.0, abs(most))


def order_phases(near: Near, limits: Limits, *, seconds: float = 10.0) -> tuple[Ints, str]:
    """Return in which phase each site of a set opens, all of them by the last one.

    The sum over all phases of the people in reach at the end of the phase is made great (then that
    of the costs small): by adding the best site first, by taking the least missed one away last,
    the better of both improved by exchanging sites between phases, and, for people in reach where
    the model stays small, by the exact model of all phases at once.

    Parameters
    ----------
    near : Near
    limits : Limits
        The last one has to let all sites open.
    seconds : float
        For the exact model.

    Returns
    -------
    phase : numpy.ndarray of int64, shape (s,)
        0 for the first.
    method : str
        ``exact``, or ``exchange``.

    Examples
    --------
    Three sites of 5, 9 and 2 people, one of them in the first phase:

    >>> costs = np.where(np.eye(3, dtype=bool), 1.0, np.inf)
    >>> near = Near(
    ...     weights=np.array([5.0, 9.0, 2.0]), costs=costs, before=np.full(3, np.inf),
    ...     measure="cover",
    ... )
    >>> phase, method = order_phases(near, Limits(most=np.array([1.0, 3.0]), cost=np.ones(3)))
    >>> phase.tolist(), method
    ([1, 0, 1], 'exact')
    >>> none = Near(
    ...     weights=np.ones(1), costs=np.empty((1, 0)), before=np.zeros(1), measure="cover"
    ... )
    >>> order_phases(none, Limits(most=np.zeros(2), cost=np.empty(0)))[0].tolist()
    []
    """
    count = len(limits.most)
    if not limits.cost.size or count == 1:
        return np.zeros(limits.cost.size, np.int64), "exact"
    tries = [_forward(near, limits), _backward(near, limits)]
    totals = [_total(near, phase, count) for phase in tries]
    best = _exchanged(near, limits, tries[totals.index(max(totals))])
    if near.measure != "cover" or near.weights.size * count > _EXACT:
        return best, "exchange"
    found, proven = _exact(near, limits, best, seconds)
    if _total(near, found, count) > _total(near, best, count):
        best = found
    return best, "exact" if proven else "exchange"


def order_within(near: Near, phase: Ints) -> Ints:
    """Return the sites in order of opening: phase by phase, in each the best next one first.

    Parameters
    ----------
    near : Near
    phase : numpy.ndarray of int64, shape (s,)

    Returns
    -------
    numpy.ndarray of int64, shape (s,)
        Sites, by their number in the set.

    Examples
    --------
    >>> costs = np.where(np.eye(3, dtype=bool), 1.0, np.inf)
    >>> near = Near(
    ...     weights=np.array([5.0, 9.0, 2.0]), costs=costs, before=np.full(3, np.inf),
    ...     measure="cover",
    ... )
    >>> order_within(near, np.array([1, 0, 1])).tolist()
    [1, 0, 2]
    >>> order_within(near, np.array([0, 0, 0])).tolist()
    [1, 0, 2]
    """
    chosen = np.zeros(phase.size, bool)
    order: list[int] = []
    while len(order) < phase.size:
        left = np.flatnonzero(~chosen)
        left = left[phase[left] == phase[left].min()]
        site = _best_next(near, chosen, left)
        chosen[site] = True
        order.append(site)
    return np.array(order, np.int64)


def _best_next(near: Near, chosen: Bools, left: Ints, cost: Floats | None = None) -> int:
    """Return the site that adds most, per cost where one is given; the lowest among equals."""
    base = near.score(chosen)
    best, most = int(left[0]), (-np.inf, -np.inf)
    for site in left.tolist():
        chosen[site] = True
        score = near.score(chosen)
        chosen[site] = False
        share = 1.0 if cost is None or not cost[site] > 0.0 else float(cost[site])
        gain = ((score[0] - base[0]) / share, (score[1] - base[1]) / share)
        if gain > most:
            best, most = site, gain
    return best


def _forward(near: Near, limits: Limits) -> Ints:
    """Add the best site that still fits, phase after phase."""
    phase = np.full(limits.cost.size, len(limits.most) - 1, np.int64)
    chosen = np.zeros(phase.size, bool)
    priced = None if np.ptp(limits.cost) == 0.0 else limits.cost
    for number in range(len(limits.most) - 1):
        while (left := _fitting(chosen, limits, number)).size:
            site = _best_next(near, chosen, left, priced)
            chosen[site] = True
            phase[site] = number
    return phase


def _fitting(chosen: Bools, limits: Limits, phase: int) -> Ints:
    left = []
    for site in np.flatnonzero(~chosen).tolist():
        chosen[site] = True
        if limits.fits(chosen, phase):
            left.append(site)
        chosen[site] = False
    return np.array(left, np.int64)


def _backward(near: Near, limits: Limits) -> Ints:
    """Take away the site that is missed least, last phase first, until the rest fits."""
    phase = np.zeros(limits.cost.size, np.int64)
    chosen = np.ones(phase.size, bool)
    for number in range(len(limits.most) - 2, -1, -1):
        while chosen.any() and not limits.fits(chosen, number):
            site, most = -1, (-np.inf, -np.inf)
            for one in np.flatnonzero(chosen).tolist():
                chosen[one] = False
                score = near.score(chosen)
                chosen[one] = True
                if score > most:
                    site, most = one, score
            chosen[site] = False
            phase[site] = number + 1
    return phase


def _total(near: Near, phase: Ints, count: int) -> Score:
    """Return the sum of the scores at the ends of all phases but the last, which is the whole."""
    scores = [near.score(phase <= number) for number in range(count - 1)]
    return sum(one for one, _ in scores), sum(one for _, one in scores)


def _better(one: Score, other: Score) -> bool:
    """Return whether a score is greater by more than rounding makes."""
    for mine, theirs in zip(one, other, strict=True):
        slack = _RELATIVE * max(1.0, abs(mine), abs(theirs))
        if abs(mine - theirs) > slack:
            return mine > theirs
    return False


def _exchanged(near: Near, limits: Limits, phase: Ints) -> Ints:
    """Exchange two sites of different phases, or let one open earlier, as long as it helps."""
    phase, count = phase.copy(), len(limits.most)
    scores = [near.score(phase <= number) for number in range(count)]
    left = max(_WORK // max(near.costs.size, 1), 1)
    improved = True
    while improved and left > 0:
        improved = False
        for one, other in _moves(phase):
            trial = phase.copy()
            trial[one] = phase[other] if other >= 0 else phase[one] - 1
            if other >= 0:
                trial[other] = phase[one]
            touched = range(int(trial[one]), int(phase[one]))
            left -= len(touched)
            if left <= 0:
                break
            if not all(limits.fits(trial <= number, number) for number in touched):
                continue
            new = {number: near.score(trial <= number) for number in touched}
            after = _sum([new[number] for number in touched])
            if _better(after, _sum([scores[number] for number in touched])):
                phase, improved = trial, True
                for number, score in new.items():
                    scores[number] = score
                break
    return phase


def _moves(phase: Ints) -> list[tuple[int, int]]:
    """Return pairs of a later site and an earlier one; -1: the later one alone comes earlier."""
    later = np.flatnonzero(phase > 0).tolist()
    return [
        (one, other)
        for one in later
        for other in (-1, *np.flatnonzero(phase < phase[one]).tolist())
    ]


def _sum(scores: list[Score]) -> Score:
    return sum(one for one, _ in scores), sum(one for _, one in scores)


def _exact(near: Near, limits: Limits, start: Ints, seconds: float) -> tuple[Ints, bool]:
    """Solve all phases but the last at once.

    Columns, phase after phase: whether each site is open at the end of the phase, then the part of
    each point that it covers. A point is covered by at most as many sites as are open in its
    reach; what is open stays open; a phase opens no more than its limit.
    """
    sees = np.isfinite(near.costs)
    wanted = np.flatnonzero(~np.isfinite(near.before) & (near.weights > 0.0) & sees.any(axis=1))
    sees = sees[wanted]
    points, sites = sees.shape
    phases = len(limits.most) - 1
    one = hstack([csr_array(-sees.astype(float)), eye_array(points)])
    spent = hstack([csr_array(limits.cost[None, :]), csr_array((1, points))])
    open_only = hstack([eye_array(sites), csr_array((sites, points))])
    nothing = csr_array((sites, sites + points))
    stays = [
        hstack([nothing] * number + [open_only, -open_only] + [nothing] * (phases - number - 2))
        for number in range(phases - 1)
    ]
    rows = vstack([block_diag([one] * phases), block_diag([spent] * phases), *stays], format="csr")
    most = limits.most[:-1] * (1.0 + _RELATIVE)
    # Counted sites are opened as many as a phase may have; a sum of costs need not be reached.
    counted = bool(np.all(limits.cost == 1.0))
    least = np.floor(limits.most[:-1] + _RELATIVE) if counted else np.full(phases, -np.inf)
    upper = [np.zeros(points * phases), most, np.zeros(sites * (phases - 1))]
    lower = [np.full(points * phases, -np.inf), least, np.full(sites * (phases - 1), -np.inf)]
    width = (sites + points) * phases
    integer = np.tile(np.arange(sites + points) < sites, phases)
    given = []
    for number in range(phases):
        there = start <= number
        given += [there.astype(float), sees[:, there].any(axis=1).astype(float)]
    model = Mip(
        cost=np.tile(np.concatenate([np.zeros(sites), near.weights[wanted]]), phases),
        lower=np.zeros(width),
        upper=np.ones(width),
        integer=integer,
        rows=csr_array(rows),
        row_lower=np.concatenate(lower),
        row_upper=np.concatenate(upper),
        maximise=True,
    )
    found = solve_mip(model, start=np.concatenate(given), seconds=seconds)
    if found.values is None:
        return start, False
    there = np.rint(found.values.reshape(phases, sites + points)[:, :sites]).astype(np.int64)
    phase = phases - there.sum(axis=0)
    return phase, found.status == "optimal"
