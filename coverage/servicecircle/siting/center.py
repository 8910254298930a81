"""Least cost of the person worst off (p-center), exact by bisection.

The answer is one of the costs of the pairs. For each cost tried, HiGHS says whether some choice
serves everybody within it, as a set covering does (Minieka 1970). As with the mean, those whom
nobody reaches within the limit come first: as few of them as can be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack, vstack

from servicecircle.siting.answers import gap_of, nearest_open, told
from servicecircle.siting.choice import site_rows
from servicecircle.siting.highs import Mip, MipAnswer, solve_mip
from servicecircle.siting.median_exact import whole_most
from servicecircle.siting.median_first import best_of, keeps_rules, only_those_that_cover
from servicecircle.siting.median_search import Search, first_open, improve, search_of, worth_of
from servicecircle.siting.medians import SAME, Medians, medians_of
from servicecircle.siting.model import Answer, Goal, SitingModel

__all__ = ["solve_worst"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

POWER = 8
"""The mean of costs to this power is small where the largest of them is."""
EXACT = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Found:
    """The best choice so far, and what is known of the worst cost."""

    open: Bools
    worst: float
    unserved: float


def solve_worst(
    model: SitingModel, goal: Goal, *, seconds: float = 60.0, gap: float = 0.0
) -> Answer:
    """Return the sites with the least cost of the person worst off.

    Among all choices that leave as few people unserved as can be, the one whose person worst off,
    of those served, has the least cost. Points without people do not count. ``steps`` tells both:
    people served with the most that any choice serves, and the worst cost with its bound.

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
    >>> answer = solve_worst(three_sites(), Goal(objective="worst", sites=1))
    >>> answer.open.tolist(), answer.objective, answer.bound, answer.status
    ([True, True, False], 2.0, 2.0, 'optimal')
    """
    began = time.perf_counter()
    until = began + seconds
    core = medians_of(model, goal)
    search = search_of(model, goal, core, until=until)
    known = best_of(search, until=until, gap=gap)
    if isinstance(known, Answer):
        return replace(known, seconds=time.perf_counter() - began)
    is_open, least_unserved, methods = known
    search, is_open = only_those_that_cover(search, is_open, until=until)
    core = search.core
    best = _met(search, is_open)
    for start in (is_open, first_open(search)):
        if start is not None:
            evened = _evened(search, start, best.unserved)
            if keeps_rules(search, evened):
                best = _better(search, best, _met(search, evened))
    low = _least(search, best.unserved)
    stuck = False
    costs = _costs(model, core, low, best.worst)
    while costs.size > 1 and time.perf_counter() < until:
        middle = costs[(costs.size - 1) // 2]
        if not stuck and gap_of(best.worst, low) <= gap:
            break
        left = (until - time.perf_counter()) / 2.0
        answer = solve_mip(_within(search, middle, best.unserved), seconds=left)
        if answer.values is not None:
            best = _better(search, best, _met(search, _chosen(core, answer)))
            costs = costs[costs <= min(best.worst, middle)]
        elif answer.status == "infeasible":
            costs = costs[costs > middle]
            if not stuck:
                low = float(costs[0])
        else:
            # Unknown: the bound stays, a better choice may still be found above.
            stuck, costs = True, costs[costs > middle]
    if not stuck and costs.size == 1 and best.worst <= costs[0]:
        low = best.worst
    low = np.nan if np.isnan(best.worst) else min(low, best.worst)
    return _told(search, best, low, least_unserved, gap=gap, began=began, methods=methods)


def _met(search: Search, is_open: Bools) -> _Found:
    """Return a choice with its worst cost and the people it leaves unserved."""
    whole = search.core.choice.fixed.copy()
    whole[search.core.sites[is_open]] = True
    cost, site = nearest_open(search.model.pairs, whole)
    there = (site >= 0) & (search.model.weights > 0)
    worst = float(cost[there].max()) if there.any() else np.nan
    return _Found(open=is_open, worst=worst, unserved=worth_of(search, is_open).unserved)


def _better(search: Search, one: _Found, other: _Found) -> _Found:
    """Return the choice of the smaller worst cost, if it leaves no more unserved."""
    slack = SAME * search.core.people
    if other.unserved <= one.unserved + slack and other.worst < one.worst:
        return other
    return one


def _evened(search: Search, is_open: Bools, unserved: float) -> Bools:
    """Return a choice with a small worst cost: exchanges with the costs to a high power.

    All points count alike in them, so that it may break a floor.
    """
    core = search.core
    scale = max(core.farthest, 1e-300)
    bent = replace(
        core,
        cost=(core.cost / scale) ** POWER,
        fixed=np.where(np.isfinite(core.fixed), core.fixed / scale, np.inf) ** POWER,
        weights=np.ones(core.weights.size),
    )
    alone = ~np.isfinite(core.fixed)
    power = replace(search, core=bent, fallback=np.where(alone, 1e3, bent.fixed))
    after = improve(power, is_open)
    slack = SAME * core.people
    return after if worth_of(search, after).unserved <= unserved + slack else is_open


def _least(search: Search, unserved: float) -> float:
    """Return a worst cost that no choice can do without: of the nearest of all sites.

    It is that of everybody who is served in any choice: those whom fixed sites serve, and all who
    can be served where nobody of them may go unserved.
    """
    core, model = search.core, search.model
    _, site = nearest_open(model.pairs, core.choice.fixed)
    there = site >= 0
    least, site = nearest_open(model.pairs, _usable(core))
    if unserved - core.unserved <= SAME * core.people:
        there = site >= 0
    there &= model.weights > 0
    return float(least[there].max(initial=0.0))


def _usable(core: Medians) -> Bools:
    """Return the sites that are open in some choice: those too close to a fixed one are not."""
    usable = core.choice.fixed.copy()
    usable[core.sites] = True
    return usable


def _costs(model: SitingModel, core: Medians, low: float, high: float) -> Floats:
    """Return the costs that the worst can be, ascending."""
    reach = _usable(core)
    row = np.repeat(np.arange(model.weights.size), np.diff(model.pairs.indptr))
    held = reach[model.pairs.indices] & (model.weights[row] > 0)
    held &= (model.pairs.data >= low) & (model.pairs.data <= high)
    return np.asarray(np.unique(model.pairs.data[held]), np.float64)


def _within(search: Search, limit: float, unserved: float) -> Mip:
    """Return the model that asks for a choice that serves everybody within a cost.

    With people whom nobody serves, as few as are known to be needed may be more than that away: a
    choice that leaves no more people beyond ``limit`` than it has to leave beyond reach leaves the
    same ones.
    """
    core, model = search.core, search.model
    needy = core.fixed > limit
    row = np.repeat(np.arange(needy.size), np.diff(core.starts))
    use = needy[row] & (core.cost <= limit)
    sets = csr_array(
        coo_array((np.ones(int(use.sum())), (row[use], core.heads[use])),
                  shape=(needy.size, core.sites.size))
    )  # fmt: skip
    may_miss = unserved - core.unserved > SAME * core.people
    alone = np.flatnonzero(needy & ~np.isfinite(core.fixed)) if may_miss else np.empty(0, int)
    points = np.flatnonzero(needy)
    place = np.full(needy.size, -1, np.int64)
    place[points] = np.arange(points.size)
    missed = csr_array(
        coo_array((np.ones(alone.size), (place[alone], np.arange(alone.size))),
                  shape=(points.size, alone.size))
    )  # fmt: skip
    parts = [csr_array(hstack([sets[points], missed], format="csr"))]
    lower, upper = [np.ones(points.size)], [np.full(points.size, np.inf)]
    for those, most in _missing(core, alone, unserved):
        scale = 1.0 / (float(core.weights[alone[those]].max(initial=0.0)) or 1.0)
        line = np.where(those, core.weights[alone] * scale, 0.0)
        parts.append(csr_array(np.r_[np.zeros(core.sites.size), line][None, :]))
        lower.append(np.array([-np.inf]))
        upper.append(np.array([most * scale]))
    rules = site_rows(model, search.goal)
    shift = rules.rows @ core.choice.fixed.astype(float)
    over = csr_array(rules.rows.tocsc()[:, core.sites])
    parts.append(csr_array(hstack([over, csr_array((over.shape[0], alone.size))], format="csr")))
    columns = core.sites.size + alone.size
    return Mip(
        cost=np.zeros(columns),
        lower=np.zeros(columns),
        upper=np.ones(columns),
        integer=np.r_[np.ones(core.sites.size, np.bool_), np.zeros(alone.size, np.bool_)],
        rows=csr_array(vstack(parts, format="csr")),
        row_lower=np.concatenate([*lower, rules.lower - shift]),
        row_upper=np.concatenate([*upper, rules.upper - shift]),
    )


def _missing(core: Medians, alone: Ints, unserved: float) -> list[tuple[Bools, float]]:
    """Return who may go unserved and how many of them: of all, and of units with a floor."""
    if not alone.size:
        return []
    slack = SAME * core.people
    most = whole_most(unserved - core.unserved + slack, core.weights[alone])
    told: list[tuple[Bools, float]] = [(np.ones(alone.size, np.bool_), most)]
    told += [
        (core.units[alone] == unit, float(core.lost_most[unit]))
        for unit in np.flatnonzero(np.isfinite(core.lost_most))
    ]
    return told


def _chosen(core: Medians, answer: MipAnswer) -> Bools:
    assert answer.values is not None
    return np.asarray(answer.values[: core.sites.size] > 0.5, np.bool_)  # noqa: PLR2004 - 0 or 1


def _told(
    search: Search,
    best: _Found,
    low: float,
    least_unserved: float,
    *,
    gap: float,
    began: float,
    methods: list[str],
) -> Answer:
    core = search.core
    whole = core.choice.fixed.copy()
    whole[core.sites[best.open]] = True
    served = core.people - best.unserved
    most = max(core.people - least_unserved, served)
    done = gap_of(served, most) <= max(gap, EXACT) and (
        np.isnan(best.worst) or gap_of(best.worst, low) <= max(gap, EXACT)
    )
    answer = told(
        search.model,
        whole,
        objective=best.worst,
        bound=low,
        status="optimal" if done else "feasible",
        seconds=time.perf_counter() - began,
        method="+".join(dict.fromkeys([*methods, "bisection", "highs"])),
    )
    return replace(answer, steps=(("people", served, most), ("worst", best.worst, low)))
