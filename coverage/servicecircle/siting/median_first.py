"""The first step of siting by cost: a choice that leaves as few people unserved as can be."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.answers import nearest_open, no_answer
from servicecircle.siting.choice import allowed
from servicecircle.siting.covering import unmet_floors
from servicecircle.siting.median_bound import find_prices
from servicecircle.siting.median_search import (
    Search,
    first_open,
    improve,
    rules_of,
    search_of,
    worth_of,
)
from servicecircle.siting.medians import SAME, Value, medians_of
from servicecircle.siting.model import Answer, Goal, SitingModel

__all__ = ["Best", "best_of", "keeps_rules", "only_those_that_cover"]

Bools = NDArray[np.bool_]

STEPS = 400
"""Steps of prices that tell which sites cannot be in a choice that serves as many."""


class Best:
    """The best choice met so far, and what to compare others with."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.open: Bools | None = None
        self.value: Value | None = None
        self.slack = SAME * search.core.people

    def meet(self, is_open: Bools) -> bool:
        """Keep a choice if it obeys everything and is better; return whether it is."""
        value = worth_of(self.search, is_open)
        if not value.better(self.value, people=self.search.core.people):
            return False
        if not keeps_rules(self.search, is_open):
            return False
        self.open, self.value = is_open.copy(), value
        return True

    def refine(self, is_open: Bools) -> None:
        """Exchange from a choice on, without leaving more people unserved than the best does."""
        if self.value is not None:
            most = self.value.unserved - self.search.core.unserved + self.slack
            self.meet(improve(self.search, is_open, unserved_most=most))

    @property
    def unserved(self) -> float:
        """People of the core whom the best choice leaves unserved."""
        return 0.0 if self.value is None else self.value.unserved - self.search.core.unserved

    @property
    def cost(self) -> float:
        """Cost of the people of the core whom the best choice serves."""
        return np.inf if self.value is None else self.value.cost - self.search.core.standing


def best_of(search: Search, *, until: float, gap: float) -> tuple[Bools, float, list[str]] | Answer:
    """Return a good choice that leaves as few people unserved as can be.

    Parameters
    ----------
    search : Search
    until : float
        ``time.perf_counter``; where not everybody can be served, half of the time is taken.
    gap : float
        Relative gap of the people served.

    Returns
    -------
    open : numpy.ndarray of bool, shape (m,)
    least_unserved : float
        Proven: no choice leaves fewer people of the model unserved.
    methods : list of str

    Or an answer that says why there is none.
    """
    core = search.core
    best = Best(search)
    start = first_open(search)
    if start is not None:
        best.meet(improve(search, start))
        if np.isfinite(core.choice.budget):
            best.meet(improve(search, start, by_ratio=True))
    methods = ["greedy", "exchange"]
    least = core.unserved
    if best.value is None or best.unserved > best.slack:
        seconds = (until - time.perf_counter()) / 2
        first = _first_step(search.model, search.goal, seconds=seconds, gap=gap)
        methods.append(first.method)
        if first.status == "infeasible":
            return first
        if np.isfinite(first.bound):
            least = max(least, core.people - first.bound)
        if first.status != "no_answer":
            best.meet(first.open[core.sites])
            best.refine(first.open[core.sites])
    if best.open is None:
        return no_answer(
            search.model,
            status="no_answer",
            bound=0.0,
            seconds=0.0,
            method="+".join(methods),
        )
    return best.open, least, methods


def keeps_rules(search: Search, is_open: Bools) -> bool:
    """Return whether a choice obeys the rules on sites, and the floors of units.

    Parameters
    ----------
    search : Search
    is_open : numpy.ndarray of bool, shape (m,)

    Returns
    -------
    bool
    """
    model, core = search.model, search.core
    whole = core.choice.fixed.copy()
    whole[core.sites[is_open]] = True
    if not allowed(model, search.goal, whole):
        return False
    if not np.any(model.floors > 0):
        return True
    _, site = nearest_open(model.pairs, whole)
    return not unmet_floors(model, site >= 0).size


def only_those_that_cover(search: Search, is_open: Bools, *, until: float) -> tuple[Search, Bools]:
    """Return the same choice in a smaller core, without sites that would leave more unserved.

    The prices of people served, each counting alike, prove that a choice with such a site leaves
    more of them unserved than this one does.

    Parameters
    ----------
    search : Search
    is_open : numpy.ndarray of bool, shape (m,)
        A choice that obeys all rules.
    until : float
        ``time.perf_counter``; a quarter of the time is taken.

    Returns
    -------
    search : Search
        The same one where everybody is served who can be.
    open : numpy.ndarray of bool
    """
    core, best = search.core, Best(search)
    best.meet(is_open)
    if best.unserved <= best.slack:
        return search, is_open
    flat = replace(
        core,
        cost=np.zeros(core.cost.size),
        fixed=np.where(np.isfinite(core.fixed), 0.0, np.inf),
    )
    found = find_prices(
        flat,
        rules_of(search),
        prices=0.5 * core.weights,
        penalty=1.0,
        target=best.unserved,
        steps=STEPS,
        until=time.perf_counter() + (until - time.perf_counter()) / 4.0,
    )
    selected = found.selected
    out = found.bound + selected.rise > best.unserved + best.slack
    out &= (selected.share <= 0.0) & ~core.choice.existing[core.sites] & ~is_open
    forbidden = search.model.forbidden.copy()
    forbidden[core.sites[out]] = True
    model = replace(search.model, forbidden=forbidden)
    less = search_of(model, search.goal, medians_of(model, search.goal), until=search.until)
    opened = np.zeros(forbidden.size, np.bool_)
    opened[core.sites[is_open]] = True
    return less, opened[less.core.sites]


def _first_step(model: SitingModel, goal: Goal, *, seconds: float, gap: float) -> Answer:
    """Return the choice that serves most people, which is another model."""
    from servicecircle.siting.solve import solve  # it calls this module

    return solve(model, replace(goal, objective="cover"), seconds=max(seconds, 0.05), gap=gap)
