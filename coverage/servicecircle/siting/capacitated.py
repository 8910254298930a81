"""Sites that can serve only so many people (beds): who is served where is part of the answer.

People of one point may be split among sites, and they go where it is best for the whole, not each
to the nearest site: the figures are what a good assignment makes possible. With sites given this
is a transport problem, so that only the sites are whole numbers in the model.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.answers import gap_of, no_answer
from servicecircle.siting.capacity_greedy import greedy_flows
from servicecircle.siting.capacity_model import SLACK, Flows, capacity_mip, flows_of
from servicecircle.siting.center import solve_worst
from servicecircle.siting.choice import allowed, choice_of
from servicecircle.siting.highs import Mip, MipAnswer, holds, solve_mip
from servicecircle.siting.median import solve_mean
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.reasons import why_infeasible

__all__ = ["solve_capacitated"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EXACT = 1e-6
MOST_FLOWS = 400_000
"""Pairs up to which HiGHS is given the whole model: beyond, it hears its time limit too late."""
SCALE = 1e4


def solve_capacitated(
    model: SitingModel, goal: Goal, *, seconds: float = 60.0, gap: float = 0.0
) -> Answer:
    """Return the best sites where some can serve only so many people.

    The people of one point may be split among sites, and go where it is best for the whole.
    ``fewest`` and ``cover`` count people served, not people within reach; ``mean``,
    ``cover_then_mean`` and ``worst`` first serve as many as can be, then ask for the least mean
    (or worst) cost of those served. A floor is a least share of a unit's people served.

    Parameters
    ----------
    model : SitingModel
        Checked.
    goal : Goal
    seconds : float
        Of wall time.
    gap : float
        Relative gap of each step at which it may stop.

    Returns
    -------
    Answer
        ``served`` is people of each point, perhaps a part; ``site`` the one that serves most of
        them, the lowest number among equals.

    Examples
    --------
    >>> import dataclasses, numpy as np
    >>> from servicecircle.siting.examples import three_sites
    >>> model = dataclasses.replace(three_sites(), capacity=np.array([1.0, 1.5, 9.0]))
    >>> answer = solve_capacitated(model, Goal(objective="cover", sites=1))
    >>> answer.open.tolist(), answer.objective, answer.status
    ([True, False, True], 3.0, 'optimal')
    >>> tight = dataclasses.replace(model, capacity=np.array([1.0, 1.5, 0.0]))
    >>> solve_capacitated(tight, Goal(objective="cover", sites=1)).served.tolist()
    [1.0, 1.0, 0.5]
    """
    began = time.perf_counter()
    until = began + seconds
    flows = flows_of(model, goal)
    if goal.objective in {"fewest", "cover"}:
        answer = _first(flows, goal, until=until, gap=gap)
        return _told_first(flows, answer, seconds=seconds, gap=gap, began=began)
    cover = replace(goal, objective="cover")
    first = _first(flows, cover, until=began + seconds / 2, gap=gap)
    if first.values is None:
        return _told_first(flows, first, seconds=seconds, gap=gap, began=began)
    served = float(_people(flows, first.values).sum())
    most = max(first.bound / _scale(flows), served)
    steps = (("people", served, most),)
    second = _worst if goal.objective == "worst" else _mean
    values, value, bound = second(flows, first.values, served, until=until, gap=gap)
    if goal.objective != "worst" and served > 0:
        value, bound = value / served, min(bound / most, value / served)
    if served <= 0:
        value, bound = np.nan, np.nan
    done = _near(served, most, gap) and (np.isnan(value) or _near(value, bound, gap))
    told = _assigned(
        flows, values, objective=value, bound=bound, began=began,
        done=done, method="greedy+highs" + ("+bisection" if goal.objective == "worst" else ""),
    )  # fmt: skip
    last = ("worst" if goal.objective == "worst" else "mean", value, bound)
    return replace(told, steps=(*steps, last))


# --- the steps


def _scale(flows: Flows) -> float:
    """Return what people are multiplied by in objectives, so that tolerances mean shares."""
    return SCALE / max(float(flows.model.weights.sum()), 1e-300)


def _first(flows: Flows, goal: Goal, *, until: float, gap: float) -> MipAnswer:
    """Return the answer for fewest sites, or most people served."""
    model, choice = flows.model, choice_of(flows.model, goal)
    new = ~choice.existing[flows.sites]
    nothing = np.zeros(flows.point.size)
    if goal.objective == "fewest":
        on_sites = np.where(new, model.cost[flows.sites] if goal.by_cost else 1.0, 0.0)
        if not goal.by_cost:
            on_sites[~new] = 1.0
        least = goal.share * float(model.weights.sum())
        mip = capacity_mip(flows, goal, on_sites=on_sites, on_flows=nothing, least=least)
    else:
        mip = capacity_mip(
            flows, goal, on_sites=np.zeros(flows.sites.size),
            on_flows=flows.most * _scale(flows),
        )  # fmt: skip
    start = _start(flows, goal)
    if goal.objective == "fewest":
        return _fewest(flows, goal, mip, start, until=until, gap=gap)
    top = _most_people(flows) * _scale(flows)
    if start is not None and holds(mip, start):
        value = float(mip.cost @ start)
        if _near(value, top, gap):
            return MipAnswer(status="optimal", values=start, objective=value, bound=top)
    loose = _loose_first(flows, goal, seconds=(until - time.perf_counter()) / 4.0, gap=gap)
    if np.isfinite(loose.bound):
        top = min(top, loose.bound * _scale(flows))
    if loose.open.any():
        other = _given(flows, goal, loose.open[flows.sites], mip=mip, until=until)
        if other is not None and (start is None or mip.cost @ other > mip.cost @ start):
            start = other
        value = np.nan if start is None else float(mip.cost @ start)
        if start is not None and _near(value, top, gap) and holds(mip, start):
            return MipAnswer(status="optimal", values=start, objective=value, bound=top)
    answer = _asked(flows, mip, start=start, until=until, gap=gap)
    return replace(answer, bound=min(answer.bound, top))


def _fewest(
    flows: Flows, goal: Goal, mip: Mip, start: Floats | None, *, until: float, gap: float
) -> MipAnswer:
    """Return the fewest sites; without capacities no more are needed, which is a bound."""
    loose = _loose_first(flows, goal, seconds=(until - time.perf_counter()) / 4.0, gap=gap)
    least = loose.bound - _base(flows, goal) if np.isfinite(loose.bound) else -np.inf
    if loose.open.any():
        share = goal.share * float(flows.model.weights.sum())
        given = loose.open[flows.sites]
        other = _given(flows, goal, given, mip=mip, least=share, until=until)
        if other is not None and (start is None or mip.cost @ other < mip.cost @ start):
            start = other
    if start is not None and holds(mip, start):
        value = float(mip.cost @ start)
        if _near(value, least, gap):
            return MipAnswer(status="optimal", values=start, objective=value, bound=least)
    answer = _asked(flows, mip, start=start, until=until, gap=gap)
    return replace(answer, bound=max(answer.bound, least))


def _asked(
    flows: Flows, mip: Mip, *, start: Floats | None, until: float, gap: float = 0.0
) -> MipAnswer:
    """Return what HiGHS says of a model of a size that its time limit reaches into."""
    seconds = until - time.perf_counter()
    if flows.point.size <= MOST_FLOWS:
        return solve_mip(mip, start=start, seconds=seconds, gap=gap)
    unknown = np.inf if mip.maximise else -np.inf
    if start is None or not holds(mip, start):
        return MipAnswer(status="no_answer", values=None, objective=np.nan, bound=unknown)
    value = float(mip.cost @ start)
    return MipAnswer(status="feasible", values=start, objective=value, bound=unknown)


def _given(
    flows: Flows,
    goal: Goal,
    given: Bools,
    *,
    mip: Mip,
    until: float,
    least: float = 0.0,
) -> Floats | None:
    """Return the best flows to sites that are given, as columns of the whole model."""
    opened = flows.fixed.copy()
    opened[flows.sites[given]] = True
    use = opened[flows.site]
    part = replace(
        flows, point=flows.point[use], site=flows.site[use], cost=flows.cost[use],
        most=flows.most[use],
    )  # fmt: skip
    sites, left = flows.sites.size, until - time.perf_counter()
    if left <= 0:
        return None
    transport = capacity_mip(
        part, goal, on_sites=mip.cost[:sites], on_flows=mip.cost[sites:][use], least=least,
        given=given,
    )  # fmt: skip
    answer = solve_mip(transport, seconds=max(left / 3.0, 0.05))
    if answer.values is None:
        return None
    values = np.zeros(mip.cost.size)
    values[:sites] = given
    values[sites:][use] = answer.values[sites:]
    return values


def _base(flows: Flows, goal: Goal) -> float:
    """Return what ``fewest`` counts beside the columns: mandatory sites, less closable ones."""
    model = flows.model
    new_fixed = flows.fixed & ~(model.kept | model.closable)
    if goal.by_cost:
        return float(model.cost[new_fixed].sum())
    choice = choice_of(model, goal)
    return float(new_fixed.sum() - np.count_nonzero(choice.closable) - choice.gone)


def _loose(flows: Flows) -> SitingModel:
    """Return the model without capacities: no choice is worse in it."""
    return replace(flows.model, capacity=np.full(flows.model.cost.size, np.inf))


def _loose_first(flows: Flows, goal: Goal, *, seconds: float, gap: float) -> Answer:
    from servicecircle.siting.solve import solve  # it calls this module

    return solve(_loose(flows), goal, seconds=max(seconds, 0.05), gap=gap)


def _most_people(flows: Flows) -> float:
    """Return the most people that any choice serves: those within reach, or the largest sites."""
    model, choice = flows.model, choice_of(flows.model, flows.goal)
    reached = float(model.weights[np.unique(flows.point)].sum())
    room = np.sort(model.capacity[flows.sites])[::-1][: max(choice.sites, 0)]
    return min(reached, float(room.sum() + model.capacity[flows.fixed].sum()))


def _start(flows: Flows, goal: Goal) -> Floats | None:
    """Return a choice by the most people served at a time, as columns."""
    model = flows.model
    is_open, flow = greedy_flows(model, goal, flows.point, flows.site, flows.cost, flows.most)
    if not allowed(model, goal, is_open):
        return None
    return np.concatenate([is_open[flows.sites].astype(float), flow / flows.most])


def _mean(
    flows: Flows, start: Floats, served: float, *, until: float, gap: float
) -> tuple[Floats, float, float]:
    """Return the least cost of as many people, as columns, value and bound."""
    best, total = start, _total(flows, start)
    at_least = 0.0
    firsts = [start[: flows.sites.size] > 0.5]  # noqa: PLR2004 - 0 or 1
    # Without capacities nothing is dearer: a bound, and often a good choice.
    loose = solve_mean(
        _loose(flows), flows.goal,
        seconds=max((until - time.perf_counter()) / 4.0, 0.05), gap=gap,
    )  # fmt: skip
    if loose.status in {"optimal", "feasible"}:
        firsts.append(loose.open[flows.sites])
        if served >= loose.steps[0][2] * (1.0 - SLACK):
            at_least = loose.bound * loose.steps[0][2]
    scale = SCALE / max(total, 1e-300)
    cost = flows.cost * flows.most * scale
    nothing = np.zeros(flows.sites.size)
    mip = capacity_mip(flows, flows.goal, on_sites=nothing, on_flows=cost, least=served)
    for given in firsts:
        found = _given(flows, flows.goal, given, mip=mip, least=served, until=until)
        if found is not None:
            best, total = _cheaper(flows, best, found, total)
    if gap_of(total, at_least) > max(gap, EXACT) and time.perf_counter() < until:
        answer = _asked(flows, mip, start=best, until=until, gap=gap)
        if answer.values is not None:
            best, total = _cheaper(flows, best, answer.values, total)
        if np.isfinite(answer.bound):
            at_least = max(at_least, answer.bound / scale)
    return best, total, min(at_least, total)


def _total(flows: Flows, values: Floats) -> float:
    return float(flows.cost @ (flows.most * _shares(flows, values)))


def _cheaper(flows: Flows, one: Floats, other: Floats, total: float) -> tuple[Floats, float]:
    cost = _total(flows, other)
    return (other, cost) if cost < total else (one, total)


def _worst(
    flows: Flows, start: Floats, served: float, *, until: float, gap: float
) -> tuple[Floats, float, float]:
    """Return the least worst cost of as many people, as columns, value and bound."""
    best, worst = start, _farthest(flows, start)
    costs = np.unique(flows.cost[flows.cost <= worst])
    low, stuck = float(costs[0]) if costs.size else 0.0, False
    loose = solve_worst(
        _loose(flows), flows.goal,
        seconds=max((until - time.perf_counter()) / 4.0, 0.05), gap=gap,
    )  # fmt: skip
    if loose.open.any() and served >= loose.steps[0][2] * (1.0 - SLACK):
        # As many are served as without capacities: nothing is nearer than there.
        low = min(max(low, loose.bound), worst)
        costs = costs[costs >= low]
    while costs.size > 1 and time.perf_counter() < until:
        if not stuck and gap_of(worst, low) <= gap:
            break
        middle = costs[(costs.size - 1) // 2]
        mip = capacity_mip(
            flows, flows.goal, on_sites=np.zeros(flows.sites.size),
            on_flows=np.zeros(flows.point.size), least=served, shut=flows.cost > middle,
        )  # fmt: skip
        half = (until + time.perf_counter()) / 2.0
        answer = _asked(flows, mip, start=None, until=half)
        if answer.values is not None:
            best, worst = answer.values, min(_farthest(flows, answer.values), worst)
            costs = costs[costs <= min(worst, middle)]
        else:
            stuck |= answer.status != "infeasible"
            costs = costs[costs > middle]
            low = low if stuck else float(costs[0])
    if not stuck and costs.size == 1:
        low = worst
    return best, worst, min(low, worst)


# --- the way back


def _shares(flows: Flows, values: Floats) -> Floats:
    """Return flows as shares, without what the solver's tolerance adds."""
    share = np.clip(values[flows.sites.size :], 0.0, 1.0)
    return np.asarray(np.where(share < EXACT, 0.0, share), np.float64)


