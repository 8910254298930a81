"""What a choice of sites has to obey by itself, whoever is served by it.

The number of new sites, the budget, closings, presence in units and the least spacing concern
only which sites are open. They are the same rows in every model of siting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, vstack

from servicecircle.siting.model import Goal, SitingModel

__all__ = ["Choice", "SiteRows", "allowed", "beside", "choice_of", "site_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SLACK = 1e-9
"""Share of a budget by which a sum of costs may pass it."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Choice:
    """Which sites stand open, which can be opened, and which can be closed.

    Parameters
    ----------
    fixed : numpy.ndarray of bool, shape (c,)
        Open whatever is chosen: existing ones that are not to be closed, and mandatory ones.
    free : numpy.ndarray of bool, shape (c,)
        Those that the choice is about: candidates that may be opened, existing ones that may be
        closed.
    existing : numpy.ndarray of bool, shape (c,)
    closable : numpy.ndarray of bool, shape (c,)
        Existing ones that may be closed under the goal.
    sites : int
        At most so many of the free ones are open (the number itself without a limit).
    gone : int
        Existing ones that have to be closed; they are not among the closable ones.
    closed_most : int
        At most so many of the closable ones are closed.
    budget : float
        At most so much for the free ones; infinite without a limit.
    """

    fixed: Bools
    free: Bools
    existing: Bools
    closable: Bools
    sites: int
    gone: int
    closed_most: int
    budget: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SiteRows:
    """Linear rows over the sites: ``lower <= rows @ open <= upper``.

    Parameters
    ----------
    rows : scipy.sparse.csr_array, shape (m, c)
    lower, upper : numpy.ndarray of float, shape (m,)
    """

    rows: csr_array
    lower: Floats
    upper: Floats


def choice_of(model: SitingModel, goal: Goal) -> Choice:
    """Return which sites stand open and which the choice is about.

    An existing site is one that is kept or closable; without closings in the goal all of them stay.
    A mandatory one stays open, a forbidden candidate stays shut; a closable one that is forbidden,
    or too close to a mandatory new site, is to be closed.

    Parameters
    ----------
    model : SitingModel
    goal : Goal

    Returns
    -------
    Choice

    Examples
    --------
    >>> from servicecircle.siting.model import Goal
    >>> from servicecircle.siting.examples import three_sites
    >>> choice = choice_of(three_sites(), Goal(objective="mean", sites=1))
    >>> choice.fixed.tolist(), choice.free.tolist(), choice.sites
    ([True, False, False], [False, True, True], 1)
    >>> moved = choice_of(three_sites(), Goal(objective="mean", sites=0, closings=1))
    >>> moved.fixed.tolist(), moved.free.tolist(), moved.sites, moved.closed_most
    ([False, False, False], [True, True, True], 1, 1)

    The existing one has to go where a mandatory one is too close to it:

    >>> from dataclasses import replace
    >>> must = np.array([False, True, False])
    >>> beside = replace(three_sites(), mandatory=must, apart=np.array([[0, 1]]))
    >>> gone = choice_of(beside, Goal(objective="mean", sites=1, closings=1))
    >>> gone.free.tolist(), gone.closable.tolist(), gone.gone, gone.closed_most
    ([False, False, True], [False, False, False], 1, 0)
    """
    existing = model.kept | model.closable
    closable = model.closable & ~model.mandatory & (goal.closings > 0)
    # Closed sites free one new site each, so that their slots and the new ones are one number.
    fixed = (existing & ~closable) | (model.mandatory & ~model.forbidden)
    shut = model.forbidden | (closable & beside(model, fixed & ~existing))
    free = ~fixed & ~shut
    most = int(np.count_nonzero(free))
    sites = most
    if goal.sites is not None:
        new_fixed = int(np.count_nonzero(fixed & ~existing))
        slots = goal.sites - new_fixed + int(np.count_nonzero(closable))
        sites = min(most, slots)
    budget = np.inf
    if goal.budget is not None:
        budget = goal.budget * (1.0 + SLACK) - float(model.cost[fixed & ~existing].sum())
    gone = int(np.count_nonzero(closable & shut))
    closed_most = min(goal.closings - gone, int(np.count_nonzero(closable & ~shut)))
    return Choice(
        fixed=fixed,
        free=free,
        existing=existing,
        closable=closable & ~shut,
        sites=sites,
        gone=gone,
        closed_most=closed_most,
        budget=budget,
    )


