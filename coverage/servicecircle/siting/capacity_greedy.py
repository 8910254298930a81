"""A first choice of sites with capacities: again and again the one that serves most more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.siting.choice import choice_of
from servicecircle.siting.model import Goal, SitingModel

__all__ = ["greedy_flows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@compiled()
def _reachable(starts: Ints, points: Ints, most: Floats, left: Floats, sums: Floats) -> None:
    """Fill in how many people still unserved each site reaches."""
    for site in range(sums.size):
        sums[site] = 0.0
        for pair in range(starts[site], starts[site + 1]):
            sums[site] += min(left[points[pair]], most[pair])


@compiled()
def _fill(first: int, last: int, points: Ints, most: Floats, room: float, left: Floats,
          flow: Floats) -> None:  # fmt: skip
    """Let a site take its people, the nearest first, as long as it has room."""
    for pair in range(first, last):
        taken = min(left[points[pair]], most[pair], room)
        flow[pair] += taken
        left[points[pair]] -= taken
        room -= taken


def greedy_flows(
    model: SitingModel, goal: Goal, point: Ints, site: Ints, cost: Floats, most: Floats
) -> tuple[Bools, Floats]:
    """Return open sites and the people along each pair, by the most people served at a time.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
        With ``fewest``, sites are opened until its share of people is served; with floors, until
        nobody more can be.
    point, site : numpy.ndarray of int64, shape (k,)
        Pairs that may be used.
    cost, most : numpy.ndarray of float, shape (k,)
        Of each pair, and the most people along it.

    Returns
    -------
    open : numpy.ndarray of bool, shape (c,)
        Obeys the number of sites, the budget and the spacing, not presence.
    flow : numpy.ndarray of float, shape (k,)

    Examples
    --------
    >>> import numpy as np
    >>> from servicecircle.siting.examples import three_sites
    >>> sites, points = np.array([0, 1, 2]), np.array([0, 0, 0])
    >>> opened, flow = greedy_flows(three_sites(), Goal(objective="cover", sites=1), points, sites,
    ...                             np.array([1.0, 2.0, 3.0]), np.array([0.4, 0.5, 0.6]))
    >>> opened.tolist(), flow.tolist()
    ([True, False, True], [0.4, 0.0, 0.6])
    >>> none = np.empty(0, int)
    >>> greedy_flows(three_sites(), Goal(objective="cover", sites=1), none, none, np.empty(0),
    ...              np.empty(0))[0].tolist()
    [True, False, False]
    """
    choice = choice_of(model, goal)
    order = np.lexsort((point, cost, site))
    points, tops = point[order], most[order]
    starts = np.searchsorted(site[order], np.arange(model.cost.size + 1)).astype(np.int64)
    left, flow = model.weights.astype(np.float64), np.zeros(point.size)
    clashes = np.zeros(model.cost.size, np.bool_)
    is_open = choice.fixed | choice.closable
    price = np.where(choice.existing, 0.0, model.cost)
    ratio = np.isfinite(choice.budget) or goal.by_cost
    money, slots = choice.budget, choice.sites - int(np.count_nonzero(choice.closable))
    for chosen in np.flatnonzero(is_open).tolist():
        _open(chosen, starts, points, tops, model, left, flow)
        _close_by(model, chosen, clashes)
    sums = np.empty(model.cost.size)
    enough = 0.0
    if goal.objective == "fewest" and not np.any(model.floors > 0):
        enough = (1.0 - goal.share) * float(model.weights.sum())
    while slots > 0 and left.sum() > enough:
        _reachable(starts, points, tops, left, sums)
        gain = np.minimum(sums, model.capacity)
        gain[is_open | clashes | ~choice.free | (price > money)] = 0.0
        if not np.any(gain > 0):
            break
        best = int(np.argmax(gain / np.maximum(price, 1e-12) if ratio else gain))
        is_open[best] = True
        slots, money = slots - 1, money - price[best]
        _open(best, starts, points, tops, model, left, flow)
        _close_by(model, best, clashes)
    back = np.empty(point.size)
    back[order] = flow
    return is_open, back


def _open(
    site: int, starts: Ints, points: Ints, most: Floats, model: SitingModel, left: Floats,
    flow: Floats,
) -> None:  # fmt: skip
    room = float(model.capacity[site])
    _fill(int(starts[site]), int(starts[site + 1]), points, most, room, left, flow)


def _close_by(model: SitingModel, site: int, clashes: Bools) -> None:
    if model.apart.size:
        clashes[model.apart[model.apart[:, 0] == site, 1]] = True
        clashes[model.apart[model.apart[:, 1] == site, 0]] = True
