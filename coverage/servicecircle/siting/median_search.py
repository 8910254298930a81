"""Good choices of sites for the mean: openings one by one, then exchanges."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.siting.choice import allowed, site_rows
from servicecircle.siting.highs import Mip, solve_mip
from servicecircle.siting.median_bound import Rules
from servicecircle.siting.median_kernels import exchange
from servicecircle.siting.medians import Medians, Value, spacing, value_of
from servicecircle.siting.model import Goal, SitingModel

__all__ = ["Search", "first_open", "improve", "rules_of", "search_of", "worth_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]
Bools = NDArray[np.bool_]

PENALTY = 1e3
"""What a person unserved costs while searching, times the largest cost of one served."""
MOST_CELLS = 60_000_000
"""Slots times sites above which the sums of exchanges take too much room: 480 MB."""
AT_ONCE = 10_000_000
"""Pairs above which the search looks at the clock every few moves."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Search:
    """What the exchange of sites needs besides the core.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    core : Medians
    fallback : numpy.ndarray of float, shape (n,)
        Cost of a point that no free site serves.
    apart_starts : numpy.ndarray of int64, shape (m + 1,)
    apart_heads : numpy.ndarray of int32, shape (k,)
        Free sites that clash with each.
    presence : numpy.ndarray of int64, shape (u,)
        Free sites that each unit needs at least.
    until : float
        ``time.perf_counter`` after which no search begins.
    """

    model: SitingModel
    goal: Goal
    core: Medians
    fallback: Floats
    apart_starts: Ints
    apart_heads: Heads
    presence: Ints
    until: float


def search_of(model: SitingModel, goal: Goal, core: Medians, *, until: float) -> Search:
    """Return what the exchange of sites needs besides the core."""
    clash = spacing(model, core)
    held = core.choice.fixed & (model.site_units >= 0)
    there = np.bincount(model.site_units[held], minlength=model.presence.size)
    penalty = PENALTY * max(core.farthest, 1e-300)
    return Search(
        model=model,
        goal=goal,
        core=core,
        fallback=np.where(np.isfinite(core.fixed), core.fixed, penalty),
        apart_starts=clash.indptr.astype(np.int64),
        apart_heads=clash.indices.astype(np.int32),
        presence=np.maximum(model.presence - there, 0).astype(np.int64),
        until=until,
    )


def worth_of(search: Search, is_open: Bools) -> Value:
    """Return what a choice of the core's sites is worth in the whole model.

    Parameters
    ----------
    search : Search
    is_open : numpy.ndarray of bool, shape (m,)

    Returns
    -------
    Value
    """
    whole = search.core.choice.fixed.copy()
    whole[search.core.sites[is_open]] = True
    return value_of(search.model, whole)


def first_open(search: Search, worth: Floats | None = None) -> Bools | None:
    """Return a choice that obeys the rules on sites, or None where there is none.

    Parameters
    ----------
    search : Search
    worth : numpy.ndarray of float, shape (m,), optional
        Of opening each, less being better: the choice of least worth.

    Returns
    -------
    numpy.ndarray of bool, shape (m,)
        Without ``worth`` the closable ones alone, where they do, else as few as can be.
    """
    core, choice = search.core, search.core.choice
    if worth is None:
        whole = choice.fixed.copy()
        whole[core.sites[core.start_open]] = True
        if allowed(search.model, search.goal, whole):
            return core.start_open.copy()
        worth = np.ones(core.sites.size)
    rules = site_rows(search.model, search.goal)
    shift = rules.rows @ choice.fixed.astype(float)
    count = core.sites.size
    answer = solve_mip(
        Mip(
            cost=worth,
            lower=np.zeros(count),
            upper=np.ones(count),
            integer=np.ones(count, np.bool_),
            rows=rules.rows.tocsc()[:, core.sites].tocsr(),
            row_lower=rules.lower - shift,
            row_upper=rules.upper - shift,
        ),
        seconds=max(search.until - time.perf_counter(), 0.1),
    )
    return None if answer.values is None else answer.values > 0.5  # noqa: PLR2004 - 0 or 1


def improve(
    search: Search, is_open: Bools, *, unserved_most: float = np.inf, by_ratio: bool = False
) -> Bools:
    """Return a choice that no single opening or exchange makes better.

    Parameters
    ----------
    search : Search
    is_open : numpy.ndarray of bool, shape (m,)
        That obeys all rules.
    unserved_most : float
        The most people that may go unserved, of those that a free site could serve.
    by_ratio : bool
        Whether openings are taken by gain over cost, as a budget asks for.

    Returns
    -------
    numpy.ndarray of bool, shape (m,)
        As far as time allows; the choice itself where there is no room to search.
    """
    core, model = search.core, search.model
    slots = max(core.choice.sites, int(np.count_nonzero(is_open)))
    now = is_open.copy()
    if slots * core.sites.size > MOST_CELLS or not core.sites.size:
        return now
    floors = bool(np.isfinite(core.lost_most).any())
    units = core.units if floors else np.full(core.units.size, -1, np.int32)
    while time.perf_counter() < search.until:
        before = now.copy()
        rounded = exchange(
            core.starts,
            core.heads,
            core.cost,
            core.column_starts,
            core.column_rows,
            core.weights,
            search.fallback,
            ~np.isfinite(core.fixed),
            units,
            now,
            slots,
            np.where(core.choice.existing, 0.0, model.cost)[core.sites],
            core.choice.budget,
            by_ratio,
            core.choice.closable[core.sites],
            core.choice.closed_most,
            model.site_units[core.sites].astype(np.int32),
            search.presence,
            search.apart_starts,
            search.apart_heads,
            unserved_most,
            core.lost_most if floors else np.empty(0),
            2**62 if core.heads.size < AT_ONCE else 25,
        )
        if (core.heads.size < AT_ONCE and not rounded) or np.array_equal(before, now):
            break
    return now


def rules_of(search: Search) -> Rules:
    """Return the rules on sites that a bound keeps; the others only make it smaller."""
    core, model = search.core, search.model
    closable = core.choice.closable[core.sites]
    if closable.any():
        group = np.where(closable, 0, -1)
        least = np.array([max(int(closable.sum()) - core.choice.closed_most, 0)])
    else:
        group, least = model.site_units[core.sites], search.presence
    return Rules(
        sites=core.choice.sites,
        site_cost=np.where(core.choice.existing, 0.0, model.cost)[core.sites],
        budget=core.choice.budget,
        group=group.astype(np.int64),
        least=least.astype(np.int64),
    )