def site_rows(model: SitingModel, goal: Goal) -> SiteRows:
    """Return the rows that a choice of sites has to keep.

    In this order: number of sites, budget, closings, presence by unit, spacing. What is fixed open
    counts in each of them; two existing sites may stand closer than the least spacing, as they do.

    Parameters
    ----------
    model : SitingModel
    goal : Goal

    Returns
    -------
    SiteRows
        Over all candidates, ``fixed`` ones to be held at 1 and those neither fixed nor free at 0.

    Examples
    --------
    >>> from servicecircle.siting.model import Goal
    >>> from servicecircle.siting.examples import three_sites
    >>> rows = site_rows(three_sites(), Goal(objective="mean", sites=1))
    >>> rows.rows.toarray().tolist(), rows.upper.tolist()
    ([[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]], [1.0, 1.0])
    >>> free = site_rows(three_sites(), Goal(objective="fewest"))
    >>> free.rows.toarray().tolist()
    [[0.0, 1.0, 1.0]]
    """
    choice = choice_of(model, goal)
    new = ~choice.existing
    count = model.cost.size
    parts: list[csr_array] = []
    lower: list[Floats] = []
    upper: list[Floats] = []

    def add(part: csr_array, least: Floats, most: Floats) -> None:
        parts.append(part)
        lower.append(least)
        upper.append(most)

    nothing = np.array([-np.inf])
    may_close = model.closable & ~model.mandatory & (goal.closings > 0)
    if goal.sites is not None:
        most = goal.sites + int(np.count_nonzero(may_close))
        add(_one_row(new | may_close, count), nothing, np.array([float(most)]))
    if goal.budget is not None:
        part = csr_array(np.where(new, model.cost, 0.0)[None, :])
        add(part, nothing, np.array([goal.budget * (1.0 + SLACK)]))
    if may_close.any():
        least = float(np.count_nonzero(may_close) - goal.closings)
        add(_one_row(may_close, count), np.array([least]), np.array([np.inf]))
    wanted = np.flatnonzero(model.presence > 0)
    if wanted.size:
        at = np.flatnonzero(np.isin(model.site_units, wanted))
        row = np.searchsorted(wanted, model.site_units[at])
        part = csr_array(coo_array((np.ones(at.size), (row, at)), shape=(wanted.size, count)))
        add(part, model.presence[wanted].astype(float), np.full(wanted.size, np.inf))
    apart = _spaced(model, choice.existing)
    if apart.size:
        row = np.repeat(np.arange(len(apart)), 2)
        part = csr_array(
            coo_array((np.ones(apart.size), (row, apart.ravel())), shape=(len(apart), count))
        )
        add(part, np.full(len(apart), -np.inf), np.ones(len(apart)))
    if not parts:
        return SiteRows(rows=csr_array((0, count)), lower=np.empty(0), upper=np.empty(0))
    return SiteRows(
        rows=csr_array(vstack(parts, format="csr")),
        lower=np.concatenate(lower),
        upper=np.concatenate(upper),
    )


def allowed(model: SitingModel, goal: Goal, open_sites: Bools) -> bool:
    """Return whether a choice of sites obeys everything that concerns only the sites.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    open_sites : numpy.ndarray of bool, shape (c,)
        Existing ones included.

    Returns
    -------
    bool
        Floors and shares of people are not looked at.

    Examples
    --------
    >>> import numpy as np
    >>> from servicecircle.siting.model import Goal
    >>> from servicecircle.siting.examples import three_sites
    >>> goal = Goal(objective="mean", sites=2)
    >>> allowed(three_sites(), goal, np.array([True, True, False]))
    True
    >>> allowed(three_sites(), goal, np.array([True, True, True]))  # too close to each other
    False
    >>> allowed(three_sites(), goal, np.array([False, True, False]))  # the existing one is gone
    False
    """
    choice = choice_of(model, goal)
    if np.any(choice.fixed & ~open_sites) or np.any(open_sites & ~choice.fixed & ~choice.free):
        return False
    rows = site_rows(model, goal)
    sums = rows.rows @ open_sites.astype(float)
    return bool(np.all(sums >= rows.lower) and np.all(sums <= rows.upper))


def _one_row(chosen: Bools, count: int) -> csr_array:
    at = np.flatnonzero(chosen)
    return csr_array((np.ones(at.size), at, np.array([0, at.size])), shape=(1, count))


def beside(model: SitingModel, opened: Bools) -> Bools:
    """Return which candidates stand too close to one of some sites.

    Parameters
    ----------
    model : SitingModel
    opened : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    numpy.ndarray of bool, shape (c,)

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> beside(three_sites(), np.array([True, True, False])).tolist()
    [False, False, True]
    >>> beside(three_sites(), np.zeros(3, bool)).any()
    np.False_
    """
    shut = np.zeros(opened.size, np.bool_)
    if model.apart.size:
        one, two = model.apart[:, 0], model.apart[:, 1]
        shut[two[opened[one]]] = True
        shut[one[opened[two]]] = True
    return shut


def _spaced(model: SitingModel, existing: Bools) -> Ints:
    """Return the pairs that bind: at least one of the two is no existing site."""
    pairs = model.apart.reshape(-1, 2)
    return pairs[~existing[pairs].all(axis=1)] if pairs.size else pairs
