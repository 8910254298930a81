"""The one entrance to the solvers: a checked model in, incumbent, bound and gap out."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.answers import no_answer, told
from servicecircle.siting.checked import check_model
from servicecircle.siting.covering import covering_mip, value_of
from servicecircle.siting.highs import solve_mip
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.reasons import why_infeasible
from servicecircle.siting.reduction import reduced, stated

__all__ = ["solve"]

Bools = NDArray[np.bool_]


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

    Raises
    ------
    SitingError
        See :func:`servicecircle.siting.checked.check_model`.
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
    return _solve_covering(model, goal, seconds=seconds, gap=gap)


def _solve_covering(model: SitingModel, goal: Goal, *, seconds: float, gap: float) -> Answer:
    begun = time.perf_counter()
    problem = reduced(stated(model, goal))
    left = seconds - (time.perf_counter() - begun)
    found = solve_mip(covering_mip(problem), seconds=left, gap=gap)
    took = time.perf_counter() - begun
    if found.values is None:
        left = max(seconds - took, 1.0)
        reasons = why_infeasible(model, goal, seconds=left) if found.status == "infeasible" else ()
        return no_answer(
            model, status=found.status, bound=found.bound + problem.base, seconds=took,
            method="reduced+highs", reasons=reasons,
        )  # fmt: skip
    is_open = problem.opened.copy()
    is_open[problem.columns[found.values[: problem.columns.size] > 0.5]] = True  # noqa: PLR2004
    return told(
        model, is_open, objective=value_of(model, goal, is_open),
        bound=found.bound + problem.base, status=found.status, seconds=took,
        method="reduced+highs",
    )  # fmt: skip
