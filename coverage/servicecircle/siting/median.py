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

from servicecircle.siting.answers import gap_of, nearest_open, no_answer, told
from servicecircle.siting.choice import allowed
from servicecircle.siting.covering import unmet_floors
from servicecircle.siting.highs import solve_mip
from servicecircle.siting.median_bound import Prices, Rules, find_prices
from servicecircle.siting.median_exact import remaining
from servicecircle.siting.median_search import Search, first_open, improve, search_of, worth_of
from servicecircle.siting.medians import SAME, Value, medians_of
from servicecircle.siting.model import Answer, Goal, SitingModel

__all__ = ["best_of", "keeps_rules", "only_those_that_cover", "solve_cover_then_mean", "solve_mean"]

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
    >>> from servicecircle.siting.choice import _example
    >>> answer = solve_mean(_example(), Goal(objective="mean", sites=1))
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
    best = _Best(search)
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
    >>> from servicecircle.siting.choice import _example
    >>> solve_cover_then_mean(_example(), Goal(objective="cover_then_mean", sites=1)).steps[0]
    ('people', 3.0, 3.0)
    """
    return solve_mean(model, goal, seconds=seconds, gap=gap)


def best_of(search: Search, *, until: float, gap: float) -> tuple[Bools, float, list[str]] | Answer:
    """Return a good choice that leaves as few people unserved as can be.

    Parameters
    ----------
    search : Search
    until : float
        ``time.perf_counter``; where not everybody can be served, half of the time is taken.
    gap : float
        Relative gap of the people served.

    Returns
    -------
    open : numpy.ndarray of bool, shape (m,)
    least_unserved : float
        Proven: no choice leaves fewer people of the model unserved.
    methods : list of str

    Or an answer that says why there is none.
    """
    core = search.core
    best = _Best(search)
    start = first_open(search)
    if start is not None:
        best.meet(improve(search, start))
        if np.isfinite(core.choice.budget):
            best.meet(improve(search, start, by_ratio=True))
    methods = ["greedy", "exchange"]
    least = core.unserved
    if best.value is None or best.unserved > best.slack:
        seconds = (until - time.perf_counter()) / 2
        first = _first_step(search.model, search.goal, seconds=seconds, gap=gap)
        methods.append(first.method)
        if first.status == "infeasible":
            return first
        if np.isfinite(first.bound):
            least = max(least, core.people - first.bound)
        if first.status != "no_answer":
            best.meet(first.open[core.sites])
            best.refine(first.open[core.sites])
    if best.open is None:
        return no_answer(
            search.model,
            status="no_answer",
            bound=0.0,
            seconds=0.0,
            method="+".join(methods),
        )
    return best.open, least, methods


def keeps_rules(search: Search, is_open: Bools) -> bool:
    """Return whether a choice obeys the rules on sites, and the floors of units.

    Parameters
    ----------
    search : Search
    is_open : numpy.ndarray of bool, shape (m,)

    Returns
    -------
    bool
    """
    model, core = search.model, search.core
    whole = core.choice.fixed.copy()
    whole[core.sites[is_open]] = True
    if not allowed(model, search.goal, whole):
        return False
    if not np.any(model.floors > 0):
        return True
    _, site = nearest_open(model.pairs, whole)
    return not unmet_floors(model, site >= 0).size


class _Best:
    """The best choice met so far, and what to compare others with."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.open: Bools | None = None
        self.value: Value | None = None
        self.slack = SAME * search.core.people

    def meet(self, is_open: Bools) -> bool:
        """Keep a choice if it obeys everything and is better; return whether it is."""
        value = worth_of(self.search, is_open)
        if not value.better(self.value, people=self.search.core.people):
            return False
        if not keeps_rules(self.search, is_open):
            return False
        self.open, self.value = is_open.copy(), value
        return True

    def refine(self, is_open: Bools) -> None:
        """Exchange from a choice on, without leaving more people unserved than the best does."""
        if self.value is not None:
            most = self.value.unserved - self.search.core.unserved + self.slack
            self.meet(improve(self.search, is_open, unserved_most=most))

    @property
    def unserved(self) -> float:
        """People of the core whom the best choice leaves unserved."""
        return 0.0 if self.value is None else self.value.unserved - self.search.core.unserved

    @property
    def cost(self) -> float:
        """Cost of the people of the core whom the best choice serves."""
        return np.inf if self.value is None else self.value.cost - self.search.core.standing


