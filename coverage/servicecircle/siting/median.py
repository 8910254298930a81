"""Least mean cost of a person to the nearest open site (p-median), with a bound.

Two steps, one after the other: as few people unserved as can be, then the least cost of those
served. A good choice comes from openings and exchanges, a bound from Lagrangian prices, which also
decide most sites; HiGHS settles what they leave open.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.answers import gap_of, told
from servicecircle.siting.choice import allowed
from servicecircle.siting.highs import solve_mip
from servicecircle.siting.median_bound import Prices, Rules, find_prices
from servicecircle.siting.median_exact import remaining
from servicecircle.siting.median_first import Best, best_of, only_those_that_cover
from servicecircle.siting.median_search import rules_of, search_of
from servicecircle.siting.medians import medians_of
from servicecircle.siting.model import Answer, Goal, SitingModel

__all__ = ["solve_cover_then_mean", "solve_mean"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROUND = 400
"""Steps of prices between looks at what is proven."""
ROUNDS = 8
LEAST_GAIN = 0.02
"""Share of the gap that a round has to close for another one."""
MOST_PAIRS = 1_500_000
"""Pairs left up to which HiGHS is asked."""
EXACT = 1e-6
"""Relative gap that counts as closed."""


def solve_mean(
    model: SitingModel, goal: Goal, *, seconds: float = 60.0, gap: float = 0.0
) -> Answer:
    """Return the sites of least mean cost, those whom nobody serves counting first.

    Among all choices that leave as few people unserved as can be, the one of least mean cost of
    those served. The bound holds for every choice that leaves at most as many unserved as the
    answer: none has a smaller mean. ``steps`` tells both: people served with the most that any
    choice serves, and the mean with its bound; status is optimal only where both are proven.

    Parameters
    ----------
    model : SitingModel
        Checked; capacities are not looked at.
    goal : Goal
        ``sites`` or ``budget``, or both.
    seconds : float
        Of wall time.
    gap : float
        Relative gap of each step at which it may stop.

    Returns
    -------
    Answer
        NaN as objective where nobody at all is served.

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> answer = solve_mean(three_sites(), Goal(objective="mean", sites=1))
    >>> answer.open.tolist(), answer.objective, answer.bound, answer.status
    ([True, True, False], 1.3333333333333333, 1.3333333333333333, 'optimal')
    >>> answer.steps
    (('people', 3.0, 3.0), ('mean', 1.3333333333333333, 1.3333333333333333))
    """
    began = time.perf_counter()
    search = search_of(model, goal, medians_of(model, goal), until=began + seconds)
    first = best_of(search, until=began + seconds, gap=gap)
    if isinstance(first, Answer):
        return replace(first, seconds=time.perf_counter() - began)
    is_open, least_unserved, methods = first
    search, is_open = only_those_that_cover(search, is_open, until=began + seconds)
    best = Best(search)
    best.meet(is_open)
    bound, more = _second_step(best, until=began + seconds, gap=gap)
    return _told(best, least_unserved, bound, gap=gap, began=began, methods=[*methods, *more])


def solve_cover_then_mean(
    model: SitingModel, goal: Goal, *, seconds: float = 60.0, gap: float = 0.0
) -> Answer:
    """Return the sites that serve most people, and among such choices those of least mean cost.

    The same two steps as :func:`solve_mean`, which puts those unserved first as well.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    seconds, gap : float

    Returns
    -------
    Answer
        ``objective`` is the mean cost of those served; the people stand in ``steps``.

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> solve_cover_then_mean(three_sites(), Goal(objective="cover_then_mean", sites=1)).steps[0]
    ('people', 3.0, 3.0)
    """
    return solve_mean(model, goal, seconds=seconds, gap=gap)


def _second_step(best: Best, *, until: float, gap: float) -> tuple[float, list[str]]:
    """Return a bound of the core's cost over choices that leave no more unserved than the best."""
    core = best.search.core
    if not core.weights.size or not core.sites.size:
        return 0.0, []
    rules = rules_of(best.search)
    prices = _start_prices(best)
    penalty = PENALTIES[0] * core.farthest
    everybody = best.unserved <= best.slack
    if not everybody:
        now = time.perf_counter()
        prices, penalty = _penalty(best, rules, prices, until=now + (until - now) / 4.0)
    found: Prices | None = None
    # Everybody at the nearest of all sites.
    bound = float(core.weights @ core.cost[core.starts[:-1]]) if everybody else 0.0
    for _ in range(ROUNDS):
        before = best.cost - bound
        found = _prices(best, rules, prices, penalty, steps=ROUND, until=until, gap=gap)
        prices = found.prices
        bound = max(bound, _without_penalty(found, best))
        if _closed(best.cost, bound, gap) or time.perf_counter() > until:
            break
        if before - (best.cost - bound) < LEAST_GAIN * before:
            break
    methods = ["lagrange"]
    while not _closed(best.cost, bound, gap) and time.perf_counter() < until and found is not None:
        before = best.cost
        settled = _settle(best, found, until=until, gap=gap)
        if settled is None:
            break
        bound = max(bound, settled)
        methods = ["lagrange", "highs"]
        if best.cost >= before:
            break
    return min(bound, best.cost), methods


