"""Why no choice of sites is allowed: which people or units cannot be served, or which limit binds.

First what no choice at all can mend: people whom no candidate reaches, units with too few
candidates. If each limit could be kept alone, those are told without which the others could be.
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.answers import nearest_open
from servicecircle.siting.choice import choice_of
from servicecircle.siting.covering import covering_mip, unmet_floors
from servicecircle.siting.highs import solve_mip
from servicecircle.siting.model import Goal, SitingModel
from servicecircle.siting.reduction import needed_people, reduced, stated

__all__ = ["beyond_reach", "why_infeasible"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Reasons = tuple[tuple[str, Ints], ...]

_OPEN = 0.5
_LEAST_SECONDS = 0.2


def why_infeasible(model: SitingModel, goal: Goal, *, seconds: float = 10.0) -> Reasons:
    """Return why no choice keeps everything that is wanted.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
        For which no choice is allowed.
    seconds : float
        For finding it out, in all.

    Returns
    -------
    tuple of (str, numpy.ndarray of int64)
        ``unreached``: points that would have to be served and that no candidate reaches;
        ``floors``: units whose floor nobody can keep, or not along with the other limits;
        ``presence``: such units, for the least number of sites; ``apart``: candidates that are
        too close together; ``sites``, ``budget``, ``closings``, ``share``: limits that the others
        do not go with (nothing is listed). A limit is named where all could be kept without it;
        where there is no such limit, all of them are.

    Examples
    --------
    A point that nobody reaches has to be covered:

    >>> import dataclasses
    >>> from scipy.sparse import csr_array
    >>> from servicecircle.siting.examples import three_sites
    >>> pairs = csr_array([[1.0, 2.0, 3.0], [2.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    >>> model = dataclasses.replace(three_sites(), pairs=pairs)
    >>> [(key, ids.tolist()) for key, ids in why_infeasible(model, Goal(objective="fewest"))]
    [('unreached', [2])]
    """
    return beyond_reach(model, goal) or _together(model, goal, seconds)


def beyond_reach(model: SitingModel, goal: Goal) -> Reasons:
    """Return what cannot be mended by any choice, however many sites there were.

    Parameters
    ----------
    model : SitingModel
    goal : Goal

    Returns
    -------
    tuple of (str, numpy.ndarray of int64)
        ``unreached``, ``floors`` and ``presence`` of :func:`why_infeasible`; empty where all
        candidates together would do.

    Examples
    --------
    >>> import dataclasses
    >>> from servicecircle.siting.examples import three_sites
    >>> model = dataclasses.replace(three_sites(), presence=np.array([4]))
    >>> [(key, ids.tolist()) for key, ids in beyond_reach(model, Goal(objective="fewest"))]
    [('presence', [0])]
    >>> beyond_reach(three_sites(), Goal(objective="fewest"))
    ()
    """
    choice = choice_of(model, goal)
    usable = choice.fixed | choice.free
    _, site = nearest_open(model.pairs, usable)
    covered, peopled = site >= 0, model.weights > 0
    floors = unmet_floors(model, covered)
    lost = np.zeros(covered.size, np.bool_)
    if goal.objective == "fewest":
        wanted = needed_people(goal.share, float(model.weights.sum()))
        if goal.share >= 1 or float(model.weights[covered].sum()) < wanted:
            lost = peopled & ~covered
    lost |= peopled & ~covered & np.isin(model.units, floors)
    reasons: list[tuple[str, Ints]] = []
    if lost.any():
        reasons.append(("unreached", np.flatnonzero(lost)))
    if floors.size:
        reasons.append(("floors", floors))
    units = _short_units(model, usable)
    if units.size:
        reasons.append(("presence", units))
    return tuple(reasons)


def _short_units(model: SitingModel, sites: Bools) -> Ints:
    """Return the units with fewer of these sites than have to be present."""
    at = model.site_units[sites]
    count = np.bincount(at[at >= 0], minlength=model.presence.size)
    return np.flatnonzero(count < model.presence)


def _together(model: SitingModel, goal: Goal, seconds: float) -> Reasons:
    """Return the limits without which the others can be kept."""
    begun = time.perf_counter()
    eased = _eased(model, goal)
    named: list[tuple[str, Ints]] = []
    for key, (other, aim) in eased.items():
        left = max(seconds - (time.perf_counter() - begun), _LEAST_SECONDS)
        open_sites = _any_choice(other, aim, left / len(eased))
        if open_sites is not None:
            named.append((key, _members(key, model, open_sites)))
    none = np.empty(0, np.int64)
    return tuple(named) if named else tuple((key, none) for key in eased)


def _eased(model: SitingModel, goal: Goal) -> dict[str, tuple[SitingModel, Goal]]:
    """Return the model and goal without each of the limits that there are."""
    replace = dataclasses.replace
    eased: dict[str, tuple[SitingModel, Goal]] = {}
    if np.any(model.floors > 0):
        eased["floors"] = replace(model, floors=np.full_like(model.floors, np.nan)), goal
    if goal.objective == "fewest" and goal.share > 0:
        eased["share"] = model, replace(goal, share=0.0)
    if np.any(model.presence > 0):
        eased["presence"] = replace(model, presence=np.zeros_like(model.presence)), goal
    if model.apart.size:
        eased["apart"] = replace(model, apart=np.empty((0, 2), np.int64)), goal
    if goal.sites is not None:
        eased["sites"] = model, replace(goal, sites=None)
    if goal.budget is not None:
        eased["budget"] = model, replace(goal, budget=None)
    if np.any(model.closable & model.forbidden):
        eased["closings"] = model, replace(goal, closings=int(model.closable.sum()))
    return eased


def _any_choice(model: SitingModel, goal: Goal, seconds: float) -> Bools | None:
    """Return some choice that keeps everything, None where there is none or time runs out."""
    problem = reduced(stated(model, goal))
    found = solve_mip(covering_mip(problem), seconds=seconds, gap=0.5)
    if found.values is None:
        return None
    open_sites = problem.opened.copy()
    open_sites[problem.columns[found.values[: problem.columns.size] > _OPEN]] = True
    return open_sites


def _members(key: str, model: SitingModel, open_sites: Bools) -> Ints:
    """Return which units or candidates break a limit that was left out."""
    if key == "floors":
        _, site = nearest_open(model.pairs, open_sites)
        return unmet_floors(model, site >= 0)
    if key == "presence":
        return _short_units(model, open_sites)
    if key == "apart":
        existing = model.kept | model.closable
        pairs = model.apart.reshape(-1, 2)
        broken = open_sites[pairs].all(axis=1) & ~existing[pairs].all(axis=1)
        return np.unique(pairs[broken])
    return np.empty(0, np.int64)
