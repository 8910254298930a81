"""In which phase each site of a chosen set opens, so that what is open early is good as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, csr_array, diags_array, eye_array, hstack, vstack

from servicecircle.siting.highs import Mip, solve_mip
from servicecircle.siting.opening_costs import Near, Score

__all__ = ["Limits", "order_phases", "order_within"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_WORK = 1_000_000_000
_EXACT = 40_000
_RELATIVE = 1e-9


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

    def room(self, chosen: Bools, phase: int) -> float:
        """Return how much more may be opened by the end of a phase, with a hair of slack.

        Examples
        --------
        >>> limits = Limits(most=np.array([2.0, 3.0]), cost=np.ones(3))
        >>> round(limits.room(np.array([True, False, False]), 0), 6)
        1.0
        """
        most = float(self.most[phase])
        return most + _RELATIVE * max(1.0, abs(most)) - float(self.cost[chosen].sum())

    def fits(self, chosen: Bools, phase: int) -> bool:
        """Return whether some of the sites may be open at the end of a phase."""
        return self.room(chosen, phase) >= 0.0


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

    >>> own = np.arange(3)
    >>> near = Near(
    ...     weights=np.array([5.0, 9.0, 2.0]), row=own, site=own, cost=np.ones(3),
    ...     before=np.full(3, np.inf), count=3, measure="cover",
    ... )
    >>> phase, method = order_phases(near, Limits(most=np.array([1.0, 3.0]), cost=np.ones(3)))
    >>> phase.tolist(), method
    ([1, 0, 1], 'exact')
    >>> none = Limits(most=np.zeros(2), cost=np.empty(0))
    >>> order_phases(near, none)[0].tolist()
    []
    """
    count = len(limits.most)
    if not limits.cost.size or count == 1:
        return np.zeros(limits.cost.size, np.int64), "exact"
    tries = [_forward(near, limits), _backward(near, limits)]
    totals = [_total(near, phase, count) for phase in tries]
    start = tries[totals.index(max(totals))]
    if near.measure != "cover":
        return _exchanged(near, limits, start), "exchange"
    best = _exchanged_cover(near, limits, start)
    if near.weights.size * count > _EXACT:
        return best, "exchange"
    found, proven = _exact(near, limits, best, seconds)
    if _better(_total(near, found, count), _total(near, best, count)):
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
    >>> own = np.arange(3)
    >>> near = Near(
    ...     weights=np.array([5.0, 9.0, 2.0]), row=own, site=own, cost=np.ones(3),
    ...     before=np.full(3, np.inf), count=3, measure="cover",
    ... )
    >>> order_within(near, np.array([1, 0, 1])).tolist()
    [1, 0, 2]
    >>> order_within(near, np.array([0, 0, 0])).tolist()
    [1, 0, 2]
    """
    chosen = np.zeros(phase.size, bool)
    order: list[int] = []
    while len(order) < phase.size:
        left = ~chosen & (phase == phase[~chosen].min())
        site = _first_of(near.gains(chosen), np.flatnonzero(left))
        chosen[site] = True
        order.append(site)
    return np.array(order, np.int64)


def _first_of(gains: tuple[Floats, Floats], left: Ints, cost: Floats | None = None) -> int:
    """Return the site of most people, then least cost, per price where there is one."""
    price = np.ones(left.size) if cost is None else np.where(cost[left] > 0.0, cost[left], 1.0)
    # Rounded to what sums of people can tell, so that the order of sums decides nothing.
    people, less = (np.round(one[left] / price, 9) for one in gains)
    return int(left[np.lexsort((left, -less, -people))[0]])


def _forward(near: Near, limits: Limits) -> Ints:
    """Add the best site that still fits, phase after phase."""
    last = len(limits.most) - 1
    phase = np.full(limits.cost.size, last, np.int64)
    chosen = np.zeros(phase.size, bool)
    priced = None if np.ptp(limits.cost) == 0.0 else limits.cost
    for number in range(last):
        while True:
            left = np.flatnonzero(~chosen & (limits.cost <= limits.room(chosen, number)))
            if not left.size:
                break
            site = _first_of(near.gains(chosen), left, priced)
            chosen[site] = True
            phase[site] = number
    return phase


def _backward(near: Near, limits: Limits) -> Ints:
    """Take away the site that is missed least, last phase first, until the rest fits."""
    phase = np.zeros(limits.cost.size, np.int64)
    chosen = np.ones(phase.size, bool)
    for number in range(len(limits.most) - 2, -1, -1):
        while chosen.any() and not limits.fits(chosen, number):
            site = _first_of(near.losses(chosen), np.flatnonzero(chosen))
            chosen[site] = False
            phase[site] = number + 1
    return phase


def _total(near: Near, phase: Ints, count: int) -> Score:
    """Return the sum of the scores at the ends of all phases but the last, which is the whole."""
    return _sum([near.score(phase <= number) for number in range(count - 1)])


def _sum(scores: list[Score]) -> Score:
    return sum(one for one, _ in scores), sum(one for _, one in scores)


def _better(one: Score, other: Score) -> bool:
    """Return whether a score is greater by more than rounding makes."""
    for mine, theirs in zip(one, other, strict=True):
        if abs(mine - theirs) > _RELATIVE * max(1.0, abs(mine), abs(theirs)):
            return mine > theirs
    return False


def _moved(phase: Ints, one: int, other: int) -> Ints:
    """Return the phases with two sites exchanged; -1: the later one alone comes one earlier."""
    trial = phase.copy()
    trial[one] = phase[other] if other >= 0 else phase[one] - 1
    if other >= 0:
        trial[other] = phase[one]
    return trial


def _keeps(limits: Limits, trial: Ints, touched: range) -> bool:
    return all(limits.fits(trial <= number, number) for number in touched)


def _exchanged_cover(near: Near, limits: Limits, phase: Ints) -> Ints:
    """Make the exchange that helps most, as long as one helps.

    What an exchange does to the people in reach at the end of a phase: those whom the later site
    reaches and nobody else are gained, those whom the earlier one alone reaches are lost, but for
    those of them whom the later one reaches too.
    """
    count, sites = len(limits.most), limits.cost.size
    sees = csr_array(
        (np.ones(near.row.size), (near.row, near.site)), shape=(near.weights.size, sites)
    )
    open_before = np.isfinite(near.before)
    spent = 0
    while spent < _WORK:
        change = np.zeros((sites, sites + 1))
        for number in range(count - 1):
            there = phase <= number
            reached = np.asarray(sees @ there.astype(float)) + open_before
            gain = np.asarray(sees.T @ np.where(reached == 0.0, near.weights, 0.0))
            alone = np.where((reached == 1.0) & ~open_before, near.weights, 0.0)
            loss = np.asarray(sees.T @ alone)
            both = (sees.T @ (diags_array(alone) @ sees)).toarray()
            later, earlier = np.flatnonzero(~there), np.flatnonzero(there)
            change[np.ix_(later, earlier)] += (
                gain[later, None] - loss[None, earlier] + both[np.ix_(later, earlier)]
            )
            # One that opens by the end of the next phase may open by the end of this one instead.
            change[phase == number + 1, sites] += gain[phase == number + 1]
            spent += near.row.size * 8 + sites * sites
        phase, helped = _best_exchange(limits, phase, change)
        if not helped:
            break
    return phase


def _best_exchange(limits: Limits, phase: Ints, change: Floats) -> tuple[Ints, bool]:
    """Make the exchange of the greatest change that the limits let through."""
    sites = phase.size
    least = _RELATIVE * max(1.0, float(np.abs(change).max(initial=0.0)))
    rows, columns = np.nonzero(change > least)
    order = np.lexsort((columns, rows, -change[rows, columns]))
    for one, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        trial = _moved(phase, one, column if column < sites else -1)
        if _keeps(limits, trial, range(int(trial[one]), int(phase[one]))):
            return trial, True
    return phase, False


def _exchanged(near: Near, limits: Limits, phase: Ints) -> Ints:
    """Exchange two sites of different phases, or let one open earlier, as long as it helps."""
    count = len(limits.most)
    scores = [near.score(phase <= number) for number in range(count)]
    left = max(_WORK // (20 * max(near.row.size + near.weights.size, 1)), 1)
    improved = True
    while improved and left > 0:
        improved = False
        for one, other in _moves(phase):
            trial = _moved(phase, one, other)
            touched = range(int(trial[one]), int(phase[one]))
            left -= len(touched)
            if left <= 0:
                break
            if not _keeps(limits, trial, touched):
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


def _exact(near: Near, limits: Limits, start: Ints, seconds: float) -> tuple[Ints, bool]:
    """Solve all phases but the last at once.

    Columns, phase after phase: whether each site is open at the end of the phase, then the part of
    each point that it covers. A point is covered by at most as many sites as are open in its
    reach; what is open stays open; a phase opens no more than its limit.
    """
    sites = limits.cost.size
    wanted = ~np.isfinite(near.before) & (near.weights > 0.0)
    points = np.flatnonzero(wanted)
    at = np.cumsum(wanted) - 1
    ways = np.flatnonzero(wanted[near.row])
    sees = csr_array(
        (np.ones(ways.size), (at[near.row[ways]], near.site[ways])), shape=(points.size, sites)
    )
    phases = len(limits.most) - 1
    one = hstack([-sees, eye_array(points.size)])
    spent = hstack([csr_array(limits.cost[None, :]), csr_array((1, points.size))])
    open_only = hstack([eye_array(sites), csr_array((sites, points.size))])
    nothing = csr_array((sites, sites + points.size))
    stays = [
        hstack([nothing] * number + [open_only, -open_only] + [nothing] * (phases - number - 2))
        for number in range(phases - 1)
    ]
    rows = vstack([block_diag([one] * phases), block_diag([spent] * phases), *stays], format="csr")
    most = limits.most[:-1] * (1.0 + _RELATIVE)
    # Counted sites are opened as many as a phase may have; a sum of costs need not be reached.
    counted = bool(np.all(limits.cost == 1.0))
    least = np.floor(limits.most[:-1] + _RELATIVE) if counted else np.full(phases, -np.inf)
    upper = [np.zeros(points.size * phases), most, np.zeros(sites * (phases - 1))]
    lower = [np.full(points.size * phases, -np.inf), least, np.full(sites * (phases - 1), -np.inf)]
    width = (sites + points.size) * phases
    given = []
    for number in range(phases):
        there = (start <= number).astype(float)
        given += [there, np.minimum(np.asarray(sees @ there), 1.0)]
    model = Mip(
        cost=np.tile(np.concatenate([np.zeros(sites), near.weights[points]]), phases),
        lower=np.zeros(width),
        upper=np.ones(width),
        integer=np.tile(np.arange(sites + points.size) < sites, phases),
        rows=csr_array(rows),
        row_lower=np.concatenate(lower),
        row_upper=np.concatenate(upper),
        maximise=True,
    )
    found = solve_mip(model, start=np.concatenate(given), seconds=seconds)
    if found.values is None:
        return start, False
    there = np.rint(found.values.reshape(phases, sites + points.size)[:, :sites]).astype(np.int64)
    phase = phases - there.sum(axis=0)
    return phase, found.status == "optimal"
