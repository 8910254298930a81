"""Lagrangian bound of the p-median, and the choices met on the way.

Each point may be served once; that rule is relaxed, and a point pays a price instead for every
chosen site that takes it. What is left falls apart by site: with prices given, the best choice is
the sites that are worth most, and its value is a lower bound of every choice (Cornuejols, Fisher
and Nemhauser 1977). Prices move along the subgradient with the step of Held, Wolfe and Crowder
1974. Prices also prove that some sites are in every better choice and some in none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.median_kernels import prices_pass, served_pass
from servicecircle.siting.medians import Medians

__all__ = ["Prices", "Rules", "Selected", "find_prices", "select"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PATIENCE = 30
"""Steps without a better bound after which steps are halved."""
LEAST_STEP = 1e-4
MEMORY = 0.6
"""Share of the last direction that the next one keeps, against zigzag."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rules:
    """What the relaxed choice keeps of the rules on sites: enough for a bound.

    Parameters
    ----------
    sites : int
        At most so many of the free ones.
    site_cost : numpy.ndarray of float, shape (m,)
    budget : float
    group : numpy.ndarray of int64, shape (m,)
        Group of each site, -1 for none.
    least : numpy.ndarray of int64, shape (g,)
        Least number of open sites in each group (presence of units, or closable ones that stay).
    """

    sites: int
    site_cost: Floats
    budget: float
    group: Ints
    least: Ints


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Selected:
    """The best choice by what opening each site is worth.

    Parameters
    ----------
    worth : float
        Sum over the choice.
    share : numpy.ndarray of float, shape (m,)
        How far each is chosen; at most one of them in part, where a budget binds.
    rise : numpy.ndarray of float, shape (m,)
        How much the sum rises at least when this site is forced in, or out if it is chosen.
    """

    worth: float
    share: Floats
    rise: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Prices:
    """The best prices found, and the bound that they prove.

    Parameters
    ----------
    bound : float
        No choice costs less, with ``penalty`` for each person unserved.
    prices : numpy.ndarray of float, shape (n,)
    penalty : float
    selected : Selected
        At these prices.
    steps : int
    """

    bound: float
    prices: Floats
    penalty: float
    selected: Selected
    steps: int


def select(worth: Floats, rules: Rules) -> Selected:
    """Return the choice of least worth under the rules.

    Parameters
    ----------
    worth : numpy.ndarray of float, shape (m,)
        Of opening each site, 0 or less.
    rules : Rules

    Returns
    -------
    Selected
        With a budget, of the relaxation that may open one site in part.

    Examples
    --------
    >>> import numpy as np
    >>> rules = Rules(sites=2, site_cost=np.ones(3), budget=np.inf,
    ...               group=np.array([0, -1, -1]), least=np.array([1]))
    >>> best = select(np.array([-1.0, -5.0, -3.0]), rules)
    >>> best.worth, best.share.tolist(), best.rise.tolist()
    (-6.0, [1.0, 1.0, 0.0], [inf, 2.0, 2.0])
    >>> cheap = Rules(sites=3, site_cost=np.array([1.0, 2.0, 2.0]), budget=2.0,
    ...               group=np.full(3, -1), least=np.empty(0, int))
    >>> best = select(np.array([-3.0, -4.0, 0.0]), cheap)
    >>> best.worth, best.share.tolist(), best.rise.tolist()
    (-5.0, [1.0, 0.5, 0.0], [1.0, 0.0, 4.0])
    >>> select(np.empty(0), Rules(sites=0, site_cost=np.empty(0), budget=np.inf,
    ...                           group=np.empty(0, int), least=np.empty(0, int))).worth
    0.0
    """
    by_number = _by_number(worth, rules)
    if np.isinf(rules.budget) or rules.site_cost.sum() <= rules.budget:
        return by_number
    by_money = _by_money(worth, rules)
    return by_money if by_money.worth > by_number.worth else by_number


