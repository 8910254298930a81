"""A p-median taken to its core: the points, pairs and sites that a choice can still change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from servicecircle.network.compiled import compiled
from servicecircle.siting.answers import nearest_open
from servicecircle.siting.choice import Choice, beside, choice_of
from servicecircle.siting.model import Goal, SitingModel

__all__ = ["Medians", "Value", "medians_of", "spacing", "value_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]
Bools = NDArray[np.bool_]

SAME = 1e-9
"""Share of all people within which two numbers of people are the same."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Medians:
    """The core of a p-median: n points, m free sites, pairs that beat what stands anyway.

    Points without people, those that fixed sites serve at least as well as any free one, and those
    that nothing can serve are left out. Rows ascend by cost, then by site.

    Parameters
    ----------
    sites : numpy.ndarray of int64, shape (m,)
        Candidates of the model that may be opened, or closed.
    starts : numpy.ndarray of int64, shape (n + 1,)
    heads : numpy.ndarray of int32, shape (k,)
        Sites of the pairs, as indices into ``sites``.
    cost : numpy.ndarray of float, shape (k,)
    column_starts : numpy.ndarray of int64, shape (m + 1,)
    column_rows : numpy.ndarray of int32, shape (k,)
        Points of each site, ascending.
    weights : numpy.ndarray of float, shape (n,)
        People, more than 0.
    fixed : numpy.ndarray of float, shape (n,)
        Cost to the nearest fixed site; infinite where none serves the point.
    units : numpy.ndarray of int32, shape (n,)
    lost_most : numpy.ndarray of float, shape (u,)
        The most people of each unit that may go unserved, of those among the n points; infinite
        without a floor.
    start_open : numpy.ndarray of bool, shape (m,)
        The closable ones, which stand open to begin with.
    people, unserved : float
        All people, and those whom no site at all can serve.
    standing : float
        Cost of the people left out, whom fixed sites serve.
    farthest : float
        The largest cost of any pair.
    choice : Choice
    """

    sites: Ints
    starts: Ints
    heads: Heads
    cost: Floats
    column_starts: Ints
    column_rows: Heads
    weights: Floats
    fixed: Floats
    units: Heads
    lost_most: Floats
    start_open: Bools
    people: float
    unserved: float
    standing: float
    farthest: float
    choice: Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a choice of sites is worth: people unserved first, then the cost of the others.

    Parameters
    ----------
    unserved : float
        People whom no open site serves.
    cost : float
        Sum over the people served, of what the nearest open site costs each.
    """

    unserved: float
    cost: float

    def better(self, other: Value | None, *, people: float) -> bool:
        """Return whether fewer go unserved, or as few at less cost.

        Examples
        --------
        >>> few, many = Value(unserved=1.0, cost=9.0), Value(unserved=2.0, cost=3.0)
        >>> few.better(many, people=10.0), many.better(few, people=10.0)
        (True, False)
        >>> few.better(None, people=10.0)
        True
        """
        if other is None:
            return True
        slack = SAME * people
        if abs(self.unserved - other.unserved) > slack:
            return self.unserved < other.unserved
        return self.cost < other.cost


def value_of(model: SitingModel, open_sites: Bools) -> Value:
    """Return what a choice of sites is worth.

    Parameters
    ----------
    model : SitingModel
    open_sites : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    Value

    Examples
    --------
    >>> import numpy as np
    >>> from servicecircle.siting.examples import three_sites
    >>> value_of(three_sites(), np.array([True, False, False]))
    Value(unserved=0.0, cost=6.0)
    >>> value_of(three_sites(), np.zeros(3, bool))
    Value(unserved=3.0, cost=0.0)
    """
    cost, site = nearest_open(model.pairs, open_sites)
    there = (site >= 0) & (model.weights > 0)
    return Value(
        unserved=float(model.weights[site < 0].sum()),
        cost=float(model.weights[there] @ cost[there]),
    )


@compiled()
def _useful(
    starts: Any,
    heads: Any,
    cost: Floats,
    weights: Floats,
    number: Ints,
    fixed: Floats,
    useful: Ints,
) -> None:
    """Fill in how many free sites each point has that beat what is fixed."""
    for at in range(useful.size):
        useful[at] = 0
        if weights[at] > 0.0:
            for pair in range(starts[at], starts[at + 1]):
                if number[heads[pair]] >= 0 and cost[pair] < fixed[at]:
                    useful[at] += 1


@compiled()
def _rows(  # noqa: PLR0913, PLR0917 - one kernel
    starts: Any, heads: Any, cost: Floats, number: Ints, fixed: Floats, points: Ints,
    row_starts: Ints, row_heads: Heads, row_cost: Floats,
) -> None:  # fmt: skip
    """Fill in the pairs of each point by cost, then by site."""
    for row in range(points.size):
        into = row_starts[row]
        for pair in range(starts[points[row]], starts[points[row] + 1]):
            if number[heads[pair]] >= 0 and cost[pair] < fixed[points[row]]:
                row_heads[into], row_cost[into] = number[heads[pair]], cost[pair]
                into += 1
        span = slice(row_starts[row], into)
        order = np.argsort(row_cost[span], kind="mergesort")
        row_heads[span], row_cost[span] = row_heads[span][order], row_cost[span][order]


@compiled()
def _columns(starts: Ints, heads: Heads, nexts: Ints, column_rows: Heads) -> None:
    """Fill in the points of each site, ascending; ``nexts`` is where each site's begin."""
    for row in range(starts.size - 1):
        for pair in range(starts[row], starts[row + 1]):
            column_rows[nexts[heads[pair]]] = row
            nexts[heads[pair]] += 1


