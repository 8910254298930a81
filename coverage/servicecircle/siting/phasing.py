"""Sites by year: a sequence of which every beginning is good, and what that costs in the end."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence as Values
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import SitingError
from servicecircle.problems import Problem
from servicecircle.siting.gains import neighbours
from servicecircle.siting.model import Answer, Goal, Objective, SitingModel
from servicecircle.siting.opening_costs import near_of, nearest_costs
from servicecircle.siting.opening_order import Limits, order_phases, order_within
from servicecircle.siting.solve import solve

__all__ = ["PHASE_COLUMNS", "Sequence", "parts_of", "sequence"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PHASE_COLUMNS = (
    "phase",
    "sites",
    "total_sites",
    "cost",
    "total_cost",
    "gained",
    "people",
    "value",
    "best",
    "bound",
    "loss",
    "loss_percent",
    "best_people",
)
_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sequence:
    """New sites in the order in which they open.

    Parameters
    ----------
    order : numpy.ndarray of int64, shape (n,)
        New sites, as columns of the model.
    phase : numpy.ndarray of int64, shape (n,)
        Of each site of ``order``, 0 for the first.
    table : pandas.DataFrame
        One row a phase, columns :data:`PHASE_COLUMNS`: sites and cost of the phase and up to its
        end; people gained by it and reached at its end, existing sites included; ``value``, in
        what the goal measures (people, mean cost, cost of the person worst off); ``best``, the
        best that was found for as many sites (or as much money) without regard to what comes
        before or after; ``bound``, than which none is better; ``loss``, by how much the value
        falls short of the bound at most, and in per cent of it; ``best_people`` reached by the
        best.
    answer : Answer
        That the sequence ends in.
    method : str
    seconds : float
    """

    order: Ints
    phase: Ints
    table: pd.DataFrame
    answer: Answer
    method: str
    seconds: float


def parts_of(number: int, parts: Values[float]) -> list[int]:
    """Return how many sites there are at the end of each phase, to the nearest whole number.

    Halves are rounded up; the last phase has them all.

    Parameters
    ----------
    number : int
    parts : sequence of float
        What each phase is to have of them, in any unit, such as 4, 3, 3.

    Raises
    ------
    SitingError
        Without parts, or where one is negative or no number, or all are 0.

    Examples
    --------
    >>> parts_of(20, (4, 3, 3)), parts_of(2, (4, 3, 3)), parts_of(0, (1, 1))
    ([8, 14, 20], [1, 1, 2], [0, 0])
    >>> parts_of(20, (4, -3))
    Traceback (most recent call last):
    servicecircle.errors.SitingError: ...
    """
    shares = [float(part) for part in parts]
    if not shares or not all(math.isfinite(one) and one >= 0 for one in shares) or not any(shares):
        text = ", ".join(f"{one:g}" for one in shares)
        raise SitingError(
            Problem(code="phasing.parts", severity="fatal", action="stopped", value=text)
        )
    until = np.cumsum(shares) / math.fsum(shares)
    counts = np.floor(number * until + 0.5 + _RELATIVE).astype(int).tolist()
    return [*counts[:-1], number]


def sequence(
    model: SitingModel,
    goal: Goal,
    answer: Answer,
    *,
    parts: Values[float] = (4, 3, 3),
    budgets: Values[float] | None = None,
    keep_end: bool = True,
    seconds: float = 60.0,
) -> Sequence:
    """Return in which phase, and in which order, the new sites of an answer open.

    With ``keep_end`` the sites are those of the answer, so that the end loses nothing; they are put
    in order such that the people reached at the end of each phase, added up over the phases, are as
    many as can be (see :func:`servicecircle.siting.opening_order.order_phases`), among equals with
    the least costs. Without it each phase is the best that can be added to the one before, and the
    end may fall short of the answer. What falls short, phase by phase, stands in the table: each
    beginning is held against the best choice of so many sites (or of so much money), whose own
    optimum is not better than ``bound``. That choice need not keep floors, presence and mandatory
    sites, which the sites of the whole answer keep together; the last row is held against the
    answer itself. Existing sites that are closed stay open until the last phase.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
        Of the answer; for ``fewest`` people reached measure each phase.
    answer : Answer
    parts : sequence of float
        What each phase is to have of the sites.
    budgets : sequence of float, optional
        What each phase may cost, instead of ``parts``; what is left over goes to the next one.
    keep_end : bool
        Always so where existing sites are closed, or where what would open first leaves no way to
        floors, presence and mandatory sites in the end.
    seconds : float
        For all searches together.

    Returns
    -------
    Sequence

    Raises
    ------
    SitingError
        If ``parts`` or ``budgets`` are no such, the budgets are less than what the sites cost, or
        there is no answer to put in order.

    Examples
    --------
    Of three sites that serve 5, 9 and 2 people one comes first; no other could do better.

    >>> from servicecircle.siting.examples import small_model
    >>> model = small_model(
    ...     [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], weights=[5.0, 9.0, 2.0]
    ... )
    >>> goal = Goal(objective="cover", sites=3)
    >>> found = sequence(model, goal, solve(model, goal), parts=(1, 2))
    >>> found.order.tolist(), found.phase.tolist()
    ([1, 0, 2], [0, 1, 1])
    >>> found.table[["sites", "gained", "people", "bound", "loss"]].values.tolist()
    [[1.0, 9.0, 9.0, 9.0, 0.0], [2.0, 7.0, 16.0, 16.0, 0.0]]
    """
    began = time.perf_counter()
    existing = model.kept | model.closable
    sites = np.flatnonzero(answer.open & ~existing)
    _check_answer(answer)
    limits = _limits(model, sites, parts, budgets)
    prefix = _Prefix.of(model, goal, budgets is not None)
    each = seconds / (len(limits.most) + 1)
    bests = _bests(prefix, limits, each)
    free = not keep_end and prefix.peopled and not np.any(existing & ~answer.open)
    added = _from_the_start(model, goal, prefix, limits, answer, each) if free else None
    if added is None:
        near = near_of(model, sites, prefix.goal.objective, open_before=existing)
        phase, method = order_phases(near, limits, seconds=each)
        inside = order_within(near, phase)
        order, phase, end = sites[inside], phase[inside], answer
    else:
        (order, phase, end), method = added, "from_the_start"
    table = _table(prefix, goal, order, phase, bests, answer=answer, end=end)
    return Sequence(
        order=order,
        phase=phase,
        table=table,
        answer=end,
        method=method,
        seconds=time.perf_counter() - began,
    )


def _limits(
    model: SitingModel, sites: Ints, parts: Values[float], budgets: Values[float] | None
) -> Limits:
    """Return what may be open at the end of each phase."""
    if budgets is None:
        most = np.array(parts_of(sites.size, parts), np.float64)
        return Limits(most=most, cost=np.ones(sites.size))
    given = [float(one) for one in budgets]
    cost = model.cost[sites]
    fault = ""
    if not given or not all(math.isfinite(one) and one >= 0 for one in given):
        fault = "phasing.budgets"
    elif math.fsum(given) < float(cost.sum()) * (1.0 - _RELATIVE):
        fault = "phasing.budgets_short"
    if fault:
        raise SitingError(
            Problem(
                code=fault,
                severity="fatal",
                action="stopped",
                value=", ".join(f"{one:g}" for one in given),
                details={"cost": f"{float(cost.sum()):g}", "total": f"{math.fsum(given):g}"},
            )
        )
    return Limits(most=np.cumsum(given), cost=cost)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Prefix:
    """What the beginnings of a sequence are measured by: the model without what binds its end."""

    model: SitingModel
    goal: Goal
    by_cost: bool
    places: bool

    @classmethod
    def of(cls, model: SitingModel, goal: Goal, by_cost: bool) -> _Prefix:
        objective: Objective = goal.objective if goal.objective in {"mean", "worst"} else "cover"
        return cls(
            model=replace(
                model,
                floors=np.full(model.floors.size, np.nan),
                presence=np.zeros(model.presence.size, np.int64),
                mandatory=np.zeros(model.mandatory.size, bool),
                closable=np.zeros(model.closable.size, bool),
                kept=model.kept | model.closable,
                # Phases are measured by people in reach, whatever places there are.
                capacity=np.full(model.capacity.size, np.inf),
                # One that has to be closed in the end is open until then.
                forbidden=model.forbidden & ~(model.kept | model.closable),
            ),
            goal=Goal(objective=objective),
            by_cost=by_cost,
            places=bool(np.isfinite(model.capacity).any()),
        )

    def until(self, most: float) -> Goal:
        """Return the goal of the first phases together."""
        if self.by_cost:
            return replace(self.goal, budget=most)
        return replace(self.goal, sites=round(most))

    def nothing(self, most: float) -> bool:
        """Return whether no site at all can be opened, or none serves anybody."""
        return (most <= 0.0 if self.by_cost else most < 1.0) or not self.peopled

    @property
    def peopled(self) -> bool:
        """Whether there are people at all: sites may be wanted in units alone."""
        return bool(np.any(self.model.weights > 0.0))


def _bests(prefix: _Prefix, limits: Limits, seconds: float) -> list[Answer | None]:
    """Return the best choice for the end of each phase but the last; None for no site at all."""
    return [
        None if prefix.nothing(most) else solve(prefix.model, prefix.until(most), seconds=seconds)
        for most in limits.most[:-1].tolist()
    ]


def _from_the_start(
    model: SitingModel, goal: Goal, prefix: _Prefix, limits: Limits, end: Answer, seconds: float
) -> tuple[Ints, Ints, Answer] | None:
    """Add to each phase the best that can be added, as if none came after it.

    None where what was opened first leaves no way to keep what the whole has to.
    """
    existing = prefix.model.kept
    chosen = np.zeros(existing.size, bool)
    order, phases = np.empty(0, np.int64), np.empty(0, np.int64)
    # What has to be open in the end is not to be shut out by what opens first.
    shut = np.zeros(existing.size, bool)
    shut[neighbours(model.apart, np.flatnonzero(model.mandatory))] = True
    early = replace(
        prefix.model, forbidden=prefix.model.forbidden | (shut & ~existing & ~model.mandatory)
    )
    for number, most in enumerate(limits.most.tolist()):
        if prefix.nothing(most):
            continue
        wanted, now = prefix.until(most), early
        if number == len(limits.most) - 1:
            now = replace(model, closable=np.zeros(chosen.size, bool), kept=existing)
            if goal.objective == "cover_then_mean":
                wanted = replace(wanted, objective=goal.objective)
        found = solve(replace(now, mandatory=now.mandatory | chosen), wanted, seconds=seconds)
        if found.status in {"infeasible", "no_answer"}:
            return None
        new = np.flatnonzero(found.open & ~existing & ~chosen)
        near = near_of(model, new, wanted.objective, open_before=existing | chosen)
        order = np.concatenate([order, new[order_within(near, np.zeros(new.size, np.int64))]])
        phases = np.concatenate([phases, np.full(new.size, number, np.int64)])
        chosen[new] = True
        end = found
    return order, phases, end


def _check_answer(answer: Answer) -> None:
    if answer.status in {"infeasible", "no_answer"}:
        raise SitingError(
            Problem(
                code="phasing.no_answer", severity="fatal", action="stopped", value=answer.status
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """What some open sites give: people in reach, and what the goal measures."""

    people: float
    value: float

    @classmethod
    def of(cls, model: SitingModel, sites: Bools, objective: Objective) -> _Standing:
        taken = nearest_costs(model.pairs, sites)
        there = np.isfinite(taken) & (model.weights > 0.0)
        people = float(model.weights[there].sum())
        if objective == "mean":
            total = float(model.weights[there] @ taken[there])
            return cls(people=people, value=total / people if people > 0.0 else math.nan)
        if objective == "worst":
            return cls(people=people, value=float(taken[there].max(initial=-np.inf)))
        return cls(people=people, value=people)


def _table(
    prefix: _Prefix,
    goal: Goal,
    order: Ints,
    phase: Ints,
    bests: list[Answer | None],
    *,
    answer: Answer,
    end: Answer,
) -> pd.DataFrame:
    model, objective = prefix.model, prefix.goal.objective
    sites = model.kept.copy()
    last = _Standing.of(model, sites, objective)
    target = _Standing.of(model, answer.open, objective)
    rows = []
    for number in range(len(bests) + 1):
        new = order[phase == number]
        sites[new] = True
        if number == len(bests):
            sites = end.open
            best, bound, best_people = target.value, target.value, target.people
            if goal.objective == objective and not prefix.places:
                # The answer may not be proven to be the best itself.
                bound = answer.bound
        now = _Standing.of(model, sites, objective)
        if number < len(bests):
            best, bound, best_people = _told(bests[number], now, objective)
        loss = bound - now.value if objective == "cover" else now.value - bound
        if objective != "cover" and now.people < best_people * (1.0 - _RELATIVE):
            loss = math.nan
        rows.append(
            {
                "phase": number + 1,
                "sites": new.size,
                "total_sites": int((sites & ~model.kept).sum()),
                "cost": float(model.cost[new].sum()),
                "total_cost": float(model.cost[sites & ~model.kept].sum()),
                "gained": now.people - last.people,
                "people": now.people,
                "value": now.value,
                "best": best,
                "bound": bound,
                "loss": max(loss, 0.0) if not math.isnan(loss) else loss,
                "loss_percent": 100.0 * max(loss, 0.0) / abs(bound) if bound else math.nan,
                "best_people": best_people,
            }
        )
        last = now
    return pd.DataFrame(rows, columns=list(PHASE_COLUMNS))


def _told(found: Answer | None, now: _Standing, objective: Objective) -> tuple[float, float, float]:
    """Return the best that was found, what none is better than, and the people it reaches."""
    if found is None or found.status == "infeasible":
        return now.value, now.value, now.people
    if found.status == "no_answer":
        return now.value, found.bound, now.people
    people = float(found.served.sum())
    if objective == "cover":
        # The sequence itself may be better than what a search that ran out of time found.
        return max(found.objective, now.value), max(found.bound, now.value), max(people, now.people)
    return found.objective, found.bound, people
