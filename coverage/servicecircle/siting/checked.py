"""Refuse a siting model that asks for what cannot be, or contradicts itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from servicecircle.errors import SitingError
from servicecircle.problems import Problem, nearest_name
from servicecircle.siting.model import OBJECTIVES, Goal, SitingModel

__all__ = ["check_model"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SHOWN = 5
_SLACK = 1e-9


def check_model(model: SitingModel, goal: Goal, *, seconds: float = 60.0, gap: float = 0.0) -> None:
    """Raise an error that carries every fault of a model and of what is wanted of it.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    seconds, gap : float
        Limits of the solver.

    Raises
    ------
    SitingError
        For arrays that do not fit together; no points or no candidates; people, costs, capacities,
        metres or seconds, shares, floors and presence out of their range; a number of sites of 0
        or above the number of candidates, or missing where it is needed; mandatory sites that are
        forbidden, too close together, too many or too dear; existing ones that are forbidden and
        cannot be closed; closings out of range; capacities below the people that have to be
        served; a time limit or gap out of range.

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> check_model(three_sites(), Goal(objective="cover", sites=1))
    >>> check_model(three_sites(), Goal(objective="cover", sites=0), seconds=0.0)
    Traceback (most recent call last):
    servicecircle.errors.SitingError: the number of new sites is 0
    ...
    """
    shapes = _shapes(model)
    if shapes:
        raise SitingError(shapes)
    faults = [
        *_values(model),
        *_wanted(model, goal),
        *_contradictions(model, goal),
        *_capacity(model, goal),
    ]
    if not seconds > 0:
        faults.append(_fault("bad_seconds", f"{seconds:g}"))
    if not 0 <= gap < 1:
        faults.append(_fault("bad_gap", f"{gap:g}"))
    if faults:
        raise SitingError(faults)


def _fault(key: str, value: object = "", **details: object) -> Problem:
    return Problem(
        code=f"siting.{key}",
        severity="fatal",
        action="stopped",
        value=str(value),
        details=details,
    )


def _rows(key: str, wrong: Bools, **details: object) -> list[Problem]:
    """Return one fault for all rows that are wrong, with the numbers of the first ones."""
    at = np.flatnonzero(wrong)
    if not at.size:
        return []
    more = " …" if at.size > _SHOWN else ""
    ids = ", ".join(str(number) for number in at[:_SHOWN].tolist()) + more
    return [_fault(key, ids, count=int(at.size), ids=ids, **details)]


def _shapes(model: SitingModel) -> list[Problem]:
    points, candidates = model.weights.shape, model.cost.shape
    units = model.floors.shape
    wanted = {"pairs": (*points, *candidates), "units": points, "presence": units}
    wanted |= dict.fromkeys(
        ("kept", "closable", "mandatory", "forbidden", "capacity", "site_units"), candidates
    )
    found = {name: getattr(model, name).shape for name in wanted}
    wrong = [f"{name} {found[name]}" for name in wanted if found[name] != wanted[name]]
    if model.units.size and model.units.max() >= model.floors.size:
        wrong.append(f"units {model.units.max()}")
    if model.site_units.size and model.site_units.max() >= model.floors.size:
        wrong.append(f"site_units {model.site_units.max()}")
    pairs = model.apart
    if pairs.size and (pairs.ndim != 2 or pairs.shape[1] != 2):  # noqa: PLR2004 - a pair
        wrong.append(f"apart {pairs.shape}")
    elif pairs.size and (pairs.min() < 0 or pairs.max() >= model.cost.size):
        wrong.append(f"apart {int(pairs.max())}")
    return [_fault("shapes", ", ".join(wrong))] if wrong else []


def _values(model: SitingModel) -> list[Problem]:
    """Return the faults of single values."""
    faults: list[Problem] = []
    bad_weights = ~(np.isfinite(model.weights) & (model.weights >= 0))
    faults += _rows("bad_weights", bad_weights)
    if not np.any(model.weights[~bad_weights] > 0) and not np.any(model.presence > 0):
        faults.append(_fault("no_points"))
    faults += _rows("bad_cost", ~(np.isfinite(model.cost) & (model.cost >= 0)))
    faults += _rows("bad_capacity", ~(model.capacity >= 0))
    bad = ~(np.isfinite(model.pairs.data) & (model.pairs.data >= 0))
    if bad.any():
        rows = np.searchsorted(model.pairs.indptr, np.flatnonzero(bad), side="right") - 1
        faults += _rows("bad_pairs", np.isin(np.arange(model.weights.size), rows))
    stated = ~np.isnan(model.floors)
    faults += _rows("bad_floor", stated & ~((model.floors >= 0) & (model.floors <= 1)))
    faults += _rows("bad_presence", model.presence < 0)
    return faults


def _wanted(model: SitingModel, goal: Goal) -> list[Problem]:
    """Return the faults of what is wanted."""
    faults: list[Problem] = []
    new = ~(model.kept | model.closable) & ~model.forbidden
    candidates = int(np.count_nonzero(new))
    if goal.objective not in OBJECTIVES:
        near = nearest_name(goal.objective, OBJECTIVES)
        known = ", ".join(OBJECTIVES)
        faults.append(_fault("unknown_objective", goal.objective, known=known, near=near))
    if not candidates:
        faults.append(_fault("no_candidates"))
    if goal.sites is not None:
        if goal.sites < 0 or (goal.sites == 0 and goal.closings == 0):
            faults.append(_fault("no_sites", goal.sites))
        elif candidates and goal.sites > candidates:
            faults.append(_fault("too_many_sites", goal.sites, candidates=candidates))
    elif goal.budget is None and goal.objective in ("cover", "mean", "worst", "cover_then_mean"):
        faults.append(_fault("no_limit", goal.objective))
    if goal.budget is not None and not (np.isfinite(goal.budget) and goal.budget >= 0):
        faults.append(_fault("bad_budget", f"{goal.budget:g}"))
    if not 0 <= goal.share <= 1:
        faults.append(_fault("bad_share", f"{goal.share:g}"))
    closable = int(np.count_nonzero(model.closable))
    if not 0 <= goal.closings <= closable:
        faults.append(_fault("bad_closings", goal.closings, closable=closable))
    return faults


def _contradictions(model: SitingModel, goal: Goal) -> list[Problem]:
    """Return the faults of lists that speak against each other or against the limits."""
    faults = _rows("contradiction", model.mandatory & model.forbidden)
    existing = model.kept | model.closable
    may_close = model.closable & ~model.mandatory & (goal.closings > 0)
    stuck = existing & model.forbidden & ~model.mandatory
    too_many = np.count_nonzero(stuck & may_close) > goal.closings
    wrong = stuck if too_many else stuck & ~may_close
    faults += _rows("kept_forbidden", wrong, closings=goal.closings)
    stays = ((existing & ~may_close) | model.mandatory) & ~model.forbidden
    pairs = model.apart.reshape(-1, 2)
    if pairs.size:
        close = stays[pairs].all(axis=1) & ~existing[pairs].all(axis=1)
        close &= pairs[:, 0] != pairs[:, 1]
        if close.any():
            shown = [f"{a}–{b}" for a, b in pairs[close][:_SHOWN].tolist()]
            ids = ", ".join(shown) + (" …" if close.sum() > _SHOWN else "")
            faults.append(_fault("mandatory_apart", ids, count=int(close.sum()), ids=ids))
    opened = model.mandatory & ~existing & ~model.forbidden
    count = int(np.count_nonzero(opened))
    if goal.sites is not None and goal.sites >= 0 and count > goal.sites + goal.closings:
        faults.append(_fault("mandatory_over", count, sites=goal.sites))
    total = float(model.cost[opened].sum())
    if goal.budget is not None and total > max(goal.budget, 0.0) * (1.0 + _SLACK) and count:
        faults.append(_fault("mandatory_budget", f"{total:g}", budget=f"{goal.budget:g}"))
    return faults


def _capacity(model: SitingModel, goal: Goal) -> list[Problem]:
    """Return a fault where all candidates together cannot serve whom they have to."""
    able = float(model.capacity[~model.forbidden].sum())
    people = goal.share * float(model.weights.sum())
    if goal.objective != "fewest" or not able < people * (1.0 - _SLACK):
        return []
    return [_fault("capacity_short", f"{able:g}", people=f"{people:g}")]