def _people(flows: Flows, values: Floats) -> Floats:
    """Return the people of each point that are served."""
    model = flows.model
    flow = flows.most * _shares(flows, values)
    served = np.bincount(flows.point, flow, minlength=model.weights.size)
    whole = np.abs(served - model.weights) <= EXACT * np.maximum(model.weights, 1.0)
    return np.where(whole, model.weights, np.minimum(served, model.weights))


def _farthest(flows: Flows, values: Floats) -> float:
    used = _shares(flows, values) > 0
    return float(flows.cost[used].max(initial=0.0))


def _near(value: float, bound: float, gap: float) -> bool:
    return gap_of(value, bound) <= max(gap, EXACT)


def _told_first(
    flows: Flows, answer: MipAnswer, *, seconds: float, gap: float, began: float
) -> Answer:
    """Return the answer of fewest or cover, or why there is none."""
    model, goal = flows.model, flows.goal
    if answer.values is None:
        reasons: tuple[tuple[str, Ints], ...] = ()
        if answer.status == "infeasible":
            loose = _loose(flows)
            left = max(began + seconds - time.perf_counter(), 1.0)
            reasons = _why(loose, goal, seconds=left)
        return no_answer(
            model, status=answer.status, bound=answer.bound,
            seconds=time.perf_counter() - began, method="greedy+highs", reasons=reasons,
        )  # fmt: skip
    if goal.objective == "fewest":
        base = _base(flows, goal)
        value, bound = answer.objective + base, max(answer.bound + base, 0.0)
        if not goal.by_cost:
            value, bound = float(np.rint(value)), float(max(np.ceil(bound - EXACT), 0.0))
            value = max(value, 0.0)
    else:
        value = float(_people(flows, answer.values).sum())
        bound = max(answer.bound / _scale(flows), value)
    return _assigned(
        flows, answer.values, objective=value, bound=bound, began=began,
        done=_near(value, bound, gap), method="greedy+highs",
    )  # fmt: skip


