"""What can be lost at most by siting on a grid and not anywhere along the roads.

Let every point of the roads be within g of a candidate (the guarantee of a grid). Whoever reaches
a site at any such point within a limit L reaches a candidate within L + g, since ways may be put
together: the cost to the candidate is at most the cost to the point and from there to the
candidate. So no choice of points covers more people than the best choice of as many candidates
does within L + g, and none covers fewer than the best choice of candidates within L.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from servicecircle.measure.ground import Ground
from servicecircle.siting.candidates import Candidates
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.pairs import Criterion
from servicecircle.siting.solve import solve

__all__ = ["Loss", "guarantee_in", "most_lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What siting on the grid can lose.

    Parameters
    ----------
    found : float
        The objective of the answer: people covered, or new sites.
    best : float
        No choice of points anywhere along the roads is better: more people, or fewer sites.
    lost : float
        The difference, 0 or more: people, or sites.
    wider : Answer
        Of the model with the limit widened by the guarantee.
    """

    found: float
    best: float
    lost: float
    wider: Answer


def most_lost(
    model: SitingModel,
    goal: Goal,
    answer: Answer,
    *,
    wider: csr_array,
    seconds: float = 60.0,
    gap: float = 0.01,
) -> Loss:
    """Return how much better siting anywhere along the roads could be than on the grid.

    Parameters
    ----------
    model : SitingModel
        Of the answer. Its new candidates must be a grid with a guarantee, alone or among others,
        of which none is mandatory or forbidden, no two are kept apart, none is full, and none is
        asked for in a unit: such rules bind the places of the grid, not those between them.
    goal : Goal
        ``fewest`` or ``cover``.
    answer : Answer
        Found with the limit itself.
    wider : scipy.sparse.csr_array, shape (d, c)
        Pairs within the limit and the guarantee, from
        :func:`servicecircle.siting.pairs.candidate_pairs`.
    seconds, gap : float
        For solving the wider model; its bound is what counts.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If the objective is another one, or rules bind places.

    Examples
    --------
    >>> none, no = np.empty(0), np.zeros(2, bool)
    >>> near = csr_array(np.array([[9.0, 0.0], [0.0, 9.0]]))
    >>> model = SitingModel(
    ...     weights=np.array([30.0, 20.0]), pairs=near, kept=no, closable=no, mandatory=no,
    ...     forbidden=no, cost=np.ones(2), capacity=np.full(2, np.inf), units=np.array([-1, -1]),
    ...     site_units=np.array([-1, -1]), floors=none, presence=none.astype(int),
    ...     apart=np.empty((0, 2), int),
    ... )
    >>> goal = Goal(objective="cover", sites=1)
    >>> wider = csr_array(np.array([[9.0, 0.0], [12.0, 9.0]]))
    >>> loss = most_lost(model, goal, solve(model, goal), wider=wider)
    >>> loss.found, loss.best, loss.lost
    (30.0, 50.0, 20.0)
    """
    if goal.objective not in ("fewest", "cover"):
        raise ValueError(f"objective {goal.objective}: the guarantee speaks of fewest and cover")
    new = ~(model.kept | model.closable)
    bound = (model.mandatory | model.forbidden)[new].any() or model.apart.size
    if bound or (model.presence > 0).any() or np.isfinite(model.capacity).any():
        raise ValueError(
            "mandatory, forbidden or spaced candidates, presence or capacities: there is no "
            "guarantee then; ask without them"
        )
    found = solve(replace(model, pairs=wider), goal, seconds=seconds, gap=gap)
    better = found.bound - answer.objective
    lost = max(better if goal.objective == "cover" else -better, 0.0)
    return Loss(found=answer.objective, best=found.bound, lost=lost, wider=found)


def guarantee_in(
    ground: Ground, candidates: Candidates, *, criterion: Criterion, profile: str | None = None
) -> float:
    """Return the guarantee of a grid in the unit of a rule.

    Parameters
    ----------
    ground : Ground
    candidates : Candidates
    criterion : {"seconds", "metres", "straight_metres"}
        Of the rule.
    profile : str, optional
        That people travel with; else the layer's.

    Returns
    -------
    float
        By how much a limit has to be widened; NaN without a grid, and where the grid does not
        speak of the rule: for another profile's roads, and for metres by a profile that goes by
        seconds.
    """
    name = profile or candidates.profile
    if criterion == "straight_metres":
        # No way is shorter than the straight line.
        return candidates.guarantee_m
    way = ground.way(name)
    if way is None or name != candidates.profile:
        return float("nan")
    if criterion == candidates.guarantee_unit:
        return candidates.guarantee
    if criterion == "seconds":
        return candidates.guarantee / way.profile.metres_per_second
    return float("nan")