PENALTIES = (1e3, 1.0)
"""First tries of what a person unserved costs, times the largest cost: all served, or not."""


def _start_prices(best: Best) -> Floats:
    """Return prices to begin with: what the place of the second nearest site may cost."""
    core = best.search.core
    length = np.diff(core.starts)
    number = max(core.choice.sites, 1)
    at = core.starts[:-1] + np.minimum(2 * length // max(number, 2), length - 1)
    return np.asarray(core.weights * core.cost[at], np.float64)


def _prices(
    best: Best,
    rules: Rules,
    prices: Floats,
    penalty: float,
    *,
    steps: int,
    until: float,
    gap: float = 0.0,
) -> Prices:
    return find_prices(
        best.search.core,
        rules,
        prices=prices,
        penalty=penalty,
        target=best.cost + penalty * best.unserved,
        steps=steps,
        until=until,
        gap=gap,
        seen=lambda chosen, _: _seen(best, chosen),
    )


def _seen(best: Best, chosen: Bools) -> None:
    """Begin an exchange from a choice that prices suggest, if it obeys the rules."""
    search = best.search
    whole = search.core.choice.fixed.copy()
    whole[search.core.sites[chosen]] = True
    if allowed(search.model, search.goal, whole):
        best.meet(chosen)
        best.refine(chosen)


def _without_penalty(found: Prices, best: Best) -> float:
    """Return the bound of the cost alone, for choices that leave no more unserved."""
    return found.bound - found.penalty * max(best.unserved, 0.0)


def _penalty(best: Best, rules: Rules, prices: Floats, *, until: float) -> tuple[Floats, float]:
    """Return the penalty with which the bound is best: it rises and falls once."""
    penalty = PENALTIES[1] * best.search.core.farthest
    tried: dict[float, tuple[float, Floats]] = {}

    def bound(value: float) -> float:
        if value not in tried:
            found = _prices(best, rules, prices, value, steps=150, until=until)
            tried[value] = (_without_penalty(found, best), found.prices)
        return tried[value][0]

    factor = 4.0
    for _ in range(10):
        here, up, down = bound(penalty), bound(penalty * factor), bound(penalty / factor)
        if up > here and up >= down:
            penalty *= factor
        elif down > here:
            penalty /= factor
        else:
            factor = np.sqrt(factor)
        if factor < 1.1 or time.perf_counter() > until:  # noqa: PLR2004 - near enough
            break
    penalty = max(tried, key=lambda value: tried[value][0])
    return tried[penalty][1], penalty


def _settle(best: Best, found: Prices, *, until: float, gap: float) -> float | None:
    """Return the bound that HiGHS proves of what prices leave open; None if it is too much."""
    core = best.search.core
    selected = found.selected
    target = best.cost + found.penalty * max(best.unserved, 0.0)
    decided = found.bound + selected.rise > target + 1e-9 * abs(target)
    unserved = max(best.unserved, 0.0) + best.slack
    left = remaining(
        best.search.model,
        best.search.goal,
        core,
        shut=decided & (selected.share <= 0.0),
        forced=decided & (selected.share >= 1.0),
        incumbent=best.open if best.open is not None else np.zeros(core.sites.size, np.bool_),
        unserved_most=unserved if not np.all(np.isfinite(core.fixed)) else np.inf,
        penalty=core.farthest,
        most=MOST_PAIRS,
    )
    if left is None:
        return None
    answer = solve_mip(
        left.mip, start=left.start, seconds=until - time.perf_counter(), gap=gap / 2.0
    )
    if answer.status == "infeasible":
        # Nothing but what is decided already can be as good.
        return best.cost
    if answer.values is not None:
        chosen = left.forced.copy()
        chosen[left.sites] = answer.values[: left.sites.size] > 0.5  # noqa: PLR2004 - 0 or 1
        best.meet(chosen)
    if not np.isfinite(answer.bound):
        return None
    whole = left.base + answer.bound / left.scale
    return min(whole - core.farthest * max(best.unserved, 0.0), best.cost)


def _closed(cost: float, bound: float, gap: float) -> bool:
    return cost - bound <= max(gap, EXACT) * abs(cost)


def _told(
    best: Best,
    least_unserved: float,
    bound: float,
    *,
    gap: float,
    began: float,
    methods: list[str],
) -> Answer:
    """Return the answer with both steps."""
    core, value = best.search.core, best.value
    assert value is not None
    assert best.open is not None
    whole = core.choice.fixed.copy()
    whole[core.sites[best.open]] = True
    served, most = core.people - value.unserved, core.people - least_unserved
    most = max(most, served)
    mean = value.cost / served if served > best.slack else np.nan
    least = min((bound + core.standing) / most, mean) if served > best.slack else np.nan
    steps = (("people", served, most), ("mean", mean, least))
    first_done = gap_of(served, most) <= max(gap, EXACT)
    done = np.isnan(mean) or mean - least <= max(gap, EXACT) * abs(mean)
    answer = told(
        best.search.model,
        whole,
        objective=mean,
        bound=least,
        status="optimal" if first_done and done else "feasible",
        seconds=time.perf_counter() - began,
        method="+".join(dict.fromkeys("+".join(methods).split("+"))),
    )
    return replace(answer, steps=steps)
