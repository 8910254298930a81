"""Fewest sites and most people covered: the model that HiGHS solves, and what sites are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array, hstack, vstack

from servicecircle.siting.answers import nearest_open
from servicecircle.siting.choice import allowed, choice_of
from servicecircle.siting.highs import Mip
from servicecircle.siting.model import Goal, SitingModel
from servicecircle.siting.reduction import Covering, needed_people

__all__ = ["covering_mip", "obeys", "start_of", "unmet_floors", "value_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SLACK = 1e-9
_ROUNDING = 1e-12


def covering_mip(problem: Covering) -> Mip:
    """Return the mixed-integer model of a covering problem.

    Location set covering (Toregas, Swain, ReVelle and Bergman 1971) and maximal covering (Church
    and ReVelle 1974): sites ``x`` are 0 or 1, ``y`` of each group that need not be covered lies
    between 0 and 1 and is at most the number of open sites that cover it. It need not be whole:
    it is 0 or 1 by itself wherever more of it is better.

    Parameters
    ----------
    problem : Covering

    Returns
    -------
    Mip
        Columns: the sites, then the groups that need not be covered. Without ``base``.
    """
    sites, free = problem.columns.size, np.flatnonzero(~problem.must)
    weights, need = problem.weights[free], problem.need[free]
    blocks, lower, upper = [], [], []

    def add(on_sites: csr_array | None, on_groups: csr_array | None, least: Floats, most: Floats)\
            -> None:  # fmt: skip
        count = least.size
        left = csr_array((count, sites)) if on_sites is None else on_sites
        right = csr_array((count, free.size)) if on_groups is None else on_groups
        blocks.append(hstack([left, right], format="csr"))
        lower.append(least)
        upper.append(most)

    reach = problem.reach.astype(np.float64)
    zero, endless = np.zeros(free.size), np.full(free.size, np.inf)
    add(reach[free], csr_array(-eye_array(free.size, format="csr")), zero, endless)
    bound = np.flatnonzero(problem.must)
    add(reach[bound], None, np.ones(bound.size), np.full(bound.size, np.inf))
    counted = np.flatnonzero(need >= 0)
    units = problem.needs.size
    by_need = csr_array((weights[counted], (need[counted], counted)), shape=(units, free.size))
    add(None, by_need, _whole(problem.needs, weights), np.full(units, np.inf))
    if np.isfinite(problem.total):
        total = _whole(np.array([problem.total]), weights)
        add(None, csr_array(weights[None, :]), total, np.array([np.inf]))
    add(problem.side, None, problem.lower, problem.upper)
    whole = np.zeros(sites + free.size, np.bool_)
    whole[:sites] = True
    on_groups = weights if problem.maximise else np.zeros(free.size)
    return Mip(
        cost=np.concatenate([problem.cost, on_groups]),
        lower=np.zeros(whole.size),
        upper=np.ones(whole.size),
        integer=whole,
        rows=csr_array(vstack(blocks, format="csr")),
        row_lower=np.concatenate(lower),
        row_upper=np.concatenate(upper),
        maximise=problem.maximise,
    )


def _whole(needs: Floats, weights: Floats) -> Floats:
    """Return needs of people as whole numbers where people are: no row ends beside a sum of them.

    HiGHS 1.15.1 loses the best choice where a row asks for 1e-6 less than it has. The slack of
    needs is in them already: what is left above a whole number asks for the next one.
    """
    if np.any(weights != np.rint(weights)):
        return needs
    return np.asarray(np.ceil(needs - _ROUNDING * np.maximum(needs, 1.0)))


def start_of(problem: Covering, chosen: Bools) -> Floats:
    """Return the values of a model's columns where some sites are open.

    Parameters
    ----------
    problem : Covering
    chosen : numpy.ndarray of bool, shape (n,)

    Returns
    -------
    numpy.ndarray of float
    """
    sums = np.asarray(problem.reach @ chosen.astype(np.float64))
    return np.concatenate([chosen.astype(float), (sums[~problem.must] > 0).astype(float)])


def value_of(model: SitingModel, goal: Goal, open_sites: Bools) -> float:
    """Return what open sites are worth for ``fewest`` or ``cover``.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    open_sites : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    float
        People covered; or the cost of new sites, or their number less that of closed ones.

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> sites = np.array([True, True, False])
    >>> value_of(three_sites(), Goal(objective="cover", sites=1), sites)
    3.0
    >>> value_of(three_sites(), Goal(objective="fewest"), sites)
    1.0
    """
    if goal.objective != "fewest":
        _, site = nearest_open(model.pairs, open_sites)
        return float(model.weights[site >= 0].sum())
    existing = model.kept | model.closable
    new = open_sites & ~existing
    if goal.by_cost:
        return float(model.cost[new].sum())
    return float(np.count_nonzero(new) - np.count_nonzero(existing & ~open_sites))


def obeys(model: SitingModel, goal: Goal, open_sites: Bools) -> bool:
    """Return whether open sites keep every limit, floor and, for ``fewest``, the share.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    open_sites : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    bool

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> sites = np.array([True, True, False])
    >>> obeys(three_sites(), Goal(objective="fewest"), sites)
    True
    >>> obeys(three_sites(), Goal(objective="fewest"), ~sites)
    False
    """
    if not allowed(model, goal, open_sites):
        return False
    choice = choice_of(model, goal)
    closed = np.count_nonzero(choice.existing & ~open_sites)
    if goal.objective == "fewest" and not goal.by_cost:
        new = np.count_nonzero(open_sites & ~choice.existing)
        if closed > new:
            return False
    _, site = nearest_open(model.pairs, open_sites)
    covered = site >= 0
    return _has_share(model, goal, covered) and not unmet_floors(model, covered).size


def unmet_floors(model: SitingModel, covered: Bools) -> Ints:
    """Return the units whose floor is not kept.

    Parameters
    ----------
    model : SitingModel
    covered : numpy.ndarray of bool, shape (d,)

    Returns
    -------
    numpy.ndarray of int64
        Ascending. A unit without people, or without a floor, keeps it.

    Examples
    --------
    >>> import dataclasses
    >>> from servicecircle.siting.examples import three_sites
    >>> model = dataclasses.replace(three_sites(), floors=np.array([0.5]))
    >>> unmet_floors(model, np.array([True, True, False])).tolist()
    []
    >>> unmet_floors(model, np.array([True, False, False])).tolist()
    [0]
    """
    units = model.floors.size
    at = np.where(model.units >= 0, model.units, units)
    people = np.bincount(at, model.weights, units + 1)[:units]
    have = np.bincount(at[covered], model.weights[covered], units + 1)[:units]
    lost = np.bincount(at[~covered & (model.weights > 0)], minlength=units + 1)[:units] > 0
    floors = np.nan_to_num(model.floors, nan=0.0)
    wanted = np.array([needed_people(*pair) for pair in zip(floors, people, strict=True)])
    short = have < wanted * (1 - _SLACK)
    return np.flatnonzero(np.where(floors >= 1, lost, short))


def _has_share(model: SitingModel, goal: Goal, covered: Bools) -> bool:
    """Return whether enough people are covered for ``fewest``."""
    if goal.objective != "fewest":
        return True
    if goal.share >= 1:
        return bool(covered[model.weights > 0].all())
    wanted = needed_people(goal.share, float(model.weights.sum()))
    return float(model.weights[covered].sum()) >= wanted * (1 - _SLACK)
