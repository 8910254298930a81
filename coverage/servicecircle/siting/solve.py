"""The one entrance to the solvers: a checked model in, incumbent, bound and gap out."""

from __future__ import annotations

import numpy as np

from servicecircle.siting.checked import check_model
from servicecircle.siting.covering_solve import solve_covering
from servicecircle.siting.model import Answer, Goal, SitingModel

__all__ = ["solve"]


def solve(model: SitingModel, goal: Goal, *, seconds: float = 60.0, gap: float = 0.0) -> Answer:
    """Return the best sites found, with a bound that no choice can pass.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    seconds : float
        Of wall time; when it is up, the best found so far comes back with its bound.
    gap : float
        Relative gap at which solving stops: 0.01 for within 1 % of the best possible.

    Returns
    -------
    Answer
        Optimal where the gap is down to ``gap``; infeasible with reasons where nothing is allowed.

    Raises
    ------
    SitingError
        See :func:`servicecircle.siting.checked.check_model`.

    Examples
    --------
    Three points, of which an existing site serves all; then one that nobody reaches:

    >>> import dataclasses
    >>> from scipy.sparse import csr_array
    >>> from servicecircle.siting.examples import three_sites
    >>> answer = solve(three_sites(), Goal(objective="cover", sites=1))
    >>> answer.status, answer.objective, answer.bound, answer.gap
    ('optimal', 3.0, 3.0, 0.0)
    >>> pairs = csr_array([[1.0, 2.0, 3.0], [2.0, 1.0, 2.0], [0.0, 0.0, 0.0]])
    >>> beyond = solve(dataclasses.replace(three_sites(), pairs=pairs), Goal(objective="fewest"))
    >>> beyond.status, [(key, points.tolist()) for key, points in beyond.reasons]
    ('infeasible', [('unreached', [2])])
    """
    check_model(model, goal, seconds=seconds, gap=gap)
    if np.isfinite(model.capacity[~model.forbidden]).any():
        from servicecircle.siting.capacitated import solve_capacitated

        return solve_capacitated(model, goal, seconds=seconds, gap=gap)
    if goal.objective == "mean":
        from servicecircle.siting.median import solve_mean

        return solve_mean(model, goal, seconds=seconds, gap=gap)
    if goal.objective == "worst":
        from servicecircle.siting.center import solve_worst

        return solve_worst(model, goal, seconds=seconds, gap=gap)
    if goal.objective == "cover_then_mean":
        from servicecircle.siting.median import solve_cover_then_mean

        return solve_cover_then_mean(model, goal, seconds=seconds, gap=gap)
    return solve_covering(model, goal, seconds=seconds, gap=gap)