def _why(loose: SitingModel, goal: Goal, *, seconds: float) -> tuple[tuple[str, Ints], ...]:
    """Return why there is no choice: what holds without capacities too, else the capacities."""
    from servicecircle.siting.solve import solve  # it calls this module

    without = solve(loose, goal, seconds=seconds / 2, gap=0.5)
    if without.status == "infeasible":
        return why_infeasible(loose, goal, seconds=seconds / 2)
    return (("capacity", np.empty(0, np.int64)),)


def _assigned(
    flows: Flows,
    values: Floats,
    *,
    objective: float,
    bound: float,
    began: float,
    done: bool,
    method: str,
) -> Answer:
    model = flows.model
    is_open = flows.fixed.copy()
    is_open[flows.sites[values[: flows.sites.size] > 0.5]] = True  # noqa: PLR2004 - 0 or 1
    flow = flows.most * _shares(flows, values)
    site = np.full(model.weights.size, -1, np.int64)
    used = np.flatnonzero(flow > 0)
    order = used[np.lexsort((-flows.site[used], flow[used], flows.point[used]))]
    site[flows.point[order]] = flows.site[order]
    return Answer(
        status="optimal" if done else "feasible",
        open=is_open,
        objective=objective,
        bound=bound,
        gap=gap_of(objective, bound),
        served=_people(flows, values),
        site=site,
        seconds=time.perf_counter() - began,
        method=method,
    )