def medians_of(model: SitingModel, goal: Goal) -> Medians:
    """Return the core of a p-median.

    Parameters
    ----------
    model : SitingModel
    goal : Goal

    Returns
    -------
    Medians

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> from servicecircle.siting.model import Goal
    >>> core = medians_of(three_sites(), Goal(objective="mean", sites=1))
    >>> core.sites.tolist(), core.fixed.tolist()  # the first point stands at the existing site
    ([1, 2], [2.0, 3.0])
    >>> core.cost.tolist()
    [1.0, 1.0, 2.0]
    >>> medians_of(three_sites(), Goal(objective="mean", sites=0)).weights.size
    2
    """
    choice = choice_of(model, goal)
    pairs, weights = model.pairs, model.weights
    free = choice.free & ~_too_close(model, choice)
    sites = np.flatnonzero(free)
    number = np.full(free.size, -1, np.int64)
    number[sites] = np.arange(sites.size)
    fixed = np.where(np.isnan(held := nearest_open(pairs, choice.fixed)[0]), np.inf, held)
    useful = np.empty(weights.size, np.int64)
    _useful(pairs.indptr, pairs.indices, pairs.data, weights, number, fixed, useful)
    points = np.flatnonzero(useful)
    starts = np.r_[0, np.cumsum(useful[points])].astype(np.int64)
    heads, cost = np.empty(starts[-1], np.int32), np.empty(starts[-1])
    _rows(pairs.indptr, pairs.indices, pairs.data, number, fixed, points, starts, heads, cost)
    column_starts = np.r_[0, np.cumsum(np.bincount(heads, minlength=sites.size))].astype(np.int64)
    column_rows = np.empty(heads.size, np.int32)
    _columns(starts, heads, column_starts[:-1].copy(), column_rows)
    left_out = weights > 0
    left_out[points] = False
    nothing = left_out & ~np.isfinite(fixed)
    stands = left_out & np.isfinite(fixed)
    return Medians(
        sites=sites,
        starts=starts,
        heads=heads,
        cost=cost,
        column_starts=column_starts,
        column_rows=column_rows,
        weights=weights[points],
        fixed=fixed[points],
        units=model.units[points].astype(np.int32),
        lost_most=_lost_most(model, nothing),
        start_open=choice.closable[sites],
        people=float(weights.sum()),
        unserved=float(weights[nothing].sum()),
        standing=float(weights[stands] @ fixed[stands]),
        farthest=float(pairs.data.max(initial=0.0)),
        choice=choice,
    )


def _too_close(model: SitingModel, choice: Choice) -> Bools:
    """Return which new candidates stand too close to a site that is open anyway."""
    # Existing ones stand as close to each other as they do.
    return beside(model, choice.fixed) & ~choice.existing


def _lost_most(model: SitingModel, nothing: Bools) -> Floats:
    """Return the most people of each unit that may go unserved besides those nothing serves."""
    held = model.units >= 0
    size = model.floors.size
    people = np.bincount(model.units[held], weights=model.weights[held], minlength=size)
    none = np.bincount(model.units[held & nothing], model.weights[held & nothing], minlength=size)
    slack = 1e-6 + SAME * people
    most = (1.0 - model.floors) * people - none + slack
    return np.where(np.isnan(model.floors), np.inf, most)


def spacing(model: SitingModel, core: Medians) -> csr_array:
    """Return which free sites clash with which, one way and the other."""
    number = np.full(model.cost.size, -1, np.int64)
    number[core.sites] = np.arange(core.sites.size)
    size = core.sites.size
    if not model.apart.size:
        return csr_array((size, size))
    one, two = number[model.apart[:, 0]], number[model.apart[:, 1]]
    existing = core.choice.existing
    binds = (one >= 0) & (two >= 0)
    binds &= ~(existing[model.apart[:, 0]] & existing[model.apart[:, 1]])
    ends = np.concatenate([one[binds], two[binds]]), np.concatenate([two[binds], one[binds]])
    clash = csr_array(coo_array((np.ones(ends[0].size), ends), shape=(size, size)))
    clash.sum_duplicates()
    return clash