def _by_number(worth: Floats, rules: Rules) -> Selected:
    """Return the best choice of so many, each group having its least: a matroid, so greedy."""
    count, most = worth.size, max(min(rules.sites, worth.size), 0)
    chosen, forced = np.zeros(count, np.bool_), np.full(count, -1, np.int64)
    for group in np.flatnonzero(rules.least > 0):
        members = np.flatnonzero(rules.group == group)
        best = members[np.argsort(worth[members], kind="stable")[: rules.least[group]]]
        chosen[best], forced[best] = True, group
    rest = np.flatnonzero(~chosen)
    take = rest[np.argsort(worth[rest], kind="stable")[: max(most - int(chosen.sum()), 0)]]
    chosen[take] = True
    out = ~chosen
    freely = chosen & (forced < 0)
    # Forced in, a site pushes out the least worthy that may go; forced out, the best one comes in.
    last = worth[freely].max(initial=-np.inf)
    following = min(worth[out].min(initial=0.0), 0.0)
    push = np.full(count, last)
    come = np.full(count, following)
    for group in np.flatnonzero(rules.least > 0):
        inside = rules.group == group
        mine = forced == group
        push[inside] = max(last, worth[mine].max(initial=-np.inf))
        if not np.any(inside & freely):
            come[mine] = worth[inside & out].min(initial=np.inf)
    if chosen.sum() < most:
        push[:] = 0.0
    rise = np.where(chosen, come - worth, worth - push)
    return Selected(
        worth=float(worth[chosen].sum()), share=chosen.astype(float), rise=np.maximum(rise, 0.0)
    )


def _by_money(worth: Floats, rules: Rules) -> Selected:
    """Return the choice of most worth for the money, the last one bought in part."""
    cost = rules.site_cost
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(worth < 0, np.where(cost > 0, worth / cost, -np.inf), 0.0)
    order = np.argsort(ratio, kind="stable")
    share, left, price = np.zeros(worth.size), rules.budget, 0.0
    spent = np.cumsum(cost[order])
    whole = int(np.searchsorted(spent, left, side="right"))
    share[order[:whole]] = 1.0
    if whole < order.size:
        last = order[whole]
        left -= spent[whole - 1] if whole else 0.0
        share[last] = max(left, 0.0) / cost[last]
        price = -float(ratio[last])
    reduced = worth + price * cost
    rise = np.where(share >= 1.0, -reduced, np.where(share > 0.0, 0.0, reduced))
    return Selected(worth=float(worth @ share), share=share, rise=np.maximum(rise, 0.0))


def find_prices(  # noqa: PLR0913 - a core, its rules, where to start and when to stop
    core: Medians,
    rules: Rules,
    *,
    prices: Floats,
    penalty: float,
    target: float,
    steps: int,
    until: float,
    gap: float = 0.0,
    seen: Callable[[Bools, float], None] | None = None,
) -> Prices:
    """Return prices with the best bound that a number of steps finds.

    Parameters
    ----------
    core : Medians
    rules : Rules
    prices : numpy.ndarray of float, shape (n,)
        To begin with.
    penalty : float
        Cost of a person whom no site serves.
    target : float
        Cost of a known choice, penalties included, towards which steps are taken.
    steps : int
    until : float
        ``time.perf_counter`` after which it ends.
    gap : float
        Share of ``target`` at which it may end.
    seen : callable, optional
        Told each whole choice that is cheaper than those before, and its cost.

    Returns
    -------
    Prices
    """
    fallback = np.where(np.isfinite(core.fixed), core.fixed, penalty)
    most, least = core.weights * fallback, core.weights * core.cost[core.starts[:-1]]
    now = np.clip(prices, least, most)
    worth, times = np.empty(core.sites.size), np.empty(core.weights.size)
    best: Prices | None = None
    direction: Floats | None = None
    scale, waited, cheapest = 1.0, 0, np.inf
    done = 0
    while True:
        prices_pass(core.starts, core.heads, core.cost, core.weights, now, worth)
        selected = select(worth, rules)
        bound = float(now.sum()) + selected.worth
        nearest = fallback.copy()
        served_pass(
            core.starts, core.heads, core.cost, core.weights, now, selected.share, times, nearest
        )
        paid = float(core.weights @ nearest)
        if seen is not None and paid < cheapest:
            cheapest = paid
            seen(selected.share >= 1.0, paid)
        target = min(target, paid)
        if best is None or bound > best.bound:
            if best is None or bound > best.bound + 1e-5 * abs(target - best.bound):
                waited = 0
            best = Prices(
                bound=bound, prices=now.copy(), penalty=penalty, selected=selected, steps=done
            )
        else:
            waited += 1
        if waited > PATIENCE:
            scale, waited, now = scale / 2.0, 0, best.prices
            direction = None
        done += 1
        if (
            done >= steps
            or scale < LEAST_STEP
            or best.bound >= target * (1.0 - gap) - 1e-9 * abs(target)
            or time.perf_counter() > until
        ):
            break
        slope = 1.0 - times
        direction = slope if direction is None else (1 - MEMORY) * slope + MEMORY * direction
        length = float(core.weights @ (direction * direction))
        if length <= 0.0:
            break
        step = scale * max(target - bound, 1e-6 * abs(target)) / length
        now = np.clip(now + step * core.weights * direction, least, most)
    return Prices(
        bound=best.bound, prices=best.prices, penalty=penalty, selected=best.selected, steps=done
    )