def _first_step(model: SitingModel, goal: Goal, *, seconds: float, gap: float) -> Answer:
    """Return the choice that serves most people, which is another model."""
    from servicecircle.siting.solve import solve  # it calls this module

    return solve(model, replace(goal, objective="cover"), seconds=max(seconds, 0.05), gap=gap)


def only_those_that_cover(search: Search, is_open: Bools, *, until: float) -> tuple[Search, Bools]:
    """Return the same choice in a smaller core, without sites that would leave more unserved.

    The prices of people served, each counting alike, prove that a choice with such a site leaves
    more of them unserved than this one does.

    Parameters
    ----------
    search : Search
    is_open : numpy.ndarray of bool, shape (m,)
        A choice that obeys all rules.
    until : float
        ``time.perf_counter``; a quarter of the time is taken.

    Returns
    -------
    search : Search
        The same one where everybody is served who can be.
    open : numpy.ndarray of bool
    """
    core, best = search.core, _Best(search)
    best.meet(is_open)
    if best.unserved <= best.slack:
        return search, is_open
    flat = replace(
        core,
        cost=np.zeros(core.cost.size),
        fixed=np.where(np.isfinite(core.fixed), 0.0, np.inf),
    )
    found = find_prices(
        flat,
        _rules(search),
        prices=0.5 * core.weights,
        penalty=1.0,
        target=best.unserved,
        steps=ROUND,
        until=time.perf_counter() + (until - time.perf_counter()) / 4.0,
    )
    selected = found.selected
    out = found.bound + selected.rise > best.unserved + best.slack
    out &= (selected.share <= 0.0) & ~core.choice.existing[core.sites] & ~is_open
    forbidden = search.model.forbidden.copy()
    forbidden[core.sites[out]] = True
    model = replace(search.model, forbidden=forbidden)
    less = search_of(model, search.goal, medians_of(model, search.goal), until=search.until)
    opened = np.zeros(forbidden.size, np.bool_)
    opened[core.sites[is_open]] = True
    return less, opened[less.core.sites]


def _second_step(best: _Best, *, until: float, gap: float) -> tuple[float, list[str]]:
    """Return a bound of the core's cost over choices that leave no more unserved than the best."""
    core = best.search.core
    if not core.weights.size or not core.sites.size:
        return 0.0, []
    rules = _rules(best.search)
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


def _rules(search: Search) -> Rules:
    """Return the rules on sites that a bound keeps; the others only make it smaller."""
    core, model = search.core, search.model
    closable = core.choice.closable[core.sites]
    if closable.any():
        group = np.where(closable, 0, -1)
        least = np.array([max(int(closable.sum()) - core.choice.closed_most, 0)])
    else:
        group, least = model.site_units[core.sites], search.presence
    return Rules(
        sites=core.choice.sites,
        site_cost=np.where(core.choice.existing, 0.0, model.cost)[core.sites],
        budget=core.choice.budget,
        group=group.astype(np.int64),
        least=least.astype(np.int64),
    )


def _start_prices(best: _Best) -> Floats:
    """Return prices to begin with: what the place of the second nearest site may cost."""
    core = best.search.core
    length = np.diff(core.starts)
    number = max(core.choice.sites, 1)
    at = core.starts[:-1] + np.minimum(2 * length // max(number, 2), length - 1)
    return np.asarray(core.weights * core.cost[at], np.float64)


def _prices(
    best: _Best,
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


def _seen(best: _Best, chosen: Bools) -> None:
    """Begin an exchange from a choice that prices suggest, if it obeys the rules."""
    search = best.search
    whole = search.core.choice.fixed.copy()
    whole[search.core.sites[chosen]] = True
    if allowed(search.model, search.goal, whole):
        best.meet(chosen)
        best.refine(chosen)


def _without_penalty(found: Prices, best: _Best) -> float:
    """Return the bound of the cost alone, for choices that leave no more unserved."""
    return found.bound - found.penalty * max(best.unserved, 0.0)


def _penalty(best: _Best, rules: Rules, prices: Floats, *, until: float) -> tuple[Floats, float]:
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


def _settle(best: _Best, found: Prices, *, until: float, gap: float) -> float | None:
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
    best: _Best,
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
