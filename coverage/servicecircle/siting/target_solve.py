"""The smallest number of sites that turns the verdict on a target, and its proof."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.amounts import Amounts, AmountsAnswer, fewest_for_amounts
from servicecircle.siting.answers import gap_of, nearest_open, told
from servicecircle.siting.communities import Communities, fewest_for_communities
from servicecircle.siting.gains import covered_by
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.solve import solve
from servicecircle.siting.target_models import TargetModel
from servicecircle.siting.wanted import SiteTarget

__all__ = ["TargetAnswer", "solve_target"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_RELATIVE = 1e-9
_WHOLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TargetAnswer:
    """The smallest number of sites that turns the verdict.

    Parameters
    ----------
    answer : Answer
        Which sites are open; objective and bound are the number (or the cost) of new ones.
    number : int
        Of new sites; -1 without an answer.
    least : float
        No choice of fewer (or cheaper) sites turns the verdict.
    proven : bool
        Whether the number is the least.
    attainable : float
        What all candidates together could give: a share of people (0 to 1), or a number of units.
    people : Answer, optional
        Of amounts: among the choices of so many sites the one that serves most people, with its
        own bound.
    lacking : numpy.ndarray of int64
        Units of the target that not even all candidates together can lift over their line.
    """

    answer: Answer
    number: int
    least: float
    proven: bool
    attainable: float
    people: Answer | None
    lacking: Ints


def solve_target(
    built: TargetModel,
    *,
    seconds: float = 60.0,
    gap: float = 0.0,
    by_cost: bool = False,
    as_far: bool = False,
) -> TargetAnswer:
    """Return the fewest new sites that turn the verdict, or how far any candidates can.

    For a share of people by location set covering; for amounts the number is proven first, then
    among the choices of so many sites the one is looked for that most people are near to.

    Parameters
    ----------
    built : TargetModel
    seconds, gap : float
    by_cost : bool
        The cheapest sites instead of the fewest.
    as_far : bool
        Where the candidates cannot turn the verdict, do what they can: the share, or the number of
        units, that all of them together could give.

    Returns
    -------
    TargetAnswer
        Status ``infeasible`` where the verdict cannot be turned; ``attainable`` and ``lacking``
        tell how far it can.

    Examples
    --------
    >>> from servicecircle.siting.target_example import small_candidates, small_target
    >>> from servicecircle.siting.target_models import target_model
    >>> frame = small_candidates("township:1", "township:2")
    >>> found = solve_target(target_model(small_target(), frame, None))
    >>> found.answer.open.tolist(), found.number, found.proven
    ([False, True], 1, True)
    >>> found = solve_target(target_model(small_target(), frame.iloc[:1], None))
    >>> found.answer.status, found.attainable, found.lacking.tolist()
    ('infeasible', 1.0, [1])
    """
    if built.target.form == "people":
        return _for_people(built, seconds=seconds, gap=gap, by_cost=by_cost, as_far=as_far)
    found, reachable, took = _for_units(built, seconds, gap, by_cost=by_cost, as_far=as_far)
    model = built.model
    open_sites = model.kept | found.chosen
    people: Answer | None = None
    number = int(found.chosen.sum())
    known = found.status in {"optimal", "feasible"}
    fixed = _presence(built, found) if known and not by_cost and number else None
    if fixed is not None and built.model.weights.size:
        people = solve(fixed, Goal(objective="cover", sites=number), seconds=seconds - took)
        if people.status in {"optimal", "feasible"}:
            open_sites = people.open
    cost, site = nearest_open(model.pairs, open_sites)
    answer = Answer(
        status=found.status,
        open=open_sites,
        objective=found.objective,
        bound=found.bound,
        gap=gap_of(found.objective, found.bound),
        served=np.where(np.isnan(cost), 0.0, model.weights),
        site=site,
        seconds=found.seconds if people is None else found.seconds + people.seconds,
        method=found.method if people is None else f"{found.method}+{people.method}",
        reasons=() if known else (("presence", found.lacking),),
    )
    return TargetAnswer(
        answer=answer,
        number=number if known else -1,
        least=_rounded(found.bound, by_cost=by_cost),
        proven=found.status == "optimal",
        attainable=float(reachable),
        people=people,
        lacking=found.lacking,
    )


def _rounded(bound: float, *, by_cost: bool) -> float:
    """Return a bound of a number as a whole number."""
    if by_cost or not math.isfinite(bound):
        return bound
    return float(math.ceil(bound - _WHOLE))


def _for_people(
    built: TargetModel, *, seconds: float, gap: float, by_cost: bool, as_far: bool
) -> TargetAnswer:
    model, goal = built.model, replace(built.goal, by_cost=by_cost)
    reach = covered_by(model.pairs, ~model.forbidden)
    total = float(model.weights.sum())
    attainable = float(model.weights[reach].sum()) / total if total > 0.0 else math.nan
    inside = model.units >= 0
    count = model.floors.size
    whole, near = (
        np.bincount(model.units[some], model.weights[some], minlength=count)
        for some in (inside, inside & reach)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        most = near / whole
    lacking = np.flatnonzero(most < model.floors * (1.0 - _RELATIVE))
    if as_far:
        goal = replace(goal, share=min(goal.share, attainable))
        model = replace(model, floors=np.fmin(model.floors, most))
    if built.target.met and not model.mandatory.any():
        answer = told(
            model, model.kept, objective=0.0, bound=0.0, status="optimal", seconds=0.0, method="met"
        )
    else:
        answer = solve(model, goal, seconds=seconds, gap=gap)
    known = answer.status in {"optimal", "feasible"}
    return TargetAnswer(
        answer=answer,
        number=int((answer.open & ~model.kept).sum()) if known else -1,
        least=_rounded(answer.bound, by_cost=by_cost),
        proven=answer.status == "optimal",
        attainable=attainable,
        people=None,
        lacking=lacking,
    )


def _for_units(
    built: TargetModel, seconds: float, gap: float, *, by_cost: bool, as_far: bool
) -> tuple[AmountsAnswer, int, float]:
    """Return the sites that units need, how many units could be lifted at all, and the seconds."""
    began = time.perf_counter()
    target, model = built.target, built.model
    free = (built.counts | model.mandatory) & ~model.forbidden & ~model.kept
    free &= ~_near_existing(model)

    def attempt(wanted: int) -> AmountsAnswer:
        if target.form == "communities" and built.times is not None:
            units = len(target.units)
            problem = Communities(
                weights=model.weights,
                tasks=built.service * units + model.units,
                units=units,
                taken=np.concatenate([_now(target, one.taken) for one in target.journeys]),
                pairs=built.times,
                limit=60.0 * (target.rule.threshold or 0.0),
                wanted=wanted,
                free=free,
                mandatory=model.mandatory,
                cost=model.cost,
                apart=model.apart,
            )
            return fewest_for_communities(problem, by_cost=by_cost, seconds=seconds / 2, gap=gap)
        amounts = Amounts(
            need=target.units["need"].to_numpy(np.float64),
            wanted=wanted,
            bonus=_uncovered(built),
            size=built.size,
            site_units=built.site_units,
            free=free,
            mandatory=model.mandatory & free,
            cost=model.cost,
            apart=model.apart,
        )
        return fewest_for_amounts(amounts, by_cost=by_cost, seconds=seconds / 2, gap=gap)

    found = attempt(target.wanted)
    reachable = len(target.units) - found.lacking.size
    if as_far and found.status == "infeasible" and reachable < target.wanted:
        found = attempt(reachable)
    return found, reachable, time.perf_counter() - began


def _now(target: SiteTarget, taken: Floats) -> Floats:
    some = taken[target.weights > 0.0]
    return np.where(np.isnan(some), np.inf, some)


def _near_existing(model: SitingModel) -> Bools:
    """Return the candidates that stand too close to what exists."""
    found = np.zeros(model.kept.size, bool)
    for one, other in ((0, 1), (1, 0)):
        found[model.apart[model.kept[model.apart[:, one]], other]] = True
    return found & ~model.kept


def _uncovered(built: TargetModel) -> Floats:
    """Return the people of each unit whom nothing that exists is near to."""
    model = built.model
    left = ~covered_by(model.pairs, model.kept) & (model.units >= 0)
    found = np.bincount(model.units[left], model.weights[left], minlength=len(built.target.units))
    return found.astype(np.float64)


def _presence(built: TargetModel, found: AmountsAnswer) -> SitingModel | None:
    """Return the model of so many sites in the chosen units; None where sizes differ."""
    target, model = built.target, built.model
    chosen = np.flatnonzero(found.chosen)
    sizes = built.size[built.counts]
    if target.form != "amounts" or (sizes.size and np.ptp(sizes) > 0.0):
        return None
    unit = built.site_units[chosen]
    there = built.counts & np.isin(built.site_units, unit[unit >= 0])
    new = np.bincount(unit[unit >= 0], minlength=len(target.units))
    stands = model.site_units[model.kept]
    kept = np.bincount(stands[stands >= 0], minlength=len(target.units))
    return replace(
        model,
        site_units=np.where(built.counts | model.kept, model.site_units, -1),
        presence=np.where(new > 0, kept + new, 0).astype(np.int64),
        forbidden=(model.forbidden | ~there) & ~model.kept & ~model.mandatory,
    )
