"""Fewest sites and most people covered: from the model to the answer with its proof."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.answers import gap_of, no_answer, told
from servicecircle.siting.choice import choice_of
from servicecircle.siting.covering import covering_mip, start_of, value_of
from servicecircle.siting.covering_search import Search, search_of
from servicecircle.siting.exchange import exchanged
from servicecircle.siting.fewer import fewer
from servicecircle.siting.greedy import greedy, needs_met, thinned
from servicecircle.siting.highs import MipAnswer, solve_mip
from servicecircle.siting.lagrange import dual_of, settled_columns
from servicecircle.siting.model import Answer, Goal, SitingModel
from servicecircle.siting.reasons import why_infeasible
from servicecircle.siting.reduction import Covering, decided, reduced, stated

__all__ = ["solve_covering"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SMALL = 5_000
"""Pairs up to which HiGHS needs no bound beforehand."""
LARGE = 2_000_000
"""Pairs above which HiGHS is not begun: its first relaxation would outlast most time limits."""
STEPS = 300
"""Steps of subgradients before HiGHS, or in all where the problem is too large for it."""
SWEEPS = 40
_OPEN = 0.5
_CLOSED = 1e-9
_REASONS_SECONDS = 5.0
_SHARE_OF_TIME = 0.5
_LEAST_STEP = 1e-4


class _Run:
    """The best choice, the best bound and the methods so far: all with ``base`` in them."""

    def __init__(self, problem: Covering, *, whole: bool, gap: float, ends: float) -> None:
        self.problem = problem
        self.sign = -1.0 if problem.maximise else 1.0
        self.whole = whole
        self.gap = gap
        self.ends = ends
        self.chosen: Bools | None = None
        self.objective = np.nan
        # What needs no search: all people, or what is open anyway.
        self.bound = problem.base
        if problem.maximise:
            self.bound += float(problem.weights[~problem.must].sum())
        self.methods = ["reduced"]

    @property
    def left(self) -> float:
        return self.ends - time.perf_counter()

    @property
    def done(self) -> bool:
        """Whether the gap is as small as wanted."""
        return gap_of(self.objective, self.bound) <= max(self.gap, _CLOSED)

    def offer(self, chosen: Bools | None, method: str) -> None:
        """Take a choice that keeps all needs and limits, where it is better."""
        if chosen is None:
            return
        value = worth(self.problem, chosen)
        if self.chosen is None or self.sign * value < self.sign * self.objective - _CLOSED:
            self.chosen, self.objective = chosen, value
            if method not in self.methods:
                self.methods.append(method)

    def limit(self, bound: float) -> None:
        """Take a bound, where it is tighter."""
        if np.isnan(bound):
            return
        if self.whole and np.isfinite(bound):
            hair = 1e-6 * max(1.0, abs(bound) * 1e-3)
            bound = float(np.ceil(bound - hair) if self.sign > 0 else np.floor(bound + hair))
        if self.chosen is not None:
            bound = self.sign * min(self.sign * bound, self.sign * self.objective)
        self.bound = self.sign * max(self.sign * self.bound, self.sign * bound)


def worth(problem: Covering, chosen: Bools) -> float:
    """Return the objective of chosen sites, ``base`` included.

    Parameters
    ----------
    problem : Covering
    chosen : numpy.ndarray of bool, shape (n,)

    Returns
    -------
    float
    """
    if not problem.maximise:
        return problem.base + float(problem.cost[chosen].sum())
    covered = np.asarray(problem.reach @ chosen.astype(np.float64)) > 0
    return problem.base + float(problem.weights[covered & ~problem.must].sum())


def solve_covering(
    model: SitingModel, goal: Goal, *, seconds: float = 60.0, gap: float = 0.0
) -> Answer:
    """Return the answer to ``fewest`` or ``cover``.

    The problem is reduced; a greedy choice is bettered by exchanges; a Lagrangian bound may end
    the search, or settle sites that no better choice opens or shuts; HiGHS solves what is left,
    beginning with the choice. Where more than two million pairs are left, choice and bound are
    those of exchange and prices.

    Parameters
    ----------
    model : SitingModel
        Checked, with no capacities.
    goal : Goal
    seconds, gap : float

    Returns
    -------
    Answer
    """
    begun = time.perf_counter()
    problem = reduced(stated(model, goal))
    run = _Run(problem, whole=_whole(model, goal), gap=gap, ends=begun + seconds)
    begin = choice_of(model, goal).closable[problem.columns]
    search = search_of(problem, begin)
    _first_choice(run, search)
    status = _prove(run, search)
    took = time.perf_counter() - begun
    method = "+".join(run.methods)
    if run.chosen is None:
        infeasible = status == "infeasible"
        reasons = why_infeasible(
            model, goal, seconds=min(max(run.left, 1.0), _REASONS_SECONDS)
        ) if infeasible else ()  # fmt: skip
        return no_answer(
            model, status="infeasible" if infeasible else "no_answer",
            bound=np.nan if infeasible else run.bound, seconds=time.perf_counter() - begun,
            method=method, reasons=reasons,
        )  # fmt: skip
    open_sites = problem.opened.copy()
    open_sites[problem.columns[run.chosen]] = True
    objective = value_of(model, goal, open_sites)
    bound = run.sign * min(run.sign * run.bound, run.sign * objective)
    return told(
        model, open_sites, objective=objective, bound=bound,
        status="optimal" if run.done else "feasible", seconds=took, method=method,
    )  # fmt: skip


def _whole(model: SitingModel, goal: Goal) -> bool:
    """Return whether the objective is a whole number, whatever is chosen."""
    if goal.objective != "fewest":
        return bool(np.all(model.weights == np.rint(model.weights)))
    return not goal.by_cost or bool(np.all(model.cost == np.rint(model.cost)))


def _first_choice(run: _Run, search: Search) -> None:
    """Find a choice by greed and exchange."""
    chosen = greedy(search)
    if chosen is None:
        return
    if not run.problem.maximise:
        run.offer(_thinned(search, chosen), "greedy")
        return
    run.offer(chosen, "greedy")
    _exchange(run, search, chosen)


def _thinned(search: Search, chosen: Bools) -> Bools | None:
    thin = thinned(search, chosen)
    return thin if needs_met(search, thin) else None


def _exchange(run: _Run, search: Search, chosen: Bools) -> None:
    """Exchange sweep by sweep until nothing is gained or time is up."""
    for _ in range(SWEEPS):
        if run.left <= 0:
            break
        chosen, ended = exchanged(search, chosen, sweeps=1)
        if ended:
            break
    run.offer(chosen if needs_met(search, chosen) else None, "exchange")


def _prove(run: _Run, search: Search) -> str:
    """Better choice and bound until they meet, or time is up; return what HiGHS says."""
    problem = run.problem
    left = problem
    if problem.reach.nnz > SMALL and run.left > 0:
        left = _by_prices(run, search)
    if run.chosen is not None and run.done:
        return "optimal"
    if left.reach.nnz + left.side.nnz > LARGE or run.left <= 0:
        return "no_answer"
    start = None
    if left is problem and run.chosen is not None:
        start = start_of(problem, run.chosen)
    found = solve_mip(covering_mip(left), start=start, seconds=run.left, gap=run.gap)
    run.methods.append("highs")
    _take(run, search, left, found)
    return found.status


def _by_prices(run: _Run, search: Search) -> Covering:
    """Take the bound of prices, choices near them, and return what they leave undecided."""
    problem = run.problem
    target = np.nan if run.chosen is None else run.objective - problem.base
    large = problem.reach.nnz > LARGE
    dual = dual_of(
        problem, by_column=search.by_column, target=target, gap=run.gap, steps=STEPS,
        seconds=run.left * (1.0 if large else _SHARE_OF_TIME),
    )  # fmt: skip
    run.limit(dual.bound + problem.base)
    run.methods.append("lagrange")
    if run.chosen is not None and run.done:
        return problem
    near = dual.chosen > _OPEN
    if needs_met(search, near):
        if problem.maximise:
            _exchange(run, search, near)
        else:
            run.offer(_thinned(search, near), "greedy")
    if run.chosen is None:
        return problem
    if not problem.maximise:
        least = 1.0 if run.whole else _LEAST_STEP * run.objective
        smaller = fewer(search, run.chosen, step=least, seconds=_SHARE_OF_TIME * run.left)
        run.offer(smaller, "exchange")
        run.limit(run.bound)
        if run.done:
            return problem
    shut, opened = settled_columns(problem, dual, run.objective - problem.base)
    if not (shut.any() or opened.any()):
        return problem
    return reduced(decided(problem, shut=shut, opened=opened))


def _take(run: _Run, search: Search, left: Covering, found: MipAnswer) -> None:
    """Take what HiGHS found of what was left undecided."""
    if found.values is not None:
        open_sites = left.opened.copy()
        open_sites[left.columns[found.values[: left.columns.size] > _OPEN]] = True
        chosen = open_sites[run.problem.columns]
        if needs_met(search, chosen):
            run.offer(chosen, "highs")
    if left is run.problem:
        run.limit(found.bound + left.base)
    elif found.status == "infeasible":
        # Nothing better than the known choice is left.
        run.limit(run.objective)
    else:
        bound = found.bound + left.base
        run.limit(run.sign * min(run.sign * bound, run.sign * run.objective))
