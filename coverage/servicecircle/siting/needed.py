"""How many sites, or how much, would do, where the number or the budget asked for does not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.solve import solve

__all__ = ["Needed", "needed_instead"]

_WHOLE = 1e-6
_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What is needed in the place of a limit that is too tight.

    Parameters
    ----------
    limit : {"sites", "budget"}
    asked : float
        Number of new sites, or budget.
    least : float
        With less nothing does what is asked, the other limits kept.
    found : float
        With so much something does.
    """

    limit: Literal["sites", "budget"]
    asked: float
    least: float
    found: float


def needed_instead(
    model: SitingModel, goal: Goal, answer: Answer, *, seconds: float
) -> tuple[Needed, ...]:
    """Return what would do in the place of a number of sites or a budget that does not.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    answer : Answer
        To it: where it is not infeasible, nothing is looked for.
    seconds : float
        For finding it out, in all; at most ten are taken.

    Returns
    -------
    tuple of Needed
        For each of the two limits without which all others can be kept; empty where there is none,
        none was found in time, or sites may close, so that their number is not that of new ones.

    Examples
    --------
    Of three sites in a line one stands; the others have to be in one unit, and it has two:

    >>> from servicecircle.siting.examples import three_sites
    >>> free = replace(three_sites(), apart=np.empty((0, 2), np.int64), presence=np.array([3]))
    >>> goal = Goal(objective="cover", sites=1)
    >>> found = needed_instead(free, goal, solve(free, goal), seconds=5.0)
    >>> [(one.limit, one.least, one.found) for one in found]
    [('sites', 2.0, 2.0)]
    >>> goal = Goal(objective="fewest")
    >>> needed_instead(free, goal, solve(free, goal), seconds=5.0)
    ()
    """
    if answer.status != "infeasible" or goal.closings > 0:
        return ()
    share = goal.share if goal.objective == "fewest" else 0.0
    any_choice = replace(goal, objective="fewest", share=share, by_cost=False)
    tries: list[tuple[Literal["sites", "budget"], float, Goal]] = []
    if goal.sites is not None:
        tries.append(("sites", float(goal.sites), replace(any_choice, sites=None)))
    if goal.budget is not None:
        dear = replace(any_choice, budget=None, by_cost=True)
        tries.append(("budget", float(goal.budget), dear))
    found = []
    for limit, asked, loose in tries:
        answer = solve(model, loose, seconds=min(seconds, _SECONDS) / len(tries))
        if answer.status not in {"optimal", "feasible"}:
            continue
        least = max(answer.bound, asked) if math.isfinite(answer.bound) else asked
        if limit == "sites":
            # One site less than is proven to be too few may be what was asked for.
            least = max(float(math.ceil(least - _WHOLE)), asked + 1.0)
        new = answer.open & ~(model.kept | model.closable)
        most = float(np.count_nonzero(new) if limit == "sites" else model.cost[new].sum())
        found.append(Needed(limit=limit, asked=asked, least=min(least, most), found=most))
    return tuple(found)
